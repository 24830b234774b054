"""Stage 7: trains a style as an adapter (LoRA, rank 8) on the base.
`python -m training.adapter --style woodcut`."""

import argparse
from pathlib import Path

import torch
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict, set_peft_model_state_dict
from safetensors.torch import load_file

from training import loop
from training.batches import LatentGroup
from training.flow import draw_sigmas, noisy
from training.half_precision import HalfPrecisionTrainer
from training.networks import load_networks
from training.parallel import is_first, join
from training.scenes import STYLES
from training.stage import pick_device, save_checkpoint
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


def start_from(transformer, path: Path) -> None:
    """Goes on from an adapter that was trained before, on this base or on an earlier one."""
    state = {name.removeprefix("transformer."): tensor.float() for name, tensor in load_file(path).items()}
    problems = set_peft_model_state_dict(transformer, state, adapter_name="style")
    assert not problems.unexpected_keys, problems.unexpected_keys


def adapter_state(transformer, trainer: HalfPrecisionTrainer | None = None) -> dict[str, torch.Tensor]:
    """`transformer.….lora_A.weight` and `.lora_B.weight`; the moving averages when a trainer is given."""
    if trainer:
        averages = {name.removeprefix("transformer."): value for name, value in zip(trainer.names, trainer.averages)}
        transformer.load_state_dict(averages, strict=False)
    state = get_peft_model_state_dict(transformer, adapter_name="style")
    return {f"transformer.{name}": tensor.detach().to(torch.bfloat16).cpu().contiguous() for name, tensor in state.items()}


def adapter_loss(transformer, text_encoder, batch, generator, device) -> torch.Tensor:
    """Flow matching towards the styled pictures, on the base before its guidance was distilled: what is added there fits
    the distilled transformer too, whose guidance stays as it is, and costs half as much to learn."""
    half = torch.bfloat16
    sigmas = draw_sigmas(len(batch.packed), generator)
    noisy_latents, target = noisy(batch.packed, sigmas, generator)
    with torch.no_grad():
        text = encode_text(text_encoder, batch.input_ids.to(device))
    velocity = predict_velocity(transformer, noisy_latents.to(device, half), sigmas.to(device, half),
                                torch.ones(len(sigmas), dtype=half, device=device), text, batch.positions.to(device))
    return (velocity.float() - target.to(device)).square().mean()


def train(options: argparse.Namespace) -> None:
    join()
    device = pick_device()
    torch.manual_seed(options.seed)
    networks = {name: network.to(device, torch.bfloat16).eval() for name, network in load_networks(options.source).items()}
    transformer, text_encoder = networks["transformer"], networks["text_encoder"]
    add_adapter(transformer)
    if options.from_adapter:
        start_from(transformer, options.from_adapter)
    trainer = HalfPrecisionTrainer({"transformer": transformer}, options.rate, options.average_decay, muon=False)

    def loss_of(batch, generator):
        return adapter_loss(transformer, text_encoder, batch, generator, device)

    loop.run(f"adapter-{options.style}", trainer, LatentGroup(options.style), loss_of, options, dropout=0.05)
    if is_first():
        save_checkpoint(f"adapter-weights-{options.style}", adapter_state(transformer, trainer))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    loop.add_loop_options(parser, steps=150, batch=32, rate=1.5e-3, average_decay=0.9, warm_up=10, decay_from=0.5)
    parser.add_argument("--style", choices=STYLES[1:], required=True)
    parser.add_argument("--source", default="base", help="stage name or folder of shipped weights (models/starter)")
    parser.add_argument("--from-adapter", type=Path, help="start from a shipped adapter (models/adapters/STYLE.safetensors)")
    train(parser.parse_args())


if __name__ == "__main__":
    main()
