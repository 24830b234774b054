"""Stage 5: trains text encoder and transformer together by flow matching. `python -m training.base`"""

import argparse
from pathlib import Path

import torch

from training import loop
from training.batches import LatentGroup
from training.flow import draw_sigmas, noisy
from training.half_precision import HalfPrecisionTrainer
from training.networks import networks_from_weights, new_networks, silence_guidance
from training.parallel import join
from training.sheets import write_sheet
from training.stage import load_checkpoint, pick_device
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


def train(options: argparse.Namespace) -> None:
    join()
    device = pick_device()
    torch.manual_seed(options.seed)
    networks = networks_from_weights(options.from_weights) if options.from_weights else new_networks()
    silence_guidance(networks["transformer"])
    for network in networks.values():
        network.to(device)
    trainer = HalfPrecisionTrainer(networks, options.rate, options.average_decay)
    if options.compile:
        networks["transformer"].compile_repeated_blocks(dynamic=True)
    if options.text_encoder:
        trainer.load_weights(load_checkpoint(options.text_encoder)["trainer"]["averages"])

    def loss_of(batch, generator):
        return flow_matching_loss(networks, batch, generator, device)

    def draw_sheet(step):
        if options.sheets and step % options.sheets == 0:
            with trainer.averaged():
                write_sheet(networks, step, options.from_weights)

    loop.run("base", trainer, LatentGroup("base"), loss_of, options, CAPTION_DROPOUT, draw_sheet)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    loop.add_loop_options(parser, steps=4000, batch=64, rate=1.5e-3, average_decay=0.995, warm_up=100, decay_from=0.6)
    parser.add_argument("--from-weights", type=Path, help="start from shipped weights (models/starter)")
    parser.add_argument("--text-encoder", help="checkpoint whose text encoder to start from (text)")
    parser.add_argument("--sheets", type=int, help="draw a sample sheet at the checkpoints of every so many steps")
    train(parser.parse_args())


if __name__ == "__main__":
    main()
