"""The loop that the stages on latents share: base, distil and adapter differ in their loss only."""

import argparse
from collections.abc import Callable

import torch

from training.batches import Batch, LatentGroup
from training.half_precision import HalfPrecisionTrainer
from training.parallel import is_first, rank, share_of
from training.stage import Progress, add_common_options, load_checkpoint, rate_factor, save_checkpoint, step_generator

BatchLoss = Callable[[Batch, torch.Generator], torch.Tensor]


def add_loop_options(parser: argparse.ArgumentParser, steps: int, batch: int, rate: float, average_decay: float,
                     warm_up: int, decay_from: float) -> None:
    add_common_options(parser, steps, batch, rate)
    parser.add_argument("--warm-up", type=int, default=warm_up)
    parser.add_argument("--decay-from", type=float, default=decay_from, help="part of the stage after which the rate falls")
    parser.add_argument("--average-decay", type=float, default=average_decay)
    parser.add_argument("--compile", action="store_true",
                        help="base and distil: compile the blocks first (half a minute, needs a C++ compiler): a third less time per step")
    parser.add_argument("--restart-schedule", action="store_true", help="with --resume: keep the weights, start the schedule anew")
    parser.add_argument("--from-average", action="store_true", help="with --resume: go on from the moving average")


def first_step(checkpoint: str, trainer: HalfPrecisionTrainer, options: argparse.Namespace) -> int:
    """Loads the checkpoint when resuming."""
    if not options.resume:
        return 0
    state = load_checkpoint(checkpoint)
    if options.restart_schedule:
        trainer.load_weights(state["trainer"]["averages" if options.from_average else "masters"])
        return 0
    trainer.load_state_dict(state["trainer"])
    if options.from_average:
        trainer.load_weights(state["trainer"]["averages"])
    return state["step"]


def run(checkpoint: str, trainer: HalfPrecisionTrainer, group: LatentGroup, loss_of: BatchLoss,
        options: argparse.Namespace, dropout: float, at_checkpoint: Callable[[int], None] | None = None) -> None:
    """Trains from `first_step` until the steps or the time are spent. `at_checkpoint` is told the step of each checkpoint."""
    first = first_step(checkpoint, trainer, options)
    progress = Progress(checkpoint, options, options.batch)
    share = progress.share(first)
    for step in range(first, options.steps):
        generator = step_generator(options.seed + 1000 * rank(), step)
        loss = loss_of(group.draw(share_of(options.batch), generator, dropout), generator)
        loss.backward()
        trainer.step(rate_factor(share, step, options.warm_up, options.decay_from))
        progress.record(step, loss=loss.item())
        share = progress.share(step + 1)
        is_last = step + 1 == options.steps or share >= 1
        if is_first() and ((step + 1) % options.checkpoint_every == 0 or is_last):
            save_checkpoint(checkpoint, {"trainer": trainer.state_dict(), "step": step + 1})
            if at_checkpoint:
                at_checkpoint(step + 1)
        if is_last:
            break
