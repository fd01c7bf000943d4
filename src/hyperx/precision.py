"""bfloat16 where the hardware computes in it."""

from contextlib import AbstractContextManager

import torch


def has_bf16(device: torch.device) -> bool:
    """Return whether the device multiplies bfloat16 matrices faster than float32 ones."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return False


def autocast(device: torch.device) -> AbstractContextManager[None]:
    """Compute in bfloat16 inside, where `has_bf16`."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=has_bf16(device))
