"""Scores the shipped weights on captions that nothing was trained on: what the recogniser finds in pictures drawn by the
engine that ships, against what it finds in the generator's own pictures of the same scenes (the ceiling).
`python -m training.score`; writes training/score.json, which the model card prints."""

import argparse
import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from training.engine_pictures import draw, native_pixels
from training.labels import values_of
from training.recogniser_network import WEIGHTS, Recogniser, load_recogniser, recognise
from training.said import GROUPS, share, statements, tally
from training.scenes import caption, render, sample_mixture
from training.scenes.layout import place
from training.scenes.palette import LOOKS
from training.score_settings import score_scale, score_steps

HELD_OUT_SEED = 700_000_000
REPORT = Path(__file__).parent / "score.json"
# Relations, counts and couples are rare in the frozen mixture; without these shares their accuracy would be a guess.
SHARES = {"relation": .15, "count": .12, "couple": .05, "frame": .05, "seat": .05}


def score_captions(network: Recogniser, options: argparse.Namespace) -> dict:
    """Accuracy per group and attribute: drawn, ceiling, and the baseline of pictures that belong to other captions."""
    scenes = [sample_mixture(HELD_OUT_SEED + i, shares=SHARES) for i in range(options.count)]
    prompts = [caption(scene, scene.seed) for scene in scenes]
    said = [statements(prompt, values_of(scene)) for prompt, scene in zip(prompts, scenes)]
    side = native_pixels(options.models)
    drawn = recognise(network, draw(prompts, [i * 7919 % 2**32 for i in range(len(prompts))], options))
    real = recognise(network, np.stack([render(scene, side, side) for scene in scenes]))
    tables = {"drawn": tally(said, drawn), "ceiling": tally(said, real), "shuffled": tally(said, drawn[1:] + drawn[:1])}
    names = sorted(tables["drawn"])
    rows = {f"{group}/{name}": {"said": tables["drawn"][group, name][1]}
            | {kind: round(share(table, group, name), 4) for kind, table in tables.items()} for group, name in names}
    groups = {}
    for group in (*GROUPS, "all"):
        chosen = {kind: share(table, None if group == "all" else group) for kind, table in tables.items()}
        groups[group] = {"said": sum(row["said"] for key, row in rows.items() if group in ("all", key.split("/")[0]))} \
            | {kind: round(value, 4) for kind, value in chosen.items()} \
            | {"ratio": round(chosen["drawn"] / max(chosen["ceiling"], 1e-9), 4)}
    return {"captions": options.count, "groups": groups, "attributes": rows}


def thumbnails(pictures: np.ndarray) -> np.ndarray:
    """[pictures, 16 * 16 * 3] mean colours, 0-255."""
    side = pictures.shape[1] // 16
    return pictures.reshape(len(pictures), 16, side, 16, side, 3).mean(axis=(2, 4)).reshape(len(pictures), -1)


def spread(pictures: np.ndarray) -> float:
    """Mean distance of two of the pictures (root mean square of the thumbnails' differences)."""
    rows = thumbnails(pictures)
    pairs = [np.sqrt(((rows[i] - rows[j]) ** 2).mean()) for i in range(len(rows)) for j in range(i)]
    return float(np.mean(pairs))


def score_diversity(options: argparse.Namespace) -> dict:
    """How much pictures of one caption differ from seed to seed, for the model and for the generator (the same attributes
    placed anew), and how much those of different captions differ."""
    scenes = [sample_mixture(HELD_OUT_SEED + 500_000 + i) for i in range(options.diversity_captions)]
    count, side = options.diversity_seeds, native_pixels(options.models)
    prompts = [caption(scene, scene.seed) for scene in scenes for _ in range(count)]
    drawn = draw(prompts, [k for _ in scenes for k in range(count)], options).reshape(len(scenes), count, side, side, 3)
    again = np.stack([[render(place(replace(scene, seed=scene.seed + 1000 * k)), side, side) for k in range(count)] for scene in scenes])
    return {"captions": len(scenes), "seeds": count, "same_caption": round(float(np.mean([spread(row) for row in drawn])), 2),
            "same_caption_generator": round(float(np.mean([spread(row) for row in again])), 2),
            "different_captions": round(spread(drawn[:, 0]), 2)}


