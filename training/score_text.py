"""The model card's section on scores, from what training.score, training.recogniser and training.enlarger wrote."""

import json
from pathlib import Path

HERE = Path(__file__).parent
MOST_ROWS = 60


def score_section(folder: Path = HERE) -> str | None:
    """Markdown, or None while nothing has been scored."""
    if not (folder / "score.json").exists():
        return None
    report = json.loads((folder / "score.json").read_text())
    parts = [_introduction(report), _groups(report["captions"]), _diversity(report["diversity"]),
             _steps(report["steps"]), _scale(report["scale"]), _adapters(report["adapters"])]
    if (folder / "enlarger.json").exists():
        parts.append(_enlarger(json.loads((folder / "enlarger.json").read_text())))
    return "\n\n".join(part for part in parts if part)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _introduction(report: dict) -> str:
    return (f"`{report['command']}`, for the transformer `{report['transformer'][:16]}…`: {report['captions']['captions']} captions of scenes "
            f"that nothing was trained on, drawn by the engine that ships ({report['pixels']} pixels, {report['drawn_with']['steps']} steps, "
            f"scale {report['drawn_with']['scale']:g}). A recogniser trained apart, on the generator's own labels, reads each picture; only what the "
            "caption says counts. Its accuracy on the generator's own pictures of the same scenes is the ceiling; \"shuffled\" are the "
            "same pictures held against other captions.")


def _groups(captions: dict) -> str:
    lines = ["| Said of | Times | Drawn | Ceiling | Drawn / ceiling | Shuffled |", "|---|---|---|---|---|---|"]
    for name, row in captions["groups"].items():
        lines.append(f"| {name} | {row['said']} | {_percent(row['drawn'])} | {_percent(row['ceiling'])} | {row['ratio']:.2f} | "
                     f"{_percent(row['shuffled'])} |")
    return "\n".join(lines) + "\n\nEvery attribute by itself: `training/score.json`."


def _diversity(row: dict) -> str:
    return (f"Two pictures of one caption with different seeds differ by {row['same_caption']:g} (root mean square of 16 × 16 mean colours, "
            f"of 255), the generator's own by {row['same_caption_generator']:g}, pictures of different captions by "
            f"{row['different_captions']:g}.")


def _steps(row: dict) -> str:
    return (f"{row['few']} steps against {row['many']}, the same {row['captions']} captions and seeds: {_percent(row['right_few'])} against "
            f"{_percent(row['right_many'])} of what is said is seen; the pictures are {row['distance']:g} apart (root mean square of the "
            f"pixels, of 255), those of another seed {row['distance_of_seeds']:g}.")


def _scale(rows: dict) -> str:
    lines = ["The same with other scales: contrast is the brightness's standard deviation within a picture, colourfulness the mean span of a "
             "pixel's red, green and blue, both of 255.", "",
             "| Scale | Right | Contrast | Colourfulness | Apart from scale 1 |", "|---|---|---|---|---|"]
    for scale, row in rows.items():
        lines.append(f"| {scale} | {_percent(row['right'])} | {row['contrast']:g} | {row['colourfulness']:g} | {row['distance']:g} |")
    return "\n".join(lines)


def _adapters(adapters: dict) -> str:
    if not adapters:
        return ""
    lines = ["| Adapter | Style seen with it | without it | in the generator's own | Prompt kept (right with / without) |", "|---|---|---|---|---|"]
    for name, row in list(adapters.items())[:MOST_ROWS]:
        style, prompt = row["style"], row["prompt"]
        lines.append(f"| `{name}` | {_percent(style['with'])} | {_percent(style['without'])} | {_percent(style['real'])} | "
                     f"{row['prompt_kept']:.2f} ({_percent(prompt['with'])} / {_percent(prompt['without'])}) |")
    return "\n".join(lines)


def _enlarger(report: dict) -> str:
    lines = ["Enlargement from 256 to 1024 pixels, held-out scenes (`python -m training.enlarger --measure`), PSNR in dB and SSIM:", "",
             "| Style | Input | Lanczos-3 | Enlarger |", "|---|---|---|---|"]
    for style, inputs in report.items():
        for kind, methods in inputs.items():
            cells = [f"{methods[method][0]:.2f}, {methods[method][1]:.4f}" for method in ("lanczos", "enlarger")]
            lines.append(f"| {style} | {kind} | {cells[0]} | {cells[1]} |")
    return "\n".join(lines)
