"""Writes the golden tensors of packages/flux/golden: small random models run by diffusers and
transformers, with weights, inputs and outputs in one file each. `python -m training.golden`"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderTiny, FlowMatchEulerDiscreteScheduler, FluxTransformer2DModel
from diffusers.pipelines.flux.pipeline_flux import calculate_shift
from safetensors.torch import save_file
from transformers import T5Config, T5EncoderModel

from training.enlarger_network import Enlarger
from training.text import padded_length, pooled_mean, token_ids, train_tokenizer

# Two heads of 32 instead of one of 128: weights of a 128-wide pair of blocks alone fill 2 MB,
# and two heads also show a wrong order of heads.
TRANSFORMER_CONFIG = dict(
    patch_size=1, in_channels=64, num_layers=1, num_single_layers=1, attention_head_dim=32,
    num_attention_heads=2, joint_attention_dim=48, pooled_projection_dim=48,
    guidance_embeds=True, axes_dims_rope=[8, 12, 12],
)
T5_CONFIG = dict(
    vocab_size=96, d_model=48, d_kv=16, num_heads=3, d_ff=96, num_layers=2,
    feed_forward_proj="gated-gelu", relative_attention_num_buckets=32,
    relative_attention_max_distance=128, layer_norm_epsilon=1e-6, dropout_rate=0.0,
)
DECODER_CONFIG = dict(
    latent_channels=16, encoder_block_out_channels=[16] * 4,
    decoder_block_out_channels=[16] * 4, num_encoder_blocks=[0, 1, 1, 1], num_decoder_blocks=[2, 1, 1, 1],
    scaling_factor=1.0, shift_factor=0.0,
)
SCHEDULER_CONFIG = dict(
    num_train_timesteps=1000, shift=3.0, use_dynamic_shifting=True, base_shift=0.5, max_shift=1.15,
    base_image_seq_len=256, max_image_seq_len=4096,
)
CORPUS = [
    "a red planet with golden rings above a marble palace, two moons and a starship",
    "portrait of an empress in a crimson gown with a halo of stars, baroque ornament",
    "a blue nebula in the sky behind columns and an arch, flowers and leaves around a frame",
]
PROMPTS = [
    "", "a red planet", "Sci-Fi Baroque Couture Pulp, Portrait", "Café NAÏVE façade, 21 moons!",
    "  two   spaces\tand\nlines ", "emoji 🚀 and 漢字 stay", "golden rings; (arch) [frame] don't stop",
    "a marble palace, " * 40,
]
LATENT_HEIGHT, LATENT_WIDTH, TEXT_TOKENS = 4, 6, 8


def randomise(model: torch.nn.Module, seed: int) -> torch.nn.Module:
    """Every weight and bias non-trivial, and exactly representable in bfloat16."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if parameter.ndim == 1 and "norm" in name and name.endswith("weight"):
            value = 1 + 0.2 * noise
        elif parameter.ndim == 1:
            value = 0.1 * noise
        else:
            value = noise * (parameter[0].numel() ** -0.5)
        parameter.data.copy_(value.to(torch.bfloat16).float())
    return model.eval()


def write(path: Path, config: dict, weights: dict, inputs: dict, outputs: dict) -> None:
    """One file: bfloat16 weights.*, float32 (or int64) input.* and output.*, the config as metadata."""
    tensors = {f"weights.{name}": tensor.to(torch.bfloat16) for name, tensor in weights.items()}
    tensors |= {f"input.{name}": tensor for name, tensor in inputs.items()}
    tensors |= {f"output.{name}": tensor for name, tensor in outputs.items()}
    save_file({n: t.detach().clone().contiguous() for n, t in tensors.items()}, path, {"config": json.dumps(config)})


def image_ids(height: int, width: int) -> torch.Tensor:
    """Position ids of packed latents as FluxPipeline makes them: [height * width, 3]."""
    ids = torch.zeros(height, width, 3)
    ids[..., 1] += torch.arange(height)[:, None]
    ids[..., 2] += torch.arange(width)[None, :]
    return ids.reshape(height * width, 3)


def write_text_encoder(folder: Path) -> None:
    model = randomise(T5EncoderModel(T5Config(**T5_CONFIG)), 1)
    input_ids = torch.randint(3, 96, (2, 40), generator=torch.Generator().manual_seed(2))
    input_ids[0, 20], input_ids[0, 21:] = 1, 0
    input_ids[1, 39] = 1
    hidden_states = model(input_ids=input_ids).last_hidden_state
    weights = {n: p for n, p in model.named_parameters() if n != "encoder.embed_tokens.weight"}
    write(folder / "t5.safetensors", T5_CONFIG, weights, {"input_ids": input_ids},
          {"last_hidden_state": hidden_states, "pooled_mean": pooled_mean(hidden_states, input_ids)})


def transformer_inputs(seed: int) -> dict[str, torch.Tensor]:
    """Two pictures of 4 × 6 packed latents with 8 text tokens, each with its own sigma and guidance."""
    generator = torch.Generator().manual_seed(seed)
    return {
        "hidden_states": torch.randn(2, LATENT_HEIGHT * LATENT_WIDTH, 64, generator=generator),
        "encoder_hidden_states": torch.randn(2, TEXT_TOKENS, 48, generator=generator),
        "pooled_projections": torch.randn(2, 48, generator=generator),
        "timestep": torch.tensor([0.83, 0.21]),
        "guidance": torch.tensor([7.5, 1.0]),
        "img_ids": image_ids(LATENT_HEIGHT, LATENT_WIDTH),
        "txt_ids": torch.zeros(TEXT_TOKENS, 3),
    }