def score_adapter(network: Recogniser, adapter: Path, options: argparse.Namespace) -> dict:
    """Share of pictures that show the adapter's style, with it, without it and really; and how well prompts are kept."""
    style = adapter.stem
    scenes = [sample_mixture(HELD_OUT_SEED + 600_000 + i) for i in range(options.adapter_count)]
    plain = [caption(scene, scene.seed) for scene in scenes]
    prompts = [f"{LOOKS[style].trigger}, {text}" for text in plain]
    said = [statements(text, values_of(scene)) for text, scene in zip(plain, scenes)]
    seeds, side = list(range(len(scenes))), native_pixels(options.models)
    found = {"with": recognise(network, draw(prompts, seeds, options, adapter)),
             "without": recognise(network, draw(prompts, seeds, options)),
             "real": recognise(network, np.stack([render(scene, side, side, style) for scene in scenes]))}
    shares = {kind: round(float(np.mean([row["style"] == style for row in rows])), 4) for kind, rows in found.items()}
    kept = {kind: round(share(tally(said, rows)), 4) for kind, rows in found.items()}
    return {"pictures": len(scenes), "style": shares, "prompt": kept, "prompt_kept": round(kept["with"] / max(kept["without"], 1e-9), 4)}


def settings_scenes(options: argparse.Namespace) -> list:
    return [sample_mixture(HELD_OUT_SEED + 800_000 + i, shares=SHARES) for i in range(options.settings_count)]


def print_report(report: dict) -> None:
    print(f"\n{'':28}{'said':>6}{'drawn':>8}{'ceiling':>9}{'ratio':>8}{'shuffled':>10}")
    captions = report["captions"]
    for name, row in list(captions["groups"].items()) + list(captions["attributes"].items()):
        ratio = row["drawn"] / max(row["ceiling"], 1e-9)
        print(f"{name:28}{row['said']:6}{row['drawn']:8.1%}{row['ceiling']:9.1%}{ratio:8.2f}{row['shuffled']:10.1%}")
    for part in ("diversity", "steps", "scale"):
        print(part, json.dumps(report[part]))
    for name, row in report["adapters"].items():
        print("adapter", name, json.dumps(row))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, default=Path("models"))
    parser.add_argument("--recogniser", type=Path, default=WEIGHTS)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--scale", type=float, default=7.5, help="guidance scale: the manifest's default")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--diversity-captions", type=int, default=10)
    parser.add_argument("--diversity-seeds", type=int, default=6)
    parser.add_argument("--adapter-count", type=int, default=40)
    parser.add_argument("--settings-count", type=int, default=24, help="captions that are drawn with other steps and scales")
    parser.add_argument("--out", type=Path, default=REPORT)
    options = parser.parse_args()
    network = load_recogniser(options.recogniser)
    weights = options.models / "starter/transformer/diffusion_pytorch_model.safetensors"
    report = {"command": f"python -m training.score --count {options.count} --steps {options.steps} --scale {options.scale:g} "
                         f"--adapter-count {options.adapter_count} --diversity-captions {options.diversity_captions} "
                         f"--settings-count {options.settings_count}",
              "transformer": hashlib.sha256(weights.read_bytes()).hexdigest(), "drawn_with": {"steps": options.steps, "scale": options.scale},
              "pixels": native_pixels(options.models), "captions": score_captions(network, options), "diversity": score_diversity(options),
              "steps": score_steps(network, settings_scenes(options), options), "scale": score_scale(network, settings_scenes(options), options),
              "adapters": {path.stem: score_adapter(network, path, options) for path in sorted((options.models / "adapters").glob("*.safetensors"))}}
    print_report(report)
    options.out.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
