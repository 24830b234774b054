"""Stage 4: trains text encoder and transformer together by flow matching.
`python -m training.base --group small`, then `python -m training.base --group native --resume --restart-schedule`."""

import argparse
from pathlib import Path

import torch

from training.batches import LatentGroup
from training.flow import draw_sigmas, noisy
from training.half_precision import HalfPrecisionTrainer
from training.networks import networks_from_weights, new_networks
from training.stage import Progress, add_common_options, load_checkpoint, pick_device, rate_factor, save_checkpoint, step_generator
from training.starter_models import encode_text, predict_velocity

CAPTION_DROPOUT = 0.12


def flow_matching_loss(networks, batch, generator, device) -> torch.Tensor:
    """Mean squared error of the predicted velocity (noise minus picture)."""
    sigmas = draw_sigmas(len(batch.packed), generator)
    noisy_latents, target = noisy(batch.packed, sigmas, generator)
    text = encode_text(networks["text_encoder"], batch.input_ids.to(device))
    velocity = predict_velocity(
        networks["transformer"], noisy_latents.to(device, torch.bfloat16), sigmas.to(device, torch.bfloat16),
        torch.ones(len(sigmas), dtype=torch.bfloat16, device=device), text, batch.positions.to(device))
    return (velocity.float() - target.to(device)).square().mean()


def start_trainer(options, device) -> tuple[dict, HalfPrecisionTrainer, int]:
    """Networks, trainer and the first step: new, from shipped weights, or from this stage's checkpoint."""
    networks = networks_from_weights(options.from_weights) if options.from_weights else new_networks()
    networks["transformer"].time_text_embed.guidance_embedder.requires_grad_(False)
    for network in networks.values():
        network.to(device)
    trainer = HalfPrecisionTrainer(networks, options.rate, options.average_decay)
    if not options.resume:
        return networks, trainer, 0
    state = load_checkpoint("base")
    if options.restart_schedule:
        trainer.load_weights(state["trainer"]["averages" if options.from_average else "masters"])
        return networks, trainer, 0
    trainer.load_state_dict(state["trainer"])
    return networks, trainer, state["step"]


def train(options: argparse.Namespace) -> None:
    device = pick_device()
    torch.manual_seed(options.seed)
    group = LatentGroup(options.group)
    networks, trainer, first = start_trainer(options, device)
    progress = Progress(f"base-{options.group}", options.steps, options.batch, options.minutes)
    for step in range(first, options.steps):
        generator = step_generator(options.seed + (0 if options.group == "small" else 50), step)
        batch = group.draw(options.batch, generator, CAPTION_DROPOUT)
        loss = flow_matching_loss(networks, batch, generator, device)
        loss.backward()
        trainer.step(rate_factor(step, options.steps, warm_up=options.warm_up, decay_from=options.decay_from))
        progress.record(step, loss=loss.item())
        is_last = step + 1 == options.steps or progress.is_over_budget()
        if (step + 1) % options.checkpoint_every == 0 or is_last:
            save_checkpoint("base", {"trainer": trainer.state_dict(), "step": step + 1, "group": options.group})
        if is_last:
            break


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_common_options(parser, steps=2000, batch=64, rate=1e-3)
    parser.add_argument("--group", choices=["small", "native"], default="small")
    parser.add_argument("--warm-up", type=int, default=100)
    parser.add_argument("--decay-from", type=float, default=0.7, help="part of the stage after which the rate falls")
    parser.add_argument("--average-decay", type=float, default=0.99)
    parser.add_argument("--from-weights", type=Path, help="start from shipped weights (models/starter)")
    parser.add_argument("--restart-schedule", action="store_true", help="with --resume: keep the weights, start the schedule anew")
    parser.add_argument("--from-average", action="store_true", help="with --restart-schedule: start from the moving average")
    train(parser.parse_args())


if __name__ == "__main__":
    main()
