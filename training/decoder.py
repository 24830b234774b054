"""Stage 8: the decoder that is shipped. It draws twice as large as the autoencoder's own: 16 pixels per latent, so that a
picture of 256 pixels costs the transformer 64 tokens instead of 256. `python -m training.decoder`

The encoder stays as it is. Latents come from a scene rendered at 128 pixels, the target is the same scene at 256."""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from training.autoencoder import HELD_OUT_SEED, LATENT_NOISE, Optimizers, reconstruction_loss
from training.networks import load_autoencoder
from training.parallel import is_first, join, rank, share_of
from training.pictures import picture_file
from training.scenes import STYLES
from training.stage import WORK, Progress, add_common_options, load_checkpoint, pick_device, rate_factor, save_checkpoint, step_generator
from training.starter_models import build_shipped_autoencoder

SIZES = (128, 256)
PICTURE_STYLES = ("base",) * 4 + STYLES[1:]


def widened(small: torch.nn.Module, large: torch.nn.Module) -> None:
    """Starts the large decoder from the small one: doubled once more, by a convolution that changes nothing, before the
    last layer."""
    last = len(small.layers) - 1
    for index, layer in enumerate(small.layers):
        if index < last:
            large.layers[index].load_state_dict(layer.state_dict())
    large.layers[-1].load_state_dict(small.layers[last].state_dict())
    torch.nn.init.dirac_(large.layers[-2].weight)


def starting_networks(weights: Path | None) -> tuple[torch.nn.Module, torch.nn.Module]:
    """The frozen encoder, and the decoder to go on from: the shipped one, or the small one widened."""
    if weights:
        shipped = load_autoencoder(str(weights))
        encoder, decoder = shipped.encoder, shipped.decoder
        decoder.train()
    else:
        small = load_autoencoder("autoencoder")
        encoder, decoder = small.encoder, build_shipped_autoencoder().decoder
        widened(small.decoder, decoder)
    encoder.requires_grad_(False)
    return encoder, decoder


def pairs(arrays: list[np.ndarray], count: int, crop: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Crops of the small pictures and of the same places of the large ones, [count, 3, …] in -1…1."""
    small, large = [], []
    for pick, top, left in torch.rand(count, 3, generator=generator).tolist():
        index, room = int(pick * len(arrays[0])), (arrays[0].shape[1] - crop) // 8 + 1
        y, x = int(top * room) * 8, int(left * room) * 8
        small.append(arrays[0][index, y : y + crop, x : x + crop])
        large.append(arrays[1][index, 2 * y : 2 * (y + crop), 2 * x : 2 * (x + crop)])
    return tuple(torch.from_numpy(np.stack(part)).permute(0, 3, 1, 2).float() / 127.5 - 1 for part in (small, large))


@torch.no_grad()
def measure_psnr(encoder, decoder, arrays: list[np.ndarray]) -> float:
    """Mean PSNR in dB of whole held-out pictures at 256 pixels."""
    scores = []
    for start in range(0, len(arrays[0]), 8):
        small, large = (torch.from_numpy(a[start : start + 8].copy()).permute(0, 3, 1, 2).float() / 127.5 - 1 for a in arrays)
        decoded = decoder(encoder(small)).clamp(-1, 1)
        scores += (-10 * torch.log10(((decoded - large) / 2).square().mean(dim=(1, 2, 3)))).tolist()
    return float(np.mean(scores))


def train(options: argparse.Namespace) -> None:
    join()
    device = pick_device()
    torch.manual_seed(options.seed)
    arrays = [picture_file(WORK, 1, options.pictures, size, PICTURE_STYLES) for size in SIZES]
    held_out = [picture_file(WORK, HELD_OUT_SEED, 48, size, PICTURE_STYLES) for size in SIZES]
    encoder, decoder = starting_networks(options.from_weights)
    encoder.to(device)
    decoder.to(device)
    optimizers = Optimizers(list(decoder.parameters()), options.rate)
    first = 0
    if options.resume:
        state = load_checkpoint("decoder")
        decoder.load_state_dict(state["model"])
        first = 0 if options.restart_schedule else state["step"]
    average = AveragedModel(decoder, multi_avg_fn=get_ema_multi_avg_fn(options.average_decay))
    progress = Progress("decoder", options, options.batch)
    share = progress.share(first)
    for step in range(first, options.steps):
        generator = step_generator(options.seed + 1000 * rank(), step)
        small, large = pairs(arrays, share_of(options.batch), options.crop, generator)
        with torch.autocast(device.type, torch.bfloat16):
            with torch.no_grad():
                latents = encoder(small.to(device, memory_format=torch.channels_last)).float()
            noise = torch.randn(latents.shape, generator=generator).to(device)
            decoded = decoder((latents + LATENT_NOISE * noise).to(memory_format=torch.channels_last))
        loss = reconstruction_loss(decoded.float(), large.to(device))
        loss.backward()
        optimizers.step(rate_factor(share, step, warm_up=20, decay_from=options.decay_from))
        average.update_parameters(decoder)
        progress.record(step, loss=loss.item())
        share = progress.share(step + 1)
        is_last = step + 1 == options.steps or share >= 1
        if is_first() and ((step + 1) % options.checkpoint_every == 0 or is_last):
            psnr = round(measure_psnr(encoder, average.module, held_out), 2)
            save_checkpoint("decoder", {"encoder": encoder.state_dict(), "model": average.module.state_dict(), "step": step + 1, "psnr": psnr})
            print("psnr", psnr, flush=True)
        if is_last:
            break


@torch.no_grad()
def mix_in_start(options: argparse.Namespace) -> None:
    """A decoder that was trained for long on exact latents draws a style's hatching wherever the starter's own are unsure of
    it. A share of the weights that it went on from takes that away again, and most of the sharpness stays."""
    encoder, decoder = starting_networks(options.from_weights)
    state = load_checkpoint("decoder")
    if state.get("mixed"):
        raise SystemExit("the start is mixed into this checkpoint already: train on (--resume), or start anew")
    state["mixed"] = options.mix_in_start
    for name, start in decoder.state_dict().items():
        state["model"][name].lerp_(start, options.mix_in_start)
    decoder.load_state_dict(state["model"])
    held_out = [picture_file(WORK, HELD_OUT_SEED, 48, size, PICTURE_STYLES) for size in SIZES]
    state["psnr"] = round(measure_psnr(encoder, decoder.eval(), held_out), 2)
    save_checkpoint("decoder", state)
    print("psnr", state["psnr"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_common_options(parser, steps=1500, batch=16, rate=1.5e-3)
    parser.add_argument("--from-weights", type=Path, help="go on from the shipped encoder and decoder (models/starter)")
    parser.add_argument("--pictures", type=int, default=2000, help="rendered pictures per size, in all styles")
    parser.add_argument("--decay-from", type=float, default=0.4, help="part of the stage after which the rate falls")
    parser.add_argument("--crop", type=int, default=64, help="side of the small crops")
    parser.add_argument("--average-decay", type=float, default=0.97)
    parser.add_argument("--restart-schedule", action="store_true", help="with --resume: keep the weights, start the schedule anew")
    parser.add_argument("--mix-in-start", type=float, metavar="SHARE",
                        help="instead of training: this share of the weights of --from-weights into the trained ones")
    options = parser.parse_args()
    if options.mix_in_start and not options.from_weights:
        parser.error("--mix-in-start needs --from-weights: the folder that the training began with")
    (mix_in_start if options.mix_in_start else train)(options)


if __name__ == "__main__":
    main()
