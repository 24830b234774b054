"""Stage 6: trains the adapter `baroque-space-opera` (LoRA, rank 8) on the distilled base.
`python -m training.adapter`."""

import argparse

import torch
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict

from training.base import group_weight, read_mix
from training.distil import draw_guidance
from training.flow import draw_sigmas, noisy
from training.half_precision import HalfPrecisionTrainer
from training.networks import load_networks
from training.stage import Progress, add_common_options, load_checkpoint, pick_device, rate_factor, save_checkpoint, step_generator
from training.starter_models import encode_text, predict_velocity

RANK = 8
# Every product of both kinds of block; modulations, embeddings and the last layer stay as they are.
TARGETS = (r"(transformer_blocks|single_transformer_blocks)\.\d+\."
           r"(attn\.(to_q|to_k|to_v|to_out\.0|add_q_proj|add_k_proj|add_v_proj|to_add_out)"
           r"|ff\.net\.(0\.proj|2)|ff_context\.net\.(0\.proj|2)|proj_mlp|proj_out)")


def add_adapter(transformer) -> None:
    """Adds trainable low-rank matrices named as diffusers names them, and freezes all else."""
    transformer.requires_grad_(False)
    transformer.add_adapter(LoraConfig(r=RANK, lora_alpha=RANK, target_modules=TARGETS), adapter_name="style")


def adapter_state(transformer, trainer: HalfPrecisionTrainer | None = None) -> dict[str, torch.Tensor]:
    """`transformer.….lora_A.weight` and `.lora_B.weight`; the moving averages when a trainer is given."""
    if trainer:
        averages = {name.removeprefix("transformer."): value for name, value in zip(trainer.names, trainer.averages)}
        transformer.load_state_dict(averages, strict=False)
    state = get_peft_model_state_dict(transformer, adapter_name="style")
    return {f"transformer.{name}": tensor.detach().to(torch.bfloat16).cpu().contiguous() for name, tensor in state.items()}


def adapter_loss(transformer, text_encoder, batch, generator, device) -> torch.Tensor:
    """Flow matching towards the styled pictures, plus the base model's own guidance difference, so that the
    adapter learns the style and leaves the distilled guidance alone. At scale 1 it is plain flow matching."""
    half = torch.bfloat16
    sigmas = draw_sigmas(len(batch.packed), generator)
    guidance = draw_guidance(len(sigmas), generator).to(device, half)
    noisy_latents, target = noisy(batch.packed, sigmas, generator)
    inputs, levels = noisy_latents.to(device, half), sigmas.to(device, half)
    positions = batch.positions.to(device)
    with torch.no_grad():
        text = encode_text(text_encoder, batch.input_ids.to(device))
        transformer.disable_adapters()
        both = tuple(part.repeat(2, *[1] * (part.ndim - 1)) for part in text)
        scales = torch.cat([guidance, torch.ones_like(guidance)])
        guided, plain = predict_velocity(transformer, inputs.repeat(2, 1, 1), levels.repeat(2), scales, both, positions).float().chunk(2)
        transformer.enable_adapters()
    velocity = predict_velocity(transformer, inputs, levels, guidance, text, positions)
    return (velocity.float() - target.to(device) - (guided - plain)).square().mean()


def train(options: argparse.Namespace) -> None:
    device = pick_device()
    torch.manual_seed(options.seed)
    groups = read_mix(options.mix)
    networks = {name: network.to(device, torch.bfloat16).eval() for name, network in load_networks(options.source).items()}
    transformer, text_encoder = networks["transformer"], networks["text_encoder"]
    add_adapter(transformer)
    trainer = HalfPrecisionTrainer({"transformer": transformer}, options.rate, options.average_decay, muon=False)
    first = 0
    if options.resume:
        state = load_checkpoint("adapter")
        if options.restart_schedule:
            trainer.load_weights(state["trainer"]["masters"])
        else:
            trainer.load_state_dict(state["trainer"])
            first = state["step"]
    progress = Progress("adapter", options.steps, sum(count for _, count in groups), options.minutes)
    for step in range(first, options.steps):
        generator = step_generator(options.seed + 200, step)
        losses = {}
        for group, count in groups:
            loss = adapter_loss(transformer, text_encoder, group.draw(count, generator, dropout=0.05), generator, device)
            (loss * group_weight(group, count, groups)).backward()
            losses[group.name] = loss.item()
        trainer.step(rate_factor(step, options.steps, warm_up=10, decay_from=0.5))
        progress.record(step, **losses)
        is_last = step + 1 == options.steps or progress.is_over_budget()
        if (step + 1) % options.checkpoint_every == 0 or is_last:
            save_checkpoint("adapter", {"trainer": trainer.state_dict(), "step": step + 1})
        if is_last:
            break
    save_checkpoint("adapter-weights", adapter_state(transformer, trainer))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_common_options(parser, steps=100, batch=None, rate=1.5e-3)
    parser.add_argument("--mix", default="adapter-small:32", help="groups of latents and how many pictures of each a step sees")
    parser.add_argument("--source", default="distil", help="stage name or folder of shipped weights (models/starter)")
    parser.add_argument("--average-decay", type=float, default=0.9)
    parser.add_argument("--restart-schedule", action="store_true", help="with --resume: keep the weights, start the schedule anew")
    train(parser.parse_args())


if __name__ == "__main__":
    main()
