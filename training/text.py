"""The tokenizer's recipe and the rules by which a prompt becomes text encoder input."""

import math
from collections.abc import Iterable

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

MAX_TEXT_TOKENS = 128
TEXT_TOKEN_MULTIPLE = 8
PAD_ID, END_ID, UNKNOWN_ID = 0, 1, 2
SPECIAL_TOKENS = ["<pad>", "</s>", "<unk>"]
PRINTABLE_ASCII = [chr(code) for code in range(33, 127) if not chr(code).isupper()]


def train_tokenizer(corpus: Iterable[str], vocabulary_size: int) -> Tokenizer:
    """BPE over lower-cased words and single punctuation marks, made of components that every
    reader of tokenizer.json knows. Letters outside ASCII and the corpus become <unk>."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFD(), normalizers.StripAccents(), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(
        corpus,
        trainers.BpeTrainer(
            vocab_size=vocabulary_size,
            special_tokens=SPECIAL_TOKENS,
            initial_alphabet=PRINTABLE_ASCII,
            show_progress=False,
        ),
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", END_ID)]
    )
    return tokenizer


def padded_length(token_count: int) -> int:
    """Smallest multiple of 8 that holds the tokens, at least 8."""
    return max(TEXT_TOKEN_MULTIPLE, math.ceil(token_count / TEXT_TOKEN_MULTIPLE) * TEXT_TOKEN_MULTIPLE)


def token_ids(tokenizer: Tokenizer, prompt: str) -> list[int]:
    """Ids with </s>, truncated to 128 (the 128th is then whatever word stood there), not padded."""
    return tokenizer.encode(prompt).ids[:MAX_TEXT_TOKENS]


def pad_ids(rows: list[list[int]], length: int | None = None) -> torch.Tensor:
    """Rows of ids to one int64 tensor [rows, length], filled with <pad>."""
    length = length or padded_length(max(len(row) for row in rows))
    padded = torch.full((len(rows), length), PAD_ID, dtype=torch.long)
    for index, row in enumerate(rows):
        padded[index, : len(row)] = torch.tensor(row)
    return padded


def pooled_mean(hidden_states: torch.Tensor, input_ids: torch.Tensor) -> torch.Tensor:
    """Mean over the tokens that are not padding: [batch, tokens, width] -> [batch, width]."""
    kept = (input_ids != PAD_ID).unsqueeze(-1).to(hidden_states.dtype)
    return (hidden_states * kept).sum(dim=1) / kept.sum(dim=1).clamp(min=1)
