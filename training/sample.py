"""Draws pictures or a sheet: `python -m training.sample --prompt "a red planet" --out x.png`,
`python -m training.sample --sheet --source base --true-guidance --out sheet.png`."""

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from training.flow import sample
from training.networks import load_autoencoder, load_networks, load_tokenizer
from training.scenes.seed_prompts import SEED_PROMPTS
from training.stage import pick_device
from training.starter_models import encode_text, image_ids, pixels_per_latent, unpack_latents
from training.text import pad_ids, padded_length, token_ids

PROBE_PROMPTS = [
    "a large red planet with rings in a starry sky", "a blue planet above green hills",
    "two moons and a white palace under a pink sky", "three rockets in front of a purple nebula",
    "a woman in a red dress, portrait", "a man in silver armor wearing a helmet in front of a large yellow planet",
    "a woman in a white dress standing on clouds, framed by flowers and leaves", "five gold columns above a blue ocean",
    "a pink tower to the left of a green planet", "a woman with blue hair in profile, gold background",
]


def draw(networks, decoder, tokenizer, prompt, size, seeds, steps, guidance, true_guidance, device) -> np.ndarray:
    """uint8 [pictures, height, width, 3]: one picture per seed. size is (width, height)."""
    width, height = size
    pixels = 2 * pixels_per_latent(decoder)
    rows, columns = height // pixels, width // pixels
    ids = token_ids(tokenizer, prompt)
    length = padded_length(len(ids))
    noise = torch.stack([torch.randn(rows * columns, 64, generator=torch.Generator().manual_seed(seed)) for seed in seeds])
    dtype = next(networks["text_encoder"].parameters()).dtype

    def text(rows_of_ids):
        states, pooled = encode_text(networks["text_encoder"], pad_ids([rows_of_ids] * len(seeds), length).to(device))
        return states.to(dtype), pooled.to(dtype)

    with torch.no_grad():
        packed = sample(networks["transformer"], text(ids), text([1]) if true_guidance else None, noise.to(device),
                        image_ids(rows, columns).to(device), steps, guidance)
        pixels = decoder.decode(unpack_latents(packed, rows * 2, columns * 2).cpu().float()).sample
    return ((pixels.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()


def native_size(decoder) -> tuple[int, int]:
    """Width and height of a square picture of 8 × 8 tokens."""
    return (16 * pixels_per_latent(decoder),) * 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompt")
    parser.add_argument("--sheet", action="store_true", help="probe prompts and the nine seed prompts")
    parser.add_argument("--source", default="models/starter", help="stage name (base, distil) or a weights folder")
    parser.add_argument("--decoder", help="folder of weights whose decoder to draw with (default: that of the source)")
    parser.add_argument("--adapter", help="a LoRA file in the diffusers layout")
    parser.add_argument("--adapter-scale", type=float, default=1.0)
    parser.add_argument("--true-guidance", action="store_true", help="two passes a step: for checkpoints before distilling")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--guidance", type=float, default=7.5)
    parser.add_argument("--size", help="WIDTHxHEIGHT; a square of 8 × 8 tokens if not given")
    parser.add_argument("--seeds", default="0", help="comma separated")
    parser.add_argument("--out", required=True)
    options = parser.parse_args()
    device = pick_device()
    networks = {name: network.to(device).eval() for name, network in load_networks(options.source).items()}
    if options.adapter:
        networks["transformer"].load_lora_adapter(options.adapter, prefix="transformer", adapter_name="style")
        networks["transformer"].set_adapters("style", options.adapter_scale)
    for network in networks.values():
        network.to(torch.bfloat16)
    tokenizer = load_tokenizer(Path(options.source) if Path(options.source).is_dir() else None)
    decoder = load_autoencoder(options.decoder or options.source)
    size = tuple(int(n) for n in options.size.split("x")) if options.size else native_size(decoder)
    seeds = [int(seed) for seed in options.seeds.split(",")]
    prompts = PROBE_PROMPTS + list(SEED_PROMPTS) if options.sheet else [options.prompt]
    rows = [draw(networks, decoder, tokenizer, prompt, size, seeds, options.steps, options.guidance,
                 options.true_guidance, device) for prompt in prompts]
    pictures = [picture for row in rows for picture in row]
    columns = min(len(pictures), 5 * len(seeds))
    blank = np.zeros_like(pictures[0])
    pictures += [blank] * (-len(pictures) % columns)
    sheet = np.concatenate([np.concatenate(pictures[i : i + columns], 1) for i in range(0, len(pictures), columns)])
    Image.fromarray(sheet).save(options.out)


if __name__ == "__main__":
    main()
