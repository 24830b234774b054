"""The text of models/starter/README.md, from the exported files, the training logs and the scores."""

from training.score_text import score_section

STAGE_NAMES = {
    "autoencoder": "autoencoder, crops of 64 × 64 of scenes at half size", "text": "text encoder, captions",
    "base-small": "base, first checkpoint (kept as a start)", "base": "base", "distil": "guidance",
    "adapter-baroque-space-opera": "adapter baroque-space-opera", "adapter-blueprint": "adapter blueprint",
    "adapter-woodcut": "adapter woodcut", "adapter-stained-glass": "adapter stained-glass",
    "adapter-night-neon": "adapter night-neon", "decoder": "decoder at native size, crops of 128 × 128",
}

# Until training.score has been run for the weights.
PROBED = """`python -m training.probe --count 48` (held-out scenes, 8 steps, guidance 3.5; pictures compared with the generator's own as 8 × 8
mean colours): a picture is nearer to its own scene than to another one in 82 % of the pairs (50 % for shuffled captions), and
its own scene is the nearest of all 48 for 35 % of the pictures (2 %). Layout and colour, then; shapes are not in this figure."""

TEXT = """# Atelier's starter model

A small text-to-image model in FLUX.1's format: same architecture, file layout, sampler and embedded guidance, about a
thousandth of the size. It exists so that a fresh clone can draw a picture on any processor. It is **this project's own**:
trained from nothing on pictures and captions that `training/scenes` draws, with no downloaded weights and no downloaded
data. It is **not FLUX.1**, **not ArsMachina's weights**, and has seen **no photographs and no faces of people**: its people
are drawn from shapes.

## What it is
| Part | Form | Parameters |
|---|---|---|
| `transformer` | `FluxTransformer2DModel`: 2 double and 4 single blocks, hidden 256 (2 heads × 128), RoPE 16/56/56, guidance embedded | {transformer:,} |
| `text_encoder_2` | `T5EncoderModel`: 3 layers, width 256, gated GELU; its mean over tokens is the pooled projection | {text_encoder_2:,} |
| `vae` | `AutoencoderTiny` (TAEF1's layout): 16 channels of mean 0 and variance 1; the decoder draws 16 pixels per latent, the encoder reads the picture at half that size | {vae:,} |
| `tokenizer_2` | lower-case BPE on words and punctuation | – |

Native size 256 × 256 (64 tokens of 32 × 32 pixels) and the same area at other shapes (multiples of 32, ratios 0.6 to 1.67); the
engine enlarges to the size asked for. Prompts up to 128 tokens, padded to a multiple of 8 and read without an attention mask. Guidance 1 to 10 in one pass per step.

`../adapters/`: LoRAs of rank 8 on every attention and MLP product, in the public diffusers layout, for the styles
`baroque-space-opera`, `blueprint`, `woodcut`, `stained-glass` and `night-neon`.

## Data
Scenes with planets, rings, moons, nebulae, ships, palaces, towers, arches, columns, landscapes, clouds, people in gowns,
armour and space suits, helmets, flowers and frames, each with exact captions in several phrasings. Everything is a function
of a seed.

## Training and cost
Pictures seen, by stage (about three hours on two processor cores in bfloat16 that eight others used at the same time, then an
hour and a half on one, then forty minutes and at last ninety of one's time; the same commands use CUDA when present):

| Stage | Pictures |
|---|---|
{stages}

Last trained {date}. How to repeat or continue it: [training/README.md](../../training/README.md).

## Scores
{scores}

## Limits
It knows the generator's vocabulary and nothing else, and it is undertrained: the loss was still falling when the time was over
([what the same prompts drew meanwhile](../../docs/gallery/README.md#while-it-was-trained)). Sky, ground, palette, kind of subject
and most colours follow the prompt, counts up to three mostly; "left of" and "right of" come true in half of the pictures
(`training/score.json`), the other relations nearly always. Shapes are soft, planets are not round, rockets are blots of the right colour,
and hands and faces in full figures are hints. What a prompt leaves open is drawn in the usual way: a planet without a place
stands in the middle. The targets are 0.90 of the ceiling for objects and colours, 0.80 for counts and relations (above); of about
a hundred counts five more or fewer are chance. What the recogniser itself seldom sees (capes, hair, hats) says little. Of the
adapters `night-neon` draws faces badly, and `stained-glass` keeps least of the prompt.

The encoder's own decoder reaches 25.5 dB on held-out scenes at 128 pixels, the shipped one {decoder_psnr} dB at 256 in all styles
(`training.autoencoder` and `training.decoder` print it): nothing is sharper than that. As it was trained it
reached 22.34 dB and hatched pictures of other styles like woodcuts, where the starter's latents are less exact than the encoder's:
a fifth of the weights that it went on from is mixed in again (`training.decoder --mix-in-start 0.2`). The learned enlarger does not beat
Lanczos-3 in both measures (above; its "decoded" rows are of the decoder shipped before this one): the engine enlarges with Lanczos-3. It draws no photographs and no real people.

## Licence and files
Apache-2.0, as the project.

| File | Bytes | SHA-256 |
|---|---|---|
{files}
"""


def card_text(entries: list[dict], settings: dict, parameters: dict[str, int]) -> str:
    seen = settings["trained"]["imagesSeen"]
    stages = "\n".join(f"| {label} | {seen[name]:,} |" for name, label in STAGE_NAMES.items() if name in seen)
    files = "\n".join(f"| `{entry['path']}` | {entry['sizeBytes']:,} | `{entry['sha256']}` |" for entry in entries)
    psnr = settings["trained"]["decoderPsnr"]
    return TEXT.format(decoder_psnr=psnr, scores=score_section() or PROBED, stages=stages, files=files, date=settings["trained"]["date"], **parameters)
