"""What the backends over EGL have in common."""

from __future__ import annotations

__all__ = ["EGL_HINT", "FAR_METRES", "NEAR_METRES"]

NEAR_METRES, FAR_METRES = 0.05, 10.0
"""Clipping planes. Two backends with the same planes and depth format resolve equal depths alike."""

EGL_HINT = (
    "no EGL driver could be loaded; on Debian or Ubuntu run 'apt-get install libegl1 libgl1 libgl1-mesa-dri' "
    "(other systems: the packages with libEGL and Mesa's software rasteriser)"
)
