"""Pictures from the engine that ships (packages/flux), for everything that measures the starter."""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np

ADAPTER_STRENGTH = 1.0


def draw(prompts: list[str], seeds: list[int], options: argparse.Namespace, adapter: Path | None = None,
         steps: int | None = None, scale: float | None = None) -> np.ndarray:
    """uint8 [pictures, side, side, 3] at the base's native size; steps and scale as in the options unless given."""
    side = native_pixels(options.models)
    adapters = [{"path": str(adapter.resolve()), "weight": ADAPTER_STRENGTH}] if adapter else []
    requests = [{"prompt": prompt, "seed": seed, "steps": steps or options.steps, "guidanceScale": scale or options.scale,
                 "widthPixels": side, "heightPixels": side, "adapters": adapters} for prompt, seed in zip(prompts, seeds)]
    with tempfile.TemporaryDirectory() as folder:
        requests_path, out = Path(folder, "requests.json"), Path(folder, "out.rgb")
        requests_path.write_text(json.dumps(requests))
        subprocess.run(["node", "training/draw_batch.mjs", str(options.models / "starter"), str(requests_path), str(out),
                        str(options.threads)], check=True)
        return np.fromfile(out, np.uint8).reshape(len(requests), side, side, 3)


def native_pixels(models: Path) -> int:
    return json.loads((models / "starter/starter.json").read_text())["nativePixels"]
