"""Stage 2: trains the tokenizer on the scene generator's vocabulary. `python -m training.tokenizer`"""

import argparse
import json

from training.scenes import caption, sample_scene, vocabulary_corpus
from training.stage import WORK
from training.text import MAX_TEXT_TOKENS, train_tokenizer

FOLDER = WORK / "tokenizer_2"


def corpus(captions: int) -> list[str]:
    """The generator's own word list and captions of scenes in both styles."""
    scenes = [(sample_scene(seed), seed) for seed in range(1, captions + 1)]
    return vocabulary_corpus() + [caption(scene, seed, "base") for scene, seed in scenes]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vocabulary", type=int, default=2048)
    parser.add_argument("--captions", type=int, default=20_000)
    options = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    texts = corpus(options.captions)
    tokenizer = train_tokenizer(texts, options.vocabulary)
    tokenizer.save(str(FOLDER / "tokenizer.json"), pretty=False)
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": MAX_TEXT_TOKENS,
              "pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    (FOLDER / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")
    lengths = [len(tokenizer.encode(text).ids) for text in texts]
    print("entries", tokenizer.get_vocab_size(), "mean tokens", sum(lengths) / len(lengths), "longest", max(lengths))


if __name__ == "__main__":
    main()
