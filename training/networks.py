"""Loads the transformer and the text encoder from a stage's checkpoint or from shipped weights."""

from pathlib import Path

import torch
from diffusers import AutoencoderTiny, FluxTransformer2DModel
from tokenizers import Tokenizer
from transformers import T5EncoderModel

from training.stage import WORK, load_checkpoint
from training.starter_models import build_shipped_autoencoder, build_text_encoder, build_transformer
from training.tokenizer import FOLDER as TOKENIZER_FOLDER


def load_tokenizer(weights: Path | None = None) -> Tokenizer:
    folder = weights / "tokenizer_2" if weights else TOKENIZER_FOLDER
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


def new_networks() -> dict[str, torch.nn.Module]:
    """Untrained transformer and text encoder in float32. The guidance embedder stays silent until it is distilled."""
    networks = {"transformer": build_transformer(), "text_encoder": build_text_encoder(load_tokenizer().get_vocab_size())}
    networks["transformer"].time_text_embed.guidance_embedder.requires_grad_(False)
    return networks


def networks_from_weights(weights: Path) -> dict[str, torch.nn.Module]:
    """The shipped networks in float32: models/starter."""
    return {"transformer": FluxTransformer2DModel.from_pretrained(weights / "transformer", torch_dtype=torch.float32),
            "text_encoder": T5EncoderModel.from_pretrained(weights / "text_encoder_2", dtype=torch.float32)}


@torch.no_grad()
def silence_guidance(transformer: FluxTransformer2DModel) -> None:
    """Before the base goes on from distilled weights: what the guidance embedder adds at 1 goes into the bias beside it, and
    the embedder adds nothing until it is distilled anew. Checkpoints of the base do not hold it."""
    embed = transformer.time_text_embed
    last = embed.guidance_embedder.linear_2
    embed.timestep_embedder.linear_2.bias += embed.guidance_embedder(embed.time_proj(torch.tensor([1000.0])))[0]
    torch.nn.init.zeros_(last.weight)
    torch.nn.init.zeros_(last.bias)
    transformer.time_text_embed.guidance_embedder.requires_grad_(False)


def networks_from_checkpoint(name: str, averaged: bool = True) -> dict[str, torch.nn.Module]:
    """Networks of `base` or `distil`, with their moving averages unless told otherwise."""
    networks = new_networks()
    trained = {}
    for stage in ["base"] if name == "base" else ["base", name]:
        if (WORK / f"{stage}.pt").exists():
            trained |= load_checkpoint(stage)["trainer"]["averages" if averaged else "masters"]
    for key, network in networks.items():
        own = {n.removeprefix(f"{key}."): t for n, t in trained.items() if n.startswith(f"{key}.")}
        missing = set(dict(network.named_parameters())) - set(own)
        assert all("guidance_embedder" in n for n in missing), sorted(missing)
        network.load_state_dict(own, strict=False)
    return networks


def load_networks(source: str) -> dict[str, torch.nn.Module]:
    """`source`: the name of a stage (base, distil) or a folder of shipped weights."""
    return networks_from_weights(Path(source)) if Path(source).is_dir() else networks_from_checkpoint(source)


def load_autoencoder(source: str) -> AutoencoderTiny:
    """The autoencoder in float32, its normalisation folded into the encoder. `source`: a folder of shipped weights,
    `autoencoder` for the checkpoint of stage 1, or anything else for what stage 8 made of that, once there is such."""
    if Path(source).is_dir():
        return AutoencoderTiny.from_pretrained(Path(source) / "vae", torch_dtype=torch.float32).eval()
    if source == "autoencoder" or not (WORK / "decoder.pt").exists():
        return _load_small_autoencoder()
    state = load_checkpoint("decoder")
    shipped = build_shipped_autoencoder()
    shipped.encoder.load_state_dict(state["encoder"])
    shipped.decoder.load_state_dict(state["model"])
    return shipped.eval()


def _load_small_autoencoder() -> AutoencoderTiny:
    from training.autoencoder import TrainedAutoencoder

    trained = TrainedAutoencoder()
    trained.load_state_dict(load_checkpoint("autoencoder")["model"])
    trained.fold()
    return trained.model.eval()
