"""Stage 1: trains the tiny autoencoder on crops of rendered scenes. `python -m training.autoencoder`"""

import argparse

import numpy as np
import torch
import torch.nn.functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from training.parallel import average_gradients, is_first, join, rank, share_of
from training.pictures import picture_file
from training.stage import WORK, Progress, add_common_options, load_checkpoint, pick_device, rate_factor, save_checkpoint, step_generator
from training.starter_models import LATENT_CHANNELS, build_autoencoder

PICTURE_STYLES = ("base", "base", "base", "baroque-space-opera", "baroque-space-opera")
LATENT_NOISE = 0.1
HELD_OUT_SEED = 900_000_000


class TrainedAutoencoder(torch.nn.Module):
    """The autoencoder with a BatchNorm after the encoder: latents have mean 0 and variance 1 per channel.
    `fold` moves that normalisation into the encoder's last convolution."""

    def __init__(self):
        super().__init__()
        self.model = build_autoencoder()
        self.norm = torch.nn.BatchNorm2d(LATENT_CHANNELS, affine=False, momentum=0.02)

    def encode(self, pictures: torch.Tensor) -> torch.Tensor:
        return self.norm(self.model.encoder(pictures).float())

    def fold(self) -> None:
        last = self.model.encoder.layers[-1]
        scale = (self.norm.running_var + self.norm.eps).rsqrt()
        last.weight.data *= scale[:, None, None, None]
        last.bias.data = (last.bias.data - self.norm.running_mean) * scale
        self.norm.reset_running_stats()


def random_crops(arrays: list[np.ndarray], count: int, size: int, generator: torch.Generator) -> torch.Tensor:
    """[count, 3, size, size] in -1…1, from all arrays in turn."""
    crops = np.empty((count, size, size, 3), np.uint8)
    draws = torch.rand(count, 3, generator=generator).numpy()
    for index, (pick, top, left) in enumerate(draws):
        array = arrays[index % len(arrays)]
        room = array.shape[1] - size + 1
        y, x = int(top * room), int(left * room)
        crops[index] = array[int(pick * len(array)), y : y + size, x : x + size]
    return torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 127.5 - 1


