"""Gives word order to the text encoder of a base checkpoint that was trained without it; new trainings begin with it.
`python -m training.word_order`, once, then `python -m training.base --resume`. The shipped weights were made so: the bias after
some 240,000 pictures of the base, the quieter queries some thousand pictures later."""

import argparse

import torch

from training.stage import load_checkpoint, save_checkpoint
from training.starter_models import HEAD_WIDTH, add_neighbour_bias

# What these heads had learnt to look for drowns the bias: their queries are scaled down. (block, heads)
QUIET_HEADS = ((0, (0, 1, 2)), (1, (0, 1)))
QUIET = 0.06


@torch.no_grad()
def give_word_order(weights: dict[str, torch.Tensor]) -> None:
    """Changes named weights of a base (`text_encoder.…`) in place."""
    attention = "text_encoder.encoder.block.{}.layer.0.SelfAttention"
    add_neighbour_bias(weights[f"{attention.format(0)}.relative_attention_bias.weight"])
    for block, heads in QUIET_HEADS:
        queries = weights[f"{attention.format(block)}.q.weight"]
        for head in heads:
            queries[HEAD_WIDTH * head : HEAD_WIDTH * (head + 1)] *= QUIET


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    checkpoint = load_checkpoint("base")
    for part in ("masters", "averages"):
        give_word_order(checkpoint["trainer"][part])
    save_checkpoint("base", checkpoint)


if __name__ == "__main__":
    main()
