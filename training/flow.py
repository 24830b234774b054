"""Rectified flow as FLUX.1 uses it: noise levels, time shift, guidance and the Euler sampler."""

import math

import torch

from training.starter_models import predict_velocity

GUIDANCE_RANGE = (1.0, 10.0)


def time_shift_mu(image_tokens: int) -> float:
    """FLUX's shift: linear in the packed image tokens, 0.5 at 256 and 1.15 at 4096."""
    return 0.5 + (1.15 - 0.5) * (image_tokens - 256) / (4096 - 256)


def shift_sigmas(sigmas: torch.Tensor, mu: float) -> torch.Tensor:
    return math.exp(mu) / (math.exp(mu) + (1 / sigmas - 1))


def draw_sigmas(count: int, generator: torch.Generator) -> torch.Tensor:
    """Training noise levels [count], rounded to bfloat16, the precision in which the transformer will see them. One half is
    logit-normal with a fifth uniform, shifted as at the native size; the other half lies near pure noise (median 0.88),
    where so small a picture's layout and colours are decided: without it 2 % of the samples were above 0.95, and things
    took each other's colours."""
    logit_normal = torch.sigmoid(torch.randn(count, generator=generator))
    uniform = torch.rand(count, generator=generator)
    mixed = torch.where(torch.rand(count, generator=generator) < 0.2, uniform, logit_normal).clamp(0.002, 0.998)
    near_noise = torch.rand(count, generator=generator) < 0.5
    return torch.where(near_noise, shift_sigmas(logit_normal, 2.0), shift_sigmas(mixed, 0.5)).to(torch.bfloat16).float()


def noisy(packed: torch.Tensor, sigmas: torch.Tensor, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """(x_sigma, velocity target) for clean packed latents [batch, tokens, 64]."""
    noise = torch.randn(packed.shape, generator=generator)
    levels = sigmas[:, None, None]
    return (1 - levels) * packed + levels * noise, noise - packed


def guidance_strength(guidance: torch.Tensor) -> torch.Tensor:
    """The scale a caller gives (1 to 10) to the strength used: 1 -> 2, 3.5 -> 3.1, 7.5 -> 4.9, 10 -> 6. Without guidance a
    model of this size draws mush, and above about 6 it burns: every scale lies between."""
    return 2 + 4 / 9 * (guidance - 1)


def rescale(guidance: torch.Tensor) -> torch.Tensor:
    """How much of the added contrast is taken back: 0.7 at scale 1, 0.35 at 10, so that the scale is seen."""
    return 0.7 - 0.35 / 9 * (guidance - 1)


def guided_velocity(noisy_latents, sigmas, conditional, unconditional, guidance) -> torch.Tensor:
    """Classifier-free guidance with its predicted picture rescaled towards the conditional one's contrast."""
    strength, back = guidance_strength(guidance)[:, None, None], rescale(guidance)[:, None, None]
    levels = sigmas[:, None, None].clamp(min=0.02)
    guided = unconditional + strength * (conditional - unconditional)
    picture, reference = noisy_latents - levels * guided, noisy_latents - levels * conditional
    ratio = reference.std(dim=(1, 2), keepdim=True) / picture.std(dim=(1, 2), keepdim=True)
    picture = picture * (1 + back * (ratio - 1))
    return (noisy_latents - picture) / levels


@torch.no_grad()
def sample(transformer, text, unconditional_text, noise, positions, steps: int, guidance: float) -> torch.Tensor:
    """Euler from pure noise [batch, tokens, 64] to latents. With `unconditional_text` guidance is true
    classifier-free guidance (two passes a step), otherwise the embedded one."""
    tokens, device = noise.shape[1], noise.device
    sigmas = shift_sigmas(torch.linspace(1, 1 / steps, steps), time_shift_mu(tokens)).tolist() + [0.0]
    scale = torch.full((len(noise),), guidance, device=device)
    dtype = next(transformer.parameters()).dtype
    packed = noise
    for sigma, following in zip(sigmas, sigmas[1:]):
        levels = torch.full((len(noise),), sigma, device=device)
        inputs = (packed.to(dtype), levels.to(dtype), scale.to(dtype))
        velocity = predict_velocity(transformer, *inputs, text, positions).float()
        if unconditional_text is not None:
            empty = predict_velocity(transformer, *inputs, unconditional_text, positions).float()
            velocity = guided_velocity(packed, levels, velocity, empty, scale)
        packed = packed + (following - sigma) * velocity
    return packed
