"""Last stage: writes models/starter, models/adapters, the model card and models/weights.json.
`python -m training.export --source distil`; with `--list-only` it renews card and list for the files as they are."""

import argparse
import hashlib
import json
import os
import shutil
import time
from pathlib import Path

import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from safetensors.torch import load_file, save_file

from training.flow import GUIDANCE_RANGE
from training.golden import SCHEDULER_CONFIG
from training.model_card import STAGE_NAMES, card_text
from training.networks import load_autoencoder, networks_from_checkpoint
from training.scenes import STYLES
from training.stage import WORK, load_checkpoint
from training.starter_models import NATIVE_PIXELS, PIXELS_PER_LATENT
from training.text import MAX_TEXT_TOKENS, TEXT_TOKEN_MULTIPLE
from training.tokenizer import FOLDER as TOKENIZER_FOLDER

LICENCE = "Apache-2.0"
ORIGIN = "Trained from nothing by this project on its own procedural scenes (training/)."
MODEL_INDEX = {
    "_class_name": "FluxPipeline", "_diffusers_version": "0.40.0",
    "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
    "text_encoder": [None, None], "tokenizer": [None, None],
    "text_encoder_2": ["transformers", "T5EncoderModel"], "tokenizer_2": ["transformers", "PreTrainedTokenizerFast"],
    "transformer": ["diffusers", "FluxTransformer2DModel"], "vae": ["diffusers", "AutoencoderTiny"],
}


def images_seen(before: dict[str, int]) -> dict[str, int]:
    """Pictures seen per stage: those of the weights that training went on from, and those of the logs (the last row of
    each; a restarted log is summed, and what a resumed stage repeats counts again)."""
    seen = dict(before)
    for path in sorted(path for path in WORK.glob("*.csv") if path.stem in STAGE_NAMES):
        rows = [line.split(",") for line in path.read_text().splitlines()[1:]]
        total, before = 0, 0
        for row in rows:
            pictures = int(row[1])
            restarts = pictures <= before and pictures == int(rows[0][1])
            total += pictures if restarts else max(0, pictures - before)
            before = pictures
        seen[path.stem] = seen.get(path.stem, 0) + total
    return seen


def starter_settings(source: str, before: dict[str, int], psnr: float) -> dict:
    """What inference needs beyond the configurations, read by the engine."""
    return {
        "name": "atelier-starter", "nativePixels": NATIVE_PIXELS, "sizeMultiple": 2 * PIXELS_PER_LATENT,
        "aspectRange": [0.6, 1.6667], "maxTextTokens": MAX_TEXT_TOKENS, "textTokenMultiple": TEXT_TOKEN_MULTIPLE,
        "padTokenId": 0, "pooledProjection": "mean of text states over tokens that are not padding",
        "guidanceRange": list(GUIDANCE_RANGE), "defaultGuidance": 7.5, "defaultSteps": 30, "fewestGoodSteps": 8,
        "guidanceDistilled": source == "distil",
        "trained": {"imagesSeen": images_seen(before), "decoderPsnr": psnr, "date": time.strftime("%Y-%m-%d", time.gmtime())},
    }


def half(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().to(torch.bfloat16).contiguous() for name, tensor in tensors.items()}


def write_starter(folder: Path, source: str, shipped: Path | None) -> None:
    """The diffusers layout, weights in bfloat16. What training went on from (`shipped`) gives its pictures seen, and its
    autoencoder where no decoder was trained since."""
    trained = json.loads((shipped / "starter.json").read_text())["trained"] if shipped else {"imagesSeen": {}}
    has_decoder = (WORK / "decoder.pt").exists()
    psnr = load_checkpoint("decoder")["psnr"] if has_decoder or not shipped else trained["decoderPsnr"]
    networks = networks_from_checkpoint(source)
    networks["transformer"].to(torch.bfloat16).save_pretrained(folder / "transformer")
    text_encoder = networks["text_encoder"].to(torch.bfloat16)
    text_encoder.save_pretrained(folder / "text_encoder_2")
    load_autoencoder(source if has_decoder or not shipped else str(shipped)).to(torch.bfloat16).save_pretrained(folder / "vae")
    FlowMatchEulerDiscreteScheduler(**SCHEDULER_CONFIG).save_pretrained(folder / "scheduler")
    shutil.copytree(TOKENIZER_FOLDER, folder / "tokenizer_2")
    (folder / "model_index.json").write_text(json.dumps(MODEL_INDEX, indent=2) + "\n")
    (folder / "starter.json").write_text(json.dumps(starter_settings(source, trained["imagesSeen"], psnr), indent=2) + "\n")
    for config in folder.glob("*/config.json"):
        document = {key: value for key, value in json.loads(config.read_text()).items() if key != "_name_or_path"}
        config.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n")


def write_adapter(folder: Path, style: str) -> None:
    folder.mkdir(exist_ok=True)
    partial = folder / f".{style}.partial"
    save_file(half(load_checkpoint(f"adapter-weights-{style}")), partial, {"format": "pt"})
    os.replace(partial, folder / f"{style}.safetensors")


def replace_folder(new: Path, target: Path) -> None:
    """Swaps whole folders, so that a reader never meets half an export."""
    old = target.with_name(f".{target.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        os.replace(target, old)
    os.replace(new, target)
    shutil.rmtree(old, ignore_errors=True)


def weights_list(models: Path) -> list[dict]:
    entries = []
    for path in sorted([*models.glob("starter/**/*.safetensors"), *models.glob("starter/**/tokenizer.json"),
                        *models.glob("adapters/*.safetensors")]):
        content = path.read_bytes()
        entries.append({"path": str(path.relative_to(models.parent)), "sha256": hashlib.sha256(content).hexdigest(),
                        "sizeBytes": len(content), "licence": LICENCE, "origin": ORIGIN})
    return entries


def write_lists(models: Path) -> None:
    """models/weights.json and the model card, from the files that lie there."""
    entries = weights_list(models)
    (models / "weights.json").write_text(json.dumps(entries, indent=2) + "\n")
    settings = json.loads((models / "starter/starter.json").read_text())
    parameters = {part: sum(tensor.numel() for tensor in load_file(path).values())
                  for part in ("transformer", "text_encoder_2", "vae") for path in (models / "starter" / part).glob("*.safetensors")}
    (models / "starter/README.md").write_text(card_text(entries, settings, parameters))
    print("bytes in all:", sum(entry["sizeBytes"] for entry in entries))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", default="distil", choices=["base", "distil"])
    parser.add_argument("--models", type=Path, default=Path("models"))
    parser.add_argument("--continued", action="store_true", help="training went on from the weights that lie there: their pictures count too, and their decoder stays unless one was trained")
    parser.add_argument("--list-only", action="store_true")
    options = parser.parse_args()
    if not options.list_only:
        new = options.models / ".starter.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        write_starter(new, options.source, options.models / "starter" if options.continued else None)
        if (options.models / "starter/enlarger").exists():    # made by training.enlarger
            shutil.copytree(options.models / "starter/enlarger", new / "enlarger")
        replace_folder(new, options.models / "starter")
        for style in STYLES[1:]:
            if (WORK / f"adapter-weights-{style}.pt").exists():
                write_adapter(options.models / "adapters", style)
    write_lists(options.models)
    for path in [*options.models.glob("starter/**/*"), *options.models.glob("adapters/*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)  # safetensors writes 0600


if __name__ == "__main__":
    main()
