"""Draws one prepared picture in diffusers, again and again, for against-diffusers.mjs.

Reads `inputs.json` in the folder given as second argument; for every line on stdin draws once, writes the pixels to
`diffusers.rgb` there and prints the milliseconds. The first line printed names the versions."""

import json
import sys
import time
from pathlib import Path

import diffusers
import numpy as np
import torch
import transformers
from diffusers import AutoencoderTiny, FlowMatchEulerDiscreteScheduler, FluxPipeline, FluxTransformer2DModel
from transformers import T5EncoderModel


def load_pipeline(base: Path) -> FluxPipeline:
    """The base model in float32; text goes in as embeddings, as FLUX's CLIP is not part of the starter."""
    pipeline = FluxPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler.from_pretrained(base / "scheduler"),
        # A random model has no encoder; without the flag its place would stay empty.
        vae=AutoencoderTiny.from_pretrained(base / "vae", torch_dtype=torch.float32, low_cpu_mem_usage=False),
        transformer=FluxTransformer2DModel.from_pretrained(base / "transformer", torch_dtype=torch.float32),
        text_encoder=None, tokenizer=None, text_encoder_2=None, tokenizer_2=None,
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def draw(pipeline: FluxPipeline, text_encoder: T5EncoderModel, inputs: dict, latents: torch.Tensor) -> np.ndarray:
    """Text encoder, every step, decoder: pixels [height, width, 3], uint8."""
    ids = torch.tensor([inputs["ids"]])
    states = text_encoder(input_ids=ids).last_hidden_state
    pooled = states[:, : inputs["usedTokens"]].mean(dim=1)
    result = pipeline(
        prompt_embeds=states, pooled_prompt_embeds=pooled, latents=latents.clone(),
        height=inputs["heightPixels"], width=inputs["widthPixels"], guidance_scale=inputs["guidanceScale"],
        num_inference_steps=inputs["steps"], output_type="np",
    )
    return (result.images[0] * 255).round().astype("uint8")


def main() -> None:
    base, folder = Path(sys.argv[1]), Path(sys.argv[2])
    inputs = json.loads((folder / "inputs.json").read_text())
    torch.set_num_threads(inputs["threads"])
    torch.set_num_interop_threads(1)
    latents = torch.from_numpy(np.fromfile(folder / "latents.f32", dtype=np.float32)).reshape(1, -1, 64)
    text_encoder = T5EncoderModel.from_pretrained(base / "text_encoder_2", dtype=torch.float32).eval()
    pipeline = load_pipeline(base)
    print(f"torch {torch.__version__}, diffusers {diffusers.__version__}, transformers {transformers.__version__}", flush=True)
    with torch.inference_mode():
        for _ in sys.stdin:
            start = time.perf_counter()
            pixels = draw(pipeline, text_encoder, inputs, latents)
            elapsed = (time.perf_counter() - start) * 1000
            pixels.tofile(folder / "diffusers.rgb")
            (folder / "sigmas.json").write_text(json.dumps(pipeline.scheduler.sigmas.tolist()))
            print(elapsed, flush=True)


if __name__ == "__main__":
    main()