def differences(pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return pictures[..., 1:, :] - pictures[..., :-1, :], pictures[..., :, 1:] - pictures[..., :, :-1]


def reconstruction_loss(decoded: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """L1 weighted towards edges and bright pixels, plus L1 of the gradients, plus the mean colour of 8 × 8 areas
    (without it flat colours drift for most of the training)."""
    vertical, horizontal = differences(target)
    edges = F.pad(vertical.abs(), (0, 0, 0, 1)) + F.pad(horizontal.abs(), (0, 1, 0, 0))
    weight = 1 + 2 * edges.amax(1, keepdim=True).clamp(max=1) + 0.5 * (target.amax(1, keepdim=True) > 0.7)
    decoded_vertical, decoded_horizontal = differences(decoded)
    gradient = (decoded_vertical - vertical).abs().mean() + (decoded_horizontal - horizontal).abs().mean()
    areas = F.avg_pool2d(decoded - target, 8)
    return (weight * (decoded - target).abs()).mean() + 0.5 * gradient + areas.abs().mean() + areas.square().mean()


def drift_penalty(latents: torch.Tensor) -> torch.Tensor:
    """Keeps mean 0 and variance 1 once the normalisation stands still. While it follows every batch, flat colours cannot
    be told from the batch's own mean, so it should stand still soon."""
    mean, variance = latents.mean(dim=(0, 2, 3)), latents.var(dim=(0, 2, 3))
    return 0.02 * (mean.square().mean() + (variance - 1).square().mean())


@torch.no_grad()
def measure_psnr(autoencoder: TrainedAutoencoder, pictures: np.ndarray, device: torch.device) -> float:
    """Mean PSNR in dB over whole held-out pictures, from clipped 8-bit-range output."""
    autoencoder.eval()
    scores = []
    for start in range(0, len(pictures), 16):
        target = torch.from_numpy(pictures[start : start + 16].copy()).permute(0, 3, 1, 2).float().to(device) / 127.5 - 1
        decoded = autoencoder.model.decoder(autoencoder.encode(target)).clamp(-1, 1)
        error = ((decoded - target) / 2).square().mean(dim=(1, 2, 3))
        scores += (-10 * torch.log10(error)).tolist()
    autoencoder.train()
    return float(np.mean(scores))


class Optimizers:
    """Muon for the kernels as matrices [out, in × height × width], AdamW for the rest."""

    def __init__(self, parameters: list[torch.nn.Parameter], rate: float):
        trained = [parameter for parameter in parameters if parameter.requires_grad]
        self.kernels = [parameter for parameter in trained if parameter.ndim == 4]
        self.matrices = [torch.nn.Parameter(kernel.data.view(len(kernel), -1)) for kernel in self.kernels]
        self.trained, self.rate = trained, rate
        self.both = [torch.optim.AdamW([p for p in trained if p.ndim != 4], rate, betas=(0.9, 0.99), weight_decay=0.0),
                     torch.optim.Muon(self.matrices, rate, momentum=0.95, weight_decay=0.0, ns_steps=4,
                                      adjust_lr_fn="match_rms_adamw")]

    def step(self, rate_factor: float) -> None:
        average_gradients([parameter.grad for parameter in self.trained])
        torch.nn.utils.clip_grad_norm_(self.trained, 1.0)
        for kernel, matrix in zip(self.kernels, self.matrices):
            matrix.grad = kernel.grad.reshape(matrix.shape)
        for optimizer in self.both:
            for group in optimizer.param_groups:
                group["lr"] = self.rate * rate_factor
            optimizer.step()
        for parameter in self.trained:
            parameter.grad = None


def starting_state(autoencoder: TrainedAutoencoder, optimizers: Optimizers, options: argparse.Namespace) -> int:
    """Loads the checkpoint when resuming; the first step."""
    if not options.resume:
        return 0
    state = load_checkpoint("autoencoder")
    autoencoder.load_state_dict(state["model"] if options.restart_schedule else state["current"])
    if options.restart_schedule:
        return 0
    for optimizer, saved in zip(optimizers.both, state["optimizers"]):
        optimizer.load_state_dict(saved)
    return state["step"]


def train(options: argparse.Namespace) -> None:
    join()
    device = pick_device()
    arrays = [picture_file(WORK, 1, options.pictures, size, PICTURE_STYLES) for size in options.sizes]
    held_out = {size: picture_file(WORK, HELD_OUT_SEED, 64, size, PICTURE_STYLES) for size in options.sizes}
    torch.manual_seed(options.seed)
    autoencoder = TrainedAutoencoder().to(device)
    autoencoder.model.encoder.requires_grad_(not options.freeze_encoder)
    optimizers = Optimizers(list(autoencoder.parameters()), options.rate)
    first = starting_state(autoencoder, optimizers, options)
    average = AveragedModel(autoencoder, multi_avg_fn=get_ema_multi_avg_fn(options.average_decay))
    progress = Progress("autoencoder", options, options.batch)
    for step in range(first, options.steps):
        generator = step_generator(options.seed + 1000 * rank(), step)
        share = progress.share(step)
        target = random_crops(arrays, share_of(options.batch), options.crop, generator).to(device, memory_format=torch.channels_last)
        autoencoder.norm.train(step < options.norm_steps)
        with torch.autocast(device.type, torch.bfloat16):
            latents = autoencoder.encode(target)
            noise = torch.randn(latents.shape, generator=generator).to(device)
            decoded = autoencoder.model.decoder(latents + LATENT_NOISE * noise)
        loss = reconstruction_loss(decoded.float(), target)
        (loss + drift_penalty(latents)).backward()
        optimizers.step(rate_factor(share, step, warm_up=50, decay_from=options.decay_from))
        average.update_parameters(autoencoder)
        progress.record(step, loss=loss.item())
        is_last = step + 1 == options.steps or progress.share(step + 1) >= 1
        if is_first() and ((step + 1) % options.checkpoint_every == 0 or is_last):
            save_checkpoint("autoencoder", {"model": average.module.state_dict(), "current": autoencoder.state_dict(),
                                            "optimizers": [o.state_dict() for o in optimizers.both], "step": step + 1})
            print("psnr", {size: round(measure_psnr(average.module, array, device), 2) for size, array in held_out.items()}, flush=True)
        if is_last:
            break


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_common_options(parser, steps=2400, batch=8, rate=2e-3)
    parser.add_argument("--pictures", type=int, default=2500, help="rendered pictures per size (128 and 256)")
    parser.add_argument("--sizes", type=int, nargs="+", default=[128], help="sides of the pictures that crops are cut from")
    parser.add_argument("--decay-from", type=float, default=0.3, help="part of the stage after which the rate falls")
    parser.add_argument("--norm-steps", type=int, default=1000, help="steps in which the latents' normalisation is learnt")
    parser.add_argument("--crop", type=int, default=64)
    parser.add_argument("--average-decay", type=float, default=0.995, help="of the moving average that is kept")
    parser.add_argument("--freeze-encoder", action="store_true", help="improve the decoder only; latents stay as they are")
    parser.add_argument("--restart-schedule", action="store_true", help="with --resume: keep the weights, start the schedule anew")
    train(parser.parse_args())


if __name__ == "__main__":
    main()
