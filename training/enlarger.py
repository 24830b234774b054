"""Trains the enlarger on the generator's own pictures at two sizes, and measures it against Lanczos-3.
`python -m training.enlarger`; `--measure` only measures, on held-out scenes and on the same through the autoencoder."""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from training.enlarger_network import FACTOR, Enlarger
from training.growing_arrays import GrowingArrays
from training.networks import load_autoencoder
from training.recogniser_pictures import style_of
from training.scenes import STYLES, render, sample_scene
from training.stage import WORK, Progress, add_common_options, load_checkpoint, rate_factor, save_checkpoint, step_generator
from training.starter_models import encode_pictures

TRAINING_SEED, HELD_OUT_SEED = 520_000_000, 620_000_000
SMALL, CROP, CROPS, SCENES_PER_PIECE = 256, 64, 6, 20
WEIGHTS = Path("models/starter/enlarger/model.safetensors")


def crops_of(seed: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Some crops of a scene drawn at 256 pixels, and the same of it drawn at 1024."""
    scene, style = sample_scene(seed), style_of(seed)
    small, large = render(scene, SMALL, SMALL, style), render(scene, SMALL * FACTOR, SMALL * FACTOR, style)
    places = np.random.default_rng([seed, 61]).integers(0, SMALL - CROP + 1, (CROPS, 2))
    return ([small[y : y + CROP, x : x + CROP] for y, x in places],
            [large[y * FACTOR : (y + CROP) * FACTOR, x * FACTOR : (x + CROP) * FACTOR] for y, x in places])


def crop_files(folder: Path, scenes: int) -> tuple[np.ndarray, np.ndarray]:
    """Memory-mapped small and large crops, made once and continued after a stop."""
    shapes = {name: (np.uint8, (scenes * CROPS, side, side, 3)) for name, side in (("small", CROP), ("large", CROP * FACTOR))}
    crops = GrowingArrays(folder, "enlarger", shapes)
    for start in range(crops.done // CROPS, scenes, SCENES_PER_PIECE):
        made = [crops_of(TRAINING_SEED + index) for index in range(start, min(start + SCENES_PER_PIECE, scenes))]
        crops.append(*(np.concatenate(part) for part in zip(*made)))
    return tuple(crops.arrays)


def to_floats(pictures: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1


@torch.no_grad()
def decoded(autoencoder, pictures: torch.Tensor, generator: torch.Generator, noise: float) -> torch.Tensor:
    """As the starter's decoder would give them."""
    with torch.autocast("cpu", torch.bfloat16):
        latents = encode_pictures(autoencoder, pictures.contiguous(memory_format=torch.channels_last))
        latents = latents + noise * torch.randn(latents.shape, generator=generator)
        return autoencoder.decoder(latents).float().clamp(-1, 1)


def train(options: argparse.Namespace) -> Enlarger:
    torch.manual_seed(options.seed)
    small, large = crop_files(WORK, options.scenes)
    autoencoder = load_autoencoder(str(options.autoencoder)).to(memory_format=torch.channels_last)
    network = Enlarger().to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.parameters(), options.rate, betas=(0.9, 0.99), weight_decay=0)
    first = 0
    if options.resume and (WORK / "enlarger.pt").exists():
        state = load_checkpoint("enlarger")
        network.load_state_dict(state["model"])
        if not options.restart_schedule:
            optimizer.load_state_dict(state["optimizer"])
            first = state["step"]
    progress = Progress("enlarger", options, options.batch)
    for step in range(first, options.steps):
        generator = step_generator(options.seed, step)
        rows = torch.randint(0, len(small), (options.batch,), generator=generator).numpy()
        inputs, targets = to_floats(small[rows]), to_floats(large[rows])
        soft = int(options.batch * options.decoded_share)
        inputs[:soft] = decoded(autoencoder, inputs[:soft], generator, 0.1)
        for group in optimizer.param_groups:
            group["lr"] = options.rate * rate_factor(progress.share(step), step, decay_from=0.3)
        with torch.autocast("cpu", torch.bfloat16):
            enlarged = network(inputs.contiguous(memory_format=torch.channels_last))
        error = enlarged.float() - targets
        loss = (error.square() + 1e-4).sqrt().mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        progress.record(step, loss=loss.item())
        is_last = step + 1 == options.steps or progress.share(step + 1) >= 1
        if (step + 1) % options.checkpoint_every == 0 or is_last:
            save_checkpoint("enlarger", {"model": network.state_dict(), "optimizer": optimizer.state_dict(), "step": step + 1})
        if is_last:
            break
    return network