def write_blocks(folder: Path, model: FluxTransformer2DModel) -> None:
    """One double and one single block, with the rotary tables they were given ([tokens, head_dim])."""
    generator = torch.Generator().manual_seed(4)
    image, text = torch.randn(2, 24, 64, generator=generator), torch.randn(2, TEXT_TOKENS, 64, generator=generator)
    temb = torch.randn(2, 64, generator=generator)
    ids = torch.cat([torch.zeros(TEXT_TOKENS, 3), image_ids(LATENT_HEIGHT, LATENT_WIDTH)])
    cos, sin = model.pos_embed(ids)
    inputs = {"hidden_states": image, "encoder_hidden_states": text, "temb": temb, "ids": ids,
              "rope_cos": cos, "rope_sin": sin}
    for name, block in [("double-block", model.transformer_blocks[0]), ("single-block", model.single_transformer_blocks[0])]:
        out_text, out_image = block(hidden_states=image, encoder_hidden_states=text, temb=temb, image_rotary_emb=(cos, sin))
        write(folder / f"{name}.safetensors", TRANSFORMER_CONFIG, dict(block.named_parameters()), inputs,
              {"hidden_states": out_image, "encoder_hidden_states": out_text})


def lora_state(model: FluxTransformer2DModel, rank: int) -> dict[str, torch.Tensor]:
    """A random adapter on every product of both kinds of block, in the public diffusers layout."""
    generator = torch.Generator().manual_seed(6)
    state = {}
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear) and "blocks" in name and ".norm" not in name:
            down = torch.randn(rank, module.in_features, generator=generator) * module.in_features ** -0.5
            up = torch.randn(module.out_features, rank, generator=generator) * 0.3
            state[f"transformer.{name}.lora_A.weight"] = down.to(torch.bfloat16).float()
            state[f"transformer.{name}.lora_B.weight"] = up.to(torch.bfloat16).float()
    return state


def write_transformer(folder: Path) -> None:
    model = randomise(FluxTransformer2DModel(**TRANSFORMER_CONFIG), 3)
    inputs = transformer_inputs(5)
    weights = dict(model.named_parameters())
    write_blocks(folder, model)
    write(folder / "transformer.safetensors", TRANSFORMER_CONFIG, weights, inputs, {"sample": model(**inputs).sample})
    adapter = lora_state(model, 4)
    model.load_lora_adapter(dict(adapter), prefix="transformer", adapter_name="golden")
    outputs = {}
    for weight in [1.0, 0.5]:
        model.set_adapters("golden", weight)
        outputs[f"sample_weight_{weight}"] = model(**inputs).sample
    write(folder / "lora.safetensors", TRANSFORMER_CONFIG, adapter, inputs, outputs)


def write_decoder(folder: Path) -> None:
    """The decoder of the tiny autoencoder; `output.sample` is in [-1, 1] as diffusers returns it."""
    model = randomise(AutoencoderTiny(**DECODER_CONFIG), 7)
    latents = torch.randn(2, 16, 4, 6, generator=torch.Generator().manual_seed(8)) * 1.5
    weights = {n: p for n, p in model.named_parameters() if n.startswith("decoder.")}
    write(folder / "decoder.safetensors", DECODER_CONFIG, weights, {"latents": latents}, {"sample": model.decode(latents).sample})


def write_enlarger(folder: Path) -> None:
    """A narrow enlarger; the picture is 10 × 6."""
    model = randomise(Enlarger(channels=8, middle=1), 9)
    pictures = torch.rand(1, 3, 6, 10, generator=torch.Generator().manual_seed(10)) * 2 - 1
    write(folder / "enlarger.safetensors", {}, dict(model.named_parameters()), {"pictures": pictures}, {"enlarged": model(pictures)})


def write_scheduler(folder: Path) -> None:
    """Sigmas (with the closing 0) as FluxPipeline gets them, shifted (dev) and unshifted (schnell)."""
    cases = []
    for tokens in [64, 208, 256, 260, 1024, 4096]:
        for steps in [1, 4, 8, 30]:
            for shifted in [True, False]:
                scheduler = FlowMatchEulerDiscreteScheduler.from_config(
                    SCHEDULER_CONFIG | ({} if shifted else {"use_dynamic_shifting": False, "shift": 1.0}))
                mu = calculate_shift(tokens, 256, 4096, 0.5, 1.15)
                scheduler.set_timesteps(sigmas=np.linspace(1.0, 1 / steps, steps), mu=mu if shifted else None)
                cases.append({"imageTokens": tokens, "steps": steps, "useDynamicShifting": shifted,
                              "mu": mu if shifted else None, "sigmas": [float(s) for s in scheduler.sigmas],
                              "timesteps": [float(t) for t in scheduler.timesteps]})
    document = {"config": SCHEDULER_CONFIG, "cases": cases}
    (folder / "scheduler.json").write_text(json.dumps(document, separators=(",", ":")) + "\n")


def write_tokenizer(folder: Path) -> None:
    tokenizer = train_tokenizer(CORPUS, 200)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    cases = []
    for prompt in PROMPTS:
        ids = token_ids(tokenizer, prompt)
        cases.append({"prompt": prompt, "ids": ids, "paddedLength": padded_length(len(ids))})
    (folder / "tokenizer-cases.json").write_text(json.dumps(cases, ensure_ascii=False, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("packages/flux/golden"))
    folder = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    with torch.no_grad():
        for step in [write_text_encoder, write_transformer, write_decoder, write_enlarger, write_scheduler, write_tokenizer]:
            step(folder)
    print("bytes:", sum(path.stat().st_size for path in folder.iterdir()))


if __name__ == "__main__":
    main()
