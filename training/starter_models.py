"""The starter's three networks, as diffusers and transformers build them, and how they are run."""

import torch
from diffusers import AutoencoderTiny, FluxTransformer2DModel
from transformers import T5Config, T5EncoderModel

from training.text import PAD_ID, pooled_mean

NATIVE_PIXELS = 256  # side of the square pictures that the shipped weights draw
PIXELS_PER_LATENT = 16  # of the decoder; the encoder reads the same picture at half size
TEXT_WIDTH = 256
HEAD_WIDTH = 64  # of the text encoder
LATENT_CHANNELS = 16
PACKED_CHANNELS = LATENT_CHANNELS * 4


def build_transformer() -> FluxTransformer2DModel:
    """FLUX.1's architecture at hidden size 256 (2 heads × 128): about 9 million parameters.
    Modulations and the last product start at zero, so that training starts from the identity."""
    model = FluxTransformer2DModel(
        patch_size=1, in_channels=PACKED_CHANNELS, num_layers=2, num_single_layers=4,
        attention_head_dim=128, num_attention_heads=2, joint_attention_dim=TEXT_WIDTH,
        pooled_projection_dim=TEXT_WIDTH, guidance_embeds=True, axes_dims_rope=[16, 56, 56],
    )
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear):
            is_modulation = ".norm" in name or name.startswith("norm_out")
            torch.nn.init.xavier_uniform_(module.weight)
            torch.nn.init.zeros_(module.bias)
            if is_modulation or name == "proj_out" or name.endswith("guidance_embedder.linear_2"):
                torch.nn.init.zeros_(module.weight)
    return model


def build_text_encoder(vocabulary_size: int) -> T5EncoderModel:
    """A T5 v1.1 encoder of three layers over our own vocabulary. Its heads start out looking at neighbours: T5's
    bias for distances starts near 0 and hardly moves in so short a training, and an encoder that sees a bag of words
    cannot tell "a blue planet above green hills" from the same with the colours exchanged."""
    encoder = T5EncoderModel(T5Config(
        vocab_size=vocabulary_size, d_model=TEXT_WIDTH, d_kv=HEAD_WIDTH, num_heads=4, d_ff=512, num_layers=3,
        feed_forward_proj="gated-gelu", dropout_rate=0.0, pad_token_id=PAD_ID, eos_token_id=1,
        relative_attention_num_buckets=32, relative_attention_max_distance=128, initializer_factor=1.0,
    ))
    add_neighbour_bias(encoder.encoder.block[0].layer[0].SelfAttention.relative_attention_bias.weight)
    return encoder


@torch.no_grad()
def add_neighbour_bias(bias: torch.Tensor) -> None:
    """Adds to the heads' bias [buckets, heads]: the first sees the word before, the second the two before that, the third the
    three that follow, the fourth everything."""
    following = bias.shape[0] // 2  # buckets of words behind, from here on of words ahead
    bias[1, 0] += 5
    bias[2, 1] += 5
    bias[3, 1] += 4
    bias[following + 1 : following + 4, 2] += 4


def build_autoencoder() -> AutoencoderTiny:
    """TAEF1's layout (f8, 16 channels) with fewer channels: 256 × 256 decodes in about 0.1 s on two cores."""
    return AutoencoderTiny(
        latent_channels=LATENT_CHANNELS, encoder_block_out_channels=[48, 48, 48, 48],
        decoder_block_out_channels=[48, 48, 48, 48], num_encoder_blocks=[0, 0, 2, 3],
        num_decoder_blocks=[3, 3, 2, 0], scaling_factor=1.0, shift_factor=0.0,
    )


def build_shipped_autoencoder() -> AutoencoderTiny:
    """The same encoder and latents with a decoder that doubles once more: 16 pixels per latent. The encoder reads a
    picture at half the size that the decoder draws."""
    return AutoencoderTiny(
        latent_channels=LATENT_CHANNELS, encoder_block_out_channels=[48] * 4, decoder_block_out_channels=[48] * 5,
        num_encoder_blocks=[0, 0, 2, 3], num_decoder_blocks=[3, 3, 2, 0, 0], scaling_factor=1.0, shift_factor=0.0,
    )


def pixels_per_latent(autoencoder: AutoencoderTiny) -> int:
    """16 for the shipped decoder, 8 for the one that the encoder was trained with."""
    return 2 ** (len(autoencoder.config.decoder_block_out_channels) - 1)


def encode_pictures(autoencoder: AutoencoderTiny, pictures: torch.Tensor) -> torch.Tensor:
    """Latents [batch, 16, …] of pictures [batch, 3, height, width] in -1…1 at the size that the decoder draws."""
    if pixels_per_latent(autoencoder) == 16:
        pictures = torch.nn.functional.avg_pool2d(pictures, 2)
    return autoencoder.encoder(pictures)


def encode_text(text_encoder: T5EncoderModel, input_ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids [batch, tokens] -> (token states [batch, tokens, 256], pooled mean [batch, 256]).
    No attention mask over padding, as FluxPipeline does."""
    states = text_encoder(input_ids=input_ids, attention_mask=torch.ones_like(input_ids)).last_hidden_state
    return states, pooled_mean(states, input_ids)


def pack_latents(latents: torch.Tensor) -> torch.Tensor:
    """[batch, 16, height, width] -> [batch, height/2 * width/2, 64], as FluxPipeline packs."""
    batch, channels, height, width = latents.shape
    blocks = latents.view(batch, channels, height // 2, 2, width // 2, 2).permute(0, 2, 4, 1, 3, 5)
    return blocks.reshape(batch, (height // 2) * (width // 2), channels * 4)


def unpack_latents(packed: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Inverse of pack_latents; height and width are those of the latents."""
    batch, _, channels = packed.shape
    blocks = packed.view(batch, height // 2, width // 2, channels // 4, 2, 2).permute(0, 3, 1, 4, 2, 5)
    return blocks.reshape(batch, channels // 4, height, width)


def image_ids(rows: int, columns: int) -> torch.Tensor:
    """Position ids [rows * columns, 3] of packed latents: FluxPipeline's grid."""
    ids = torch.zeros(rows, columns, 3)
    ids[..., 1] = torch.arange(rows)[:, None]
    ids[..., 2] = torch.arange(columns)[None, :]
    return ids.reshape(rows * columns, 3)


def predict_velocity(transformer, packed, sigmas, guidance, text, positions) -> torch.Tensor:
    """One forward pass. packed [batch, tokens, 64], sigmas and guidance [batch], text from encode_text."""
    states, pooled = text
    return transformer(
        hidden_states=packed, encoder_hidden_states=states, pooled_projections=pooled,
        timestep=sigmas, guidance=guidance, img_ids=positions,
        txt_ids=torch.zeros(states.shape[1], 3, device=packed.device), return_dict=False,
    )[0]
