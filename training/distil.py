"""Stage 6: teaches the transformer to draw in one pass what guidance draws in two, for scales 1 to 10.
`python -m training.distil`."""

import argparse

import torch

from training import loop
from training.batches import LatentGroup, empty_prompts
from training.flow import GUIDANCE_RANGE, draw_sigmas, guided_velocity, noisy
from training.half_precision import HalfPrecisionTrainer
from training.networks import networks_from_checkpoint
from training.parallel import join
from training.stage import pick_device
from training.starter_models import encode_text, predict_velocity


# The embedder starts from nothing and would stay behind in so few steps: then every scale draws the same.
EMBEDDER_RATE = 6.0


def draw_guidance(count: int, generator: torch.Generator) -> torch.Tensor:
    """Guidance scales [count], uniform over the range, rounded to bfloat16 as the transformer sees them."""
    low, high = GUIDANCE_RANGE
    return (low + (high - low) * torch.rand(count, generator=generator)).to(torch.bfloat16).float()


@torch.no_grad()
def teacher_velocity(teacher, noisy_latents, sigmas, guidance, text, empty_text, positions) -> torch.Tensor:
    """Guided velocity in float32: conditional and empty prompt in one double-sized pass."""
    half = torch.bfloat16
    both = tuple(torch.cat([a, b]) for a, b in zip(text, empty_text))
    inputs = (noisy_latents.to(half).repeat(2, 1, 1), sigmas.to(half).repeat(2), torch.ones_like(sigmas).to(half).repeat(2))
    conditional, empty = predict_velocity(teacher, *inputs, both, positions).float().chunk(2)
    return guided_velocity(noisy_latents, sigmas, conditional, empty, guidance)


def distillation_loss(student, teacher, text_encoder, batch, generator, device) -> torch.Tensor:
    sigmas = draw_sigmas(len(batch.packed), generator)
    guidance = draw_guidance(len(sigmas), generator).to(device)
    noisy_latents, _ = noisy(batch.packed, sigmas, generator)
    noisy_latents, sigmas, positions = noisy_latents.to(device), sigmas.to(device), batch.positions.to(device)
    with torch.no_grad():
        text = encode_text(text_encoder, batch.input_ids.to(device))
        empty_text = encode_text(text_encoder, empty_prompts(*batch.input_ids.shape).to(device))
    target = teacher_velocity(teacher, noisy_latents, sigmas, guidance, text, empty_text, positions)
    half = torch.bfloat16
    velocity = predict_velocity(student, noisy_latents.to(half), sigmas.to(half), guidance.to(half), text, positions)
    return (velocity.float() - target).square().mean()


def train(options: argparse.Namespace) -> None:
    join()
    device = pick_device()
    networks = networks_from_checkpoint("base")
    student = networks_from_checkpoint("base")["transformer"].to(device)
    student.requires_grad_(True)
    teacher = networks["transformer"].to(device, torch.bfloat16).eval()
    text_encoder = networks["text_encoder"].to(device, torch.bfloat16).eval()
    trainer = HalfPrecisionTrainer({"transformer": student}, options.rate, options.average_decay, muon=False,
                                   faster={"guidance_embedder": EMBEDDER_RATE})
    if options.compile:
        for transformer in (student, teacher):
            transformer.compile_repeated_blocks(dynamic=True)

    def loss_of(batch, generator):
        return distillation_loss(student, teacher, text_encoder, batch, generator, device)

    loop.run("distil", trainer, LatentGroup("base"), loss_of, options, dropout=0.05)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    loop.add_loop_options(parser, steps=150, batch=48, rate=6e-4, average_decay=0.97, warm_up=10, decay_from=0.5)
    train(parser.parse_args())


if __name__ == "__main__":
    main()
