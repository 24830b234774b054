"""Trains the recogniser that scores the starter's pictures, and reports its own accuracy on real ones (the ceiling).
`python -m training.recogniser`; with `--ceiling` it only reports."""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from training.labels import HEADS, PRESENCE, UNLABELLED, indices_of, values_of
from training.networks import load_autoencoder
from training.recogniser_network import Recogniser, load_recogniser, recognise, save_recogniser, split_heads
from training.recogniser_pictures import CEILING_SEED, make_examples, through_autoencoder
from training.scenes import STYLES, render, sample_scene
from training.stage import WORK, Progress, add_common_options, load_checkpoint, rate_factor, save_checkpoint, step_generator


def augmented(pictures: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Shift, contrast, colour, softness and noise, so that a soft picture is not refused for being soft."""
    count = len(pictures)
    shift = torch.randint(0, 7, (2,), generator=generator).tolist()
    pictures = F.pad(pictures, (3, 3, 3, 3), mode="replicate")[..., shift[0] : shift[0] + 128, shift[1] : shift[1] + 128]
    contrast = 1 + 0.12 * torch.randn(count, 1, 1, 1, generator=generator)
    tint = 0.05 * torch.randn(count, 3, 1, 1, generator=generator)
    pictures = pictures * contrast + tint
    kind = int(torch.randint(0, 6, (1,), generator=generator))
    if kind < 2:
        small = F.interpolate(pictures, scale_factor=(0.5, 0.7)[kind], mode="bilinear", antialias=True)
        pictures = F.interpolate(small, (128, 128), mode="bicubic")
    elif kind == 2:
        pictures = F.avg_pool2d(F.pad(pictures, (1, 1, 1, 1), mode="replicate"), 3, 1)
    noise = 0.12 * torch.rand(count, 1, 1, 1, generator=generator)
    return pictures + noise * torch.randn(pictures.shape, generator=generator)


def recogniser_loss(scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The mean of all heads' cross entropies; pictures in which a head has nothing to say are left out of it."""
    losses = []
    for index, rows in enumerate(split_heads(scores).values()):
        if (labels[:, index] != UNLABELLED).any():
            losses.append(F.cross_entropy(rows, labels[:, index], ignore_index=UNLABELLED, label_smoothing=0.02))
    return torch.stack(losses).sum() / len(HEADS)


def train(options: argparse.Namespace) -> Recogniser:
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    pictures, labels = make_examples(WORK, options.pictures, load_autoencoder(str(options.autoencoder)))
    network = Recogniser().to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.parameters(), options.rate, weight_decay=0.02)
    first = 0
    if options.resume and (WORK / "recogniser.pt").exists():
        state = load_checkpoint("recogniser")
        network.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        first = state["step"]
    progress = Progress("recogniser", options, options.batch)
    for step in range(first, options.steps):
        generator = step_generator(options.seed, step)
        rows = torch.randint(0, len(pictures), (options.batch,), generator=generator).sort().values.numpy()
        batch = augmented(torch.from_numpy(pictures[rows]).permute(0, 3, 1, 2).float() / 127.5 - 1, generator)
        for group in optimizer.param_groups:
            group["lr"] = options.rate * rate_factor(progress.share(step), step, decay_from=0.25)
        with torch.autocast("cpu", torch.bfloat16):
            scores = network.train()(batch.contiguous(memory_format=torch.channels_last))
        loss = recogniser_loss(scores.float(), torch.from_numpy(labels[rows]).long())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 2.0)
        optimizer.step()
        progress.record(step, loss=loss.item())
        is_last = step + 1 == options.steps or progress.share(step + 1) >= 1
        if (step + 1) % options.checkpoint_every == 0 or is_last:
            save_checkpoint("recogniser", {"model": network.state_dict(), "optimizer": optimizer.state_dict(), "step": step + 1})
            save_recogniser(network, WORK / "recogniser.safetensors")
        if is_last:
            break
    return network.eval()


def accuracies(found: list[dict], true: list[dict]) -> dict[str, dict]:
    """Attribute -> {pictures, right}: where the thing is there, its attribute is right when the thing is found as well."""
    table = {name: {"pictures": 0, "right": 0} for name in HEADS}
    for f, t in zip(found, true):
        for (name, entry), label in zip(table.items(), indices_of(t)):
            entry["pictures"] += label != UNLABELLED
            entry["right"] += label != UNLABELLED and is_right(f, t, name)
    return table


def is_right(found: dict, true: dict, name: str) -> bool:
    """The value agrees, and so does that there is a thing to have it."""
    thing = PRESENCE.get(name)
    return found[name] == true[name] and (not thing or bool(found[thing]))


def ceiling(network: Recogniser, count: int, autoencoder) -> dict:
    """Accuracies on held-out pictures of both sizes, on the same through the autoencoder, and the style's."""
    scenes = [sample_scene(CEILING_SEED + i) for i in range(count)]
    true = [values_of(scene) for scene in scenes]
    pictures = np.stack([render(scene, 128, 128) for scene in scenes])
    large = np.stack([render(scene, 256, 256) for scene in scenes[: count // 2]])
    soft = np.concatenate([through_autoencoder(autoencoder, pictures[i : i + 50], 0.0, torch.Generator())
                           for i in range(0, count, 50)])
    styled = [(style, recognise(network, np.stack([render(scene, 128, 128, style) for scene in scenes[:60]])))
              for style in STYLES]
    return {"128": accuracies(recognise(network, pictures), true),
            "256": accuracies(recognise(network, large), true[: count // 2]),
            "decoded": accuracies(recognise(network, soft), true),
            "style": {style: sum(row["style"] == style for row in rows) / len(rows) for style, rows in styled}}


def print_ceiling(report: dict) -> None:
    print(f"{'attribute':18}{'pictures':>9}{'128 px':>9}{'256 px':>9}{'decoded':>9}")
    for name in HEADS:
        rows = [report[kind][name] for kind in ("128", "256", "decoded")]
        print(f"{name:18}{rows[0]['pictures']:9}" + "".join(f"{row['right'] / max(1, row['pictures']):9.1%}" for row in rows))
    print("style", {name: round(share, 3) for name, share in report["style"].items()})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_common_options(parser, steps=2600, batch=64, rate=2e-3)
    parser.add_argument("--pictures", type=int, default=24_000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--autoencoder", type=Path, default=Path("models/starter"))
    parser.add_argument("--ceiling", action="store_true", help="only measure the saved recogniser")
    parser.add_argument("--ceiling-pictures", type=int, default=600)
    options = parser.parse_args()
    if not options.ceiling:
        save_recogniser(train(options))
    torch.set_num_threads(options.threads)
    report = ceiling(load_recogniser(), options.ceiling_pictures, load_autoencoder(str(options.autoencoder)))
    print_ceiling(report)
    (Path(__file__).parent / "recogniser.json").write_text(json.dumps(report) + "\n")


if __name__ == "__main__":
    main()
