"""Stage 4: trains text encoder and transformer together by flow matching.
`python -m training.base`; `--mix small:40,native:8` sees two sizes in every step, half of the time on each."""

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


def read_mix(mix: str) -> list[tuple[LatentGroup, int]]:
    """`small:40,native:8` -> groups with their pictures per step. `small@2:40` spaces the positions by 2."""
    groups = []
    for part in mix.split(","):
        name, count = part.split(":")
        name, _, spacing = name.partition("@")
        groups.append((LatentGroup(name, float(spacing or 1)), int(count)))
    return groups


def group_weight(group: LatentGroup, count: int, groups: list[tuple[LatentGroup, int]]) -> float:
    """Weight by latent cells: a picture of 256 pixels has four times those of one of 128."""
    cells = {id(other): number * other.cells_per_picture for other, number in groups}
    return cells[id(group)] / sum(cells.values())


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
    trainer.load_state_dict(state["trainer"])
    if options.from_average:
        trainer.load_weights(state["trainer"]["averages"])
    return networks, trainer, 0 if options.restart_schedule else state["step"]


def train(options: argparse.Namespace) -> None:
    device = pick_device()
    torch.manual_seed(options.seed)
    groups = read_mix(options.mix)
    networks, trainer, first = start_trainer(options, device)
    batch_size = sum(count for _, count in groups)
    progress = Progress("base-" + (groups[0][0].name if len(groups) == 1 else "mixed"), options.steps, batch_size, options.minutes)
    for step in range(first, options.steps):
        generator = step_generator(options.seed, step)
        losses = {}
        for group, count in groups:
            loss = flow_matching_loss(networks, group.draw(count, generator, CAPTION_DROPOUT), generator, device)
            (loss * group_weight(group, count, groups)).backward()
            losses[group.name] = loss.item()
        trainer.step(rate_factor(step, options.steps, warm_up=options.warm_up, decay_from=options.decay_from))
        progress.record(step, **losses)
        is_last = step + 1 == options.steps or progress.is_over_budget()
        if (step + 1) % options.checkpoint_every == 0 or is_last:
            save_checkpoint("base", {"trainer": trainer.state_dict(), "step": step + 1})
        if is_last:
            break


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_common_options(parser, steps=2000, batch=None, rate=1.5e-3)
    parser.add_argument("--mix", default="small:64", help="groups of latents and how many pictures of each a step sees")
    parser.add_argument("--warm-up", type=int, default=100)
    parser.add_argument("--decay-from", type=float, default=0.7, help="part of the stage after which the rate falls")
    parser.add_argument("--average-decay", type=float, default=0.99)
    parser.add_argument("--from-weights", type=Path, help="start from shipped weights (models/starter)")
    parser.add_argument("--restart-schedule", action="store_true", help="with --resume: keep the weights, start the schedule anew")
    parser.add_argument("--from-average", action="store_true", help="with --resume: go on from the moving average")
    train(parser.parse_args())


if __name__ == "__main__":
    main()
