"""The hardware: a GPU where there is one, and bfloat16 where it computes in it."""

import torch
from torch import Tensor


def best_device() -> torch.device:
    """Return the GPU where there is one, else the processor."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def has_bf16(device: torch.device) -> bool:
    """Return whether the device multiplies bfloat16 matrices faster than float32 ones."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return False


def best_dtype(device: torch.device) -> torch.dtype:
    """Return what the device multiplies matrices in fastest, bfloat16 or float32."""
    return torch.bfloat16 if has_bf16(device) else torch.float32


def at_least_float32(tensor: Tensor) -> Tensor:
    """Return a tensor in float32, or in float64 if it is in that."""
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))
