"""Stage 3: teaches the text encoder what captions say, before it has to draw. `python -m training.text_pretraining`

Heads read every attribute of the scene (colours, counts, places, who wears what) off the pooled mean and, by one query per
attribute, off the token states. They are thrown away afterwards; the encoder stays, and knows which colour belongs to what."""

import argparse

import numpy as np
import torch
import torch.nn.functional as F

from training.half_precision import HalfPrecisionTrainer
from training.networks import load_tokenizer, networks_from_checkpoint, new_networks
from training.pictures import training_scene
from training.scenes import caption
from training.stage import Progress, add_common_options, load_checkpoint, pick_device, rate_factor, save_checkpoint, step_generator
from training.starter_models import TEXT_WIDTH, encode_text
from training.text import MAX_TEXT_TOKENS, PAD_ID, token_ids

FIRST_SEED = 50_000_000
CAPTIONS_PER_SCENE = 4
UNSPOKEN = ("seed", "aspect", "light", "ship_heading")  # and everything that ends so:
UNSPOKEN_ENDS = ("_skin", "_facing")


class AttributeHeads(torch.nn.Module):
    """Logits of all attributes, side by side, [captions, classes of all attributes]: once from the pooled mean,
    once from the token states."""

    def __init__(self, sizes: list[int]):
        super().__init__()
        self.sizes = sizes
        self.pooled = torch.nn.Linear(TEXT_WIDTH, sum(sizes))
        self.queries = torch.nn.Parameter(torch.randn(len(sizes), TEXT_WIDTH) * 0.05)
        self.keys = torch.nn.Linear(TEXT_WIDTH, TEXT_WIDTH)
        self.answers = torch.nn.Linear(TEXT_WIDTH, sum(sizes))
        owner = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
        self.register_buffer("owner", owner, persistent=False)

    def forward(self, states: torch.Tensor, pooled: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        weights = (self.keys(states) @ self.queries.T).softmax(dim=1)  # [captions, tokens, attributes]
        read = weights.transpose(1, 2) @ states  # [captions, attributes, width]
        answers = (read[:, self.owner] * self.answers.weight).sum(-1) + self.answers.bias
        return self.pooled(pooled), answers


def heads_loss(logits: torch.Tensor, labels: torch.Tensor, sizes: list[int]) -> tuple[torch.Tensor, float]:
    """Mean cross-entropy over the attributes, and the ratio of right answers."""
    parts = logits.float().split(sizes, dim=1)
    loss = sum(F.cross_entropy(part, labels[:, i]) for i, part in enumerate(parts)) / len(sizes)
    right = sum((part.argmax(1) == labels[:, i]).float().mean().item() for i, part in enumerate(parts))
    return loss, right / len(sizes)


def said(attributes: dict) -> dict[str, str]:
    return {name: str(value) for name, value in attributes.items()
            if name not in UNSPOKEN and not name.endswith(UNSPOKEN_ENDS)}


def captions_and_labels(first_seed: int, scenes: int) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Token ids [captions, 128], labels [captions, attributes] and the number of classes of each attribute."""
    tokenizer = load_tokenizer()
    tokens = np.zeros((scenes * CAPTIONS_PER_SCENE, MAX_TEXT_TOKENS), np.uint16)
    facts = []
    for index in range(scenes):
        scene = training_scene(first_seed + index)
        facts.append(said(scene.attributes()))
        for part in range(CAPTIONS_PER_SCENE):
            row = index * CAPTIONS_PER_SCENE + part
            style = "baroque-space-opera" if part == CAPTIONS_PER_SCENE - 1 else "base"
            ids = token_ids(tokenizer, caption(scene, row, style))
            tokens[row, : len(ids)] = ids
    names = sorted({name for fact in facts for name in fact})
    values = {name: sorted({fact.get(name, "None") for fact in facts}) for name in names}
    names = [name for name in names if len(values[name]) > 1]
    places = {name: {value: place for place, value in enumerate(values[name])} for name in names}
    labels = np.array([[places[name][fact.get(name, "None")] for name in names] for fact in facts], np.int64)
    return tokens, np.repeat(labels, CAPTIONS_PER_SCENE, axis=0), [len(values[name]) for name in names]


def train(options: argparse.Namespace) -> None:
    device = pick_device()
    torch.manual_seed(options.seed)
    tokens, labels, sizes = captions_and_labels(FIRST_SEED, options.scenes)
    padded = np.maximum(8, ((tokens != PAD_ID).sum(-1) + 7) // 8 * 8)
    by_length = [(int(length), np.flatnonzero(padded == length)) for length in np.unique(padded)]
    shares = torch.tensor([float(len(rows)) for _, rows in by_length])
    text_encoder = (networks_from_checkpoint("base") if options.from_base else new_networks())["text_encoder"].to(device)
    heads = AttributeHeads(sizes).to(device)
    trainer = HalfPrecisionTrainer({"text_encoder": text_encoder, "heads": heads}, options.rate, options.average_decay)
    first = 0
    if options.resume:
        state = load_checkpoint("text")
        trainer.load_state_dict(state["trainer"])
        first = state["step"]
    progress = Progress("text", options, options.batch)
    for step in range(first, options.steps):
        generator = step_generator(options.seed + 300, step)
        length, rows = by_length[int(torch.multinomial(shares, 1, generator=generator))]
        chosen = rows[torch.randint(len(rows), (options.batch,), generator=generator).numpy()]
        input_ids = torch.from_numpy(tokens[chosen, :length].astype(np.int64)).to(device)
        answers = torch.from_numpy(labels[chosen]).to(device)
        states, pooled = encode_text(text_encoder, input_ids)
        by_mean, by_tokens = heads(states, pooled)
        mean_loss, mean_right = heads_loss(by_mean, answers, sizes)
        token_loss, token_right = heads_loss(by_tokens, answers, sizes)
        (mean_loss + token_loss).backward()
        share = progress.share(step)
        trainer.step(rate_factor(share, step, warm_up=50, decay_from=0.6))
        progress.record(step, pooled=mean_loss.item(), tokens=token_loss.item(), pooled_right=mean_right, tokens_right=token_right)
        is_last = step + 1 == options.steps or progress.share(step + 1) >= 1
        if (step + 1) % options.checkpoint_every == 0 or is_last:
            save_checkpoint("text", {"trainer": trainer.state_dict(), "step": step + 1})
        if is_last:
            break


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_common_options(parser, steps=2500, batch=64, rate=1.5e-3)
    parser.add_argument("--scenes", type=int, default=30_000)
    parser.add_argument("--average-decay", type=float, default=0.98)
    parser.add_argument("--from-base", action="store_true", help="go on from the text encoder of stage 5's checkpoint")
    train(parser.parse_args())


if __name__ == "__main__":
    main()
