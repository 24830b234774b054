"""What every training stage shares: working folder, checkpoints, schedule, log, device."""

import argparse
import csv
import os
import time
from pathlib import Path

import torch

from training.parallel import agree, is_first

WORK = Path(__file__).parent / ".work"


def pick_device() -> torch.device:
    """CUDA when there is one, otherwise all cores of the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def add_common_options(parser: argparse.ArgumentParser, steps: int, batch: int | None, rate: float) -> None:
    """Steps, rate, seed, budget, resume; `--batch` where a default is given."""
    parser.add_argument("--steps", type=int, default=steps, help="optimiser steps of the whole stage")
    if batch:
        parser.add_argument("--batch", type=int, default=batch, help="pictures per step")
    parser.add_argument("--rate", type=float, default=rate, help="learning rate after warm-up")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, help="stop after this much processor time of this process (per core)")
    parser.add_argument("--until", help="stop at this time of day, HH:MM in UTC")
    parser.add_argument("--resume", action="store_true", help="continue from this stage's checkpoint")
    parser.add_argument("--checkpoint-every", type=int, default=200)


def rate_factor(share: float, step: int, warm_up: int = 100, decay_from: float = 0.6) -> float:
    """1 after a linear warm-up; linear to 2 % over the last part of the stage. `share` of it (0 to 1) is done."""
    fall = (share - decay_from) / (1 - decay_from)
    return min((step + 1) / max(1, warm_up), 1.0 if fall <= 0 else max(0.02, 1 - fall))


def seconds_until(clock: str) -> float:
    """Seconds from now to the next HH:MM (UTC)."""
    hours, minutes = (int(part) for part in clock.split(":"))
    return (hours * 3600 + minutes * 60 - time.time()) % 86400


def step_generator(seed: int, step: int) -> torch.Generator:
    """Random numbers that depend on the step only, so that a resumed run repeats nothing and misses nothing."""
    return torch.Generator().manual_seed((seed * 1_000_003 + step) % (2**62))


def save_checkpoint(name: str, state: dict) -> None:
    """Written beside, then renamed: a killed run leaves the previous checkpoint whole."""
    WORK.mkdir(parents=True, exist_ok=True)
    path = WORK / f"{name}.pt"
    torch.save(state, path.with_suffix(".tmp"))
    os.replace(path.with_suffix(".tmp"), path)


def load_checkpoint(name: str) -> dict:
    return torch.load(WORK / f"{name}.pt", map_location="cpu", weights_only=True)


class Progress:
    """Prints a line and appends a CSV row every few steps; knows when the time budget is spent."""

    def __init__(self, name: str, options: argparse.Namespace, batch: int, every: int = 25):
        WORK.mkdir(parents=True, exist_ok=True)
        self.name, self.steps, self.batch, self.every = name, options.steps, batch, every
        self.path = WORK / f"{name}.csv"
        self.budget_seconds = options.minutes * 60 if options.minutes else None
        self.wall_seconds = seconds_until(options.until) if options.until else None
        self.started, self.began = time.process_time(), time.time()
        self.last, self.sums, self.count = time.time(), {}, 0

    def active_seconds(self) -> float:
        """Processor time of this process per thread: a stopped process does not spend its budget."""
        threads = torch.get_num_threads() if not torch.cuda.is_available() else 1
        return (time.process_time() - self.started) / threads

    def share(self, step: int) -> float:
        """How much of the stage is done, 0 to 1: of its steps or of its time, whichever is further."""
        by_time = self.active_seconds() / self.budget_seconds if self.budget_seconds else 0.0
        by_clock = (time.time() - self.began) / self.wall_seconds if self.wall_seconds else 0.0
        return agree(max(step / self.steps, by_time, by_clock))

    def record(self, step: int, **values: float) -> None:
        for key, value in values.items():
            self.sums[key] = self.sums.get(key, 0.0) + float(value)
        self.count += 1
        if (step + 1) % self.every and step + 1 != self.steps:
            return
        means = {key: total / self.count for key, total in self.sums.items()}
        if not is_first():
            self.sums, self.count = {}, 0
            return
        speed = self.count * self.batch / (time.time() - self.last)
        print(f"{self.name} {step + 1}/{self.steps} " + " ".join(f"{k} {v:.4f}" for k, v in means.items())
              + f" {speed:.1f} pictures/s {self.active_seconds() / 60:.1f} min", flush=True)
        self.write_row({"step": step + 1, "pictures": (step + 1) * self.batch, **means})
        self.last, self.sums, self.count = time.time(), {}, 0

    def write_row(self, row: dict) -> None:
        is_new = not self.path.exists()
        with self.path.open("a", newline="") as file:
            writer = csv.writer(file)
            if is_new:
                writer.writerow(row)
            writer.writerow([f"{v:.5g}" if isinstance(v, float) else v for v in row.values()])