def save_enlarger(network: Enlarger, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, path)
    path.chmod(0o644)


def load_enlarger(path: Path) -> Enlarger:
    network = Enlarger()
    network.load_state_dict(load_file(path))
    return network.eval()


def lanczos(picture: np.ndarray) -> np.ndarray:
    """Pillow's filter of three lobes: that of engines/flux but for the treatment of the edge."""
    height, width = picture.shape[:2]
    return np.asarray(Image.fromarray(picture).resize((width * FACTOR, height * FACTOR), Image.Resampling.LANCZOS))


@torch.no_grad()
def enlarged_by(network: Enlarger, picture: np.ndarray) -> np.ndarray:
    output = network(to_floats(picture[None].copy()))[0].clamp(-1, 1)
    return ((output + 1) * 127.5).round().to(torch.uint8).permute(1, 2, 0).contiguous().numpy()


def compare(network: Enlarger, autoencoder, count: int) -> dict:
    """Mean PSNR (dB) and SSIM against the scene drawn at 1024 pixels: style -> input -> method -> [PSNR, SSIM]."""
    report = {}
    for style in STYLES:
        rows = {"drawn": {"lanczos": [], "enlarger": []}, "decoded": {"lanczos": [], "enlarger": []}}
        for seed in range(HELD_OUT_SEED, HELD_OUT_SEED + (count if style == "base" else max(2, count // 4))):
            scene = sample_scene(seed)
            small, large = render(scene, SMALL, SMALL, style), render(scene, SMALL * FACTOR, SMALL * FACTOR, style)
            soft = decoded(autoencoder, to_floats(small[None]), torch.Generator(), 0.0)[0]
            soft = ((soft + 1) * 127.5).round().to(torch.uint8).permute(1, 2, 0).contiguous().numpy()
            for kind, picture in (("drawn", small), ("decoded", soft)):
                for method, output in (("lanczos", lanczos(picture)), ("enlarger", enlarged_by(network, picture))):
                    rows[kind][method].append((peak_signal_noise_ratio(large, output),
                                               structural_similarity(large, output, channel_axis=2)))
        report[style] = {kind: {method: np.mean(scores, 0).round(4).tolist() for method, scores in methods.items()}
                         for kind, methods in rows.items()}
        print(style, json.dumps(report[style]), flush=True)
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_common_options(parser, steps=1600, batch=8, rate=2e-3)
    parser.add_argument("--scenes", type=int, default=500, help=f"scenes to take {CROPS} crops from, each")
    parser.add_argument("--decoded-share", type=float, default=0.7, help="part of the inputs that went through the autoencoder")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--autoencoder", type=Path, default=Path("models/starter"))
    parser.add_argument("--restart-schedule", action="store_true", help="with --resume: keep the weights, start the schedule anew")
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--measure-scenes", type=int, default=16)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if not options.measure:
        save_enlarger(train(options), WEIGHTS)
    autoencoder = load_autoencoder(str(options.autoencoder))
    report = compare(load_enlarger(WEIGHTS), autoencoder, options.measure_scenes)
    (Path(__file__).parent / "enlarger.json").write_text(json.dumps(report) + "\n")


if __name__ == "__main__":
    main()
