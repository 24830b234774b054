"""A minute of training from nothing, seeded, on one thread: do the losses begin as they did when the curve was committed?
`python -m training.loss_start` compares with training/loss-start.csv and exits 1 when they differ; `--write` renews it.

It runs the stages' own losses, networks and optimiser on small pictures: the autoencoder on crops, then text encoder and
transformer on the latents of that autoencoder, with a tokenizer made on the way. Nothing shipped is read, so that new
weights do not change the curve; a change of the generator, of a network, of a loss or of the optimiser does."""

import argparse
import csv
import sys
from pathlib import Path

import numpy as np
import torch

from training.autoencoder import TrainedAutoencoder, random_crops, reconstruction_loss
from training.base import flow_matching_loss
from training.batches import Batch
from training.half_precision import HalfPrecisionTrainer
from training.scenes import caption, render, sample_scene, vocabulary_corpus
from training.stage import step_generator
from training.starter_models import build_text_encoder, build_transformer, image_ids, pack_latents
from training.text import pad_ids, token_ids, train_tokenizer

CURVE = Path(__file__).parent / "loss-start.csv"
SCENES, SIDE = 48, 96
AUTOENCODER_STEPS, BASE_STEPS = 40, 50
EVERY = 5  # a point of the curve is the mean of this many steps
# Relative. On one machine the curve repeats to the last digit of the file. Other kernels sum in another order, and training enlarges
# that: with ONEDNN_MAX_CPU_ISA=AVX512_CORE a point moved by 2e-4 at most, with ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=avx2 the
# autoencoder's by 1e-2 within 40 steps and 4e-2 after 60. Hence float32 for the autoencoder, small rates, and so few steps: in
# bfloat16 at ten times the rate another processor's curve was another one from the first point on.
TOLERANCE = 0.03


def autoencoder_losses(autoencoder: TrainedAutoencoder, pictures: np.ndarray) -> list[float]:
    optimizer = torch.optim.AdamW(autoencoder.parameters(), 6e-4, betas=(0.9, 0.99))
    losses = []
    for step in range(AUTOENCODER_STEPS):
        target = random_crops([pictures], 8, 32, step_generator(1, step))
        decoded = autoencoder.model.decoder(autoencoder.encode(target))
        loss = reconstruction_loss(decoded, target)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(autoencoder.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    return losses


@torch.no_grad()
def clean_latents(autoencoder: TrainedAutoencoder, pictures: np.ndarray) -> torch.Tensor:
    autoencoder.eval()
    return autoencoder.encode(torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1)


def base_losses(latents: torch.Tensor, captions: list[str]) -> list[float]:
    tokenizer = train_tokenizer(vocabulary_corpus(400), 700)
    rows = [token_ids(tokenizer, text)[:24] for text in captions]
    networks = {"transformer": build_transformer(), "text_encoder": build_text_encoder(tokenizer.get_vocab_size())}
    networks["transformer"].time_text_embed.guidance_embedder.requires_grad_(False)
    trainer = HalfPrecisionTrainer(networks, 3e-4, 0.99)
    positions = image_ids(latents.shape[2] // 2, latents.shape[3] // 2)
    losses = []
    for step in range(BASE_STEPS):
        generator = step_generator(2, step)
        chosen = torch.randint(0, len(rows), (8,), generator=generator)
        batch = Batch(pack_latents(latents[chosen]), pad_ids([rows[i] for i in chosen], 24), positions)
        loss = flow_matching_loss(networks, batch, generator, torch.device("cpu"))
        loss.backward()
        trainer.step(min(1.0, (step + 1) / 20))
        losses.append(loss.item())
    return losses


def curve() -> list[tuple[str, int, float]]:
    """(stage, step, mean loss of the last steps) every few steps."""
    torch.manual_seed(1)
    torch.use_deterministic_algorithms(True)
    scenes = [sample_scene(seed) for seed in range(SCENES)]
    pictures = np.stack([render(scene, SIDE, SIDE) for scene in scenes])
    autoencoder = TrainedAutoencoder()
    first = autoencoder_losses(autoencoder, pictures)
    second = base_losses(clean_latents(autoencoder, pictures), [caption(scene, scene.seed) for scene in scenes])
    return [(stage, at + EVERY, float(np.mean(losses[at : at + EVERY])))
            for stage, losses in (("autoencoder", first), ("base", second)) for at in range(0, len(losses), EVERY)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"renew {CURVE.name}")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = curve()
    if options.write:
        with CURVE.open("w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([("stage", "step", "loss"), *((s, n, f"{loss:.6f}") for s, n, loss in rows)])
        return
    if not CURVE.exists():
        sys.exit(f"{CURVE} is missing: python -m training.loss_start --write makes it")
    with CURVE.open() as file:
        kept = {(row["stage"], int(row["step"])): float(row["loss"]) for row in csv.DictReader(file)}
    worst = max(abs(loss / kept[stage, step] - 1) if (stage, step) in kept else 1.0 for stage, step, loss in rows)
    is_same = worst <= TOLERANCE and len(kept) == len(rows)
    for stage, step, loss in rows:
        print(f"{stage:12} {step:4} {loss:.6f}  committed {kept.get((stage, step), float('nan')):.6f}")
    print(f"largest relative difference {worst:.2e}, allowed {TOLERANCE}: {'the same start' if is_same else 'ANOTHER START'}")
    sys.exit(0 if is_same else 1)


if __name__ == "__main__":
    main()
