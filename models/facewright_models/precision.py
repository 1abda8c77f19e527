"""Which number formats a device multiplies fast."""

from __future__ import annotations

from pathlib import Path

import torch

__all__ = ["has_fast_bfloat16"]


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 beats float32: on GPUs, and on processors with instructions for it (AMX, AVX512-BF16).

    Elsewhere it is emulated and takes two to four times as long.
    """
    if device.type != "cpu":
        return True
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:  # not Linux
        return False
    return "amx_bf16" in flags or "avx512_bf16" in flags
