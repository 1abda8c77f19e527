"""What colour skin is, from how much melanin and blood it holds.

Two layers: an epidermis that absorbs by melanin and is crossed twice, over a dermis that scatters light and absorbs by
blood. The spectrum is integrated to linear sRGB; a perfect reflector is white.

Sources: absorption of melanin and of bloodless skin and reduced scattering, Jacques, "Skin Optics" (1998) and "Optical
properties of biological tissues: a review", Phys. Med. Biol. 58 (2013); molar extinction of haemoglobin, Prahl's
compilation (1999); diffuse reflectance of a half space, Jensen et al., "A Practical Model for Subsurface Light
Transport", SIGGRAPH 2001; colour matching functions, Wyman et al., "Simple Analytic Approximations to the CIE XYZ Color
Matching Functions", JCGT 2 (2013).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["BLOOD_RANGE", "MELANIN_RANGE", "skin_color", "skin_composition", "skin_table"]

MELANIN_RANGE = (0.008, 0.42)
"""Volume share of melanosomes in the epidermis, from very light to very dark skin."""
BLOOD_RANGE = (0.002, 0.09)
"""Volume share of blood in the dermis, from pale to flushed; lips lie above the middle."""
TABLE_STEPS = 64

_WAVELENGTHS = np.arange(400.0, 701.0, 10.0)
_OXYGENATED = np.array(  # cm^-1 per mole and litre
    (
        *(
            266232,
            466840,
            480360,
            246072,
            102580,
            62816,
            44480,
            33209,
            26629,
            23684,
            20932,
            20035,
            24202,
            39956,
        ),
        *(53236, 43016, 32613, 44496, 50104, 14400, 3200, 1506, 942, 610, 442, 368, 320, 294, 278, 276, 290),
    )
)
_DEOXYGENATED = np.array(
    (
        *(
            223296,
            303956,
            407560,
            528600,
            413280,
            103292,
            23388,
            16156,
            14550,
            16684,
            20862,
            25773,
            31589,
            39036,
        ),
        *(
            46592,
            53412,
            53788,
            45072,
            37020,
            28324,
            14677,
            9443,
            6509,
            5148,
            4345,
            3750,
            3226,
            2795,
            2407,
            2051,
        ),
        1794,
    )
)
_SATURATION = 0.75
_HAEMOGLOBIN_MOLAR = 150 / 64500
_EPIDERMIS_CM = 0.006
_PATH = 2.2  # down and up again, at oblique angles
_BOUNDARY = 2.95  # internal reflection of an index of 1.4
_DERMIS_SHARE = 0.45  # collagen absorbs less than the mean of bloodless skin, which includes keratin
_HORNY = 0.022  # scattered back by the horny layer before any pigment is met
Array = NDArray[np.floating[Any]]


def skin_color(melanin: Array | float, blood: Array | float) -> Array:
    """(..., 3) linear sRGB in [0,1] of skin with these shares; cost: 31 wavelengths for each value."""
    melanin, blood = np.broadcast_arrays(np.asarray(melanin, float), np.asarray(blood, float))
    nm = _WAVELENGTHS
    bloodless = 0.244 + 85.3 * np.exp(-(nm - 154) / 66.2)
    pigment = 6.6e11 * nm**-3.33
    haemoglobin = 2.303 * _HAEMOGLOBIN_MOLAR * (_SATURATION * _OXYGENATED + (1 - _SATURATION) * _DEOXYGENATED)
    epidermis = melanin[..., None] * pigment + (1 - melanin[..., None]) * bloodless
    dermis = blood[..., None] * haemoglobin + _DERMIS_SHARE * (1 - blood[..., None]) * bloodless
    scattering = 46 * (nm / 500) ** -1.42
    albedo = scattering / (scattering + dermis)
    depth = np.sqrt(3 * (1 - albedo))
    below = albedo / 2 * (1 + np.exp(-4 / 3 * _BOUNDARY * depth)) * np.exp(-depth)
    spectrum = np.exp(-_PATH * _EPIDERMIS_CM * epidermis) * below
    result: Array = np.clip((_HORNY + (1 - _HORNY) * spectrum) @ _sensors(), 0, 1)
    return result


@lru_cache(maxsize=1)
def skin_table() -> Array:
    """(64, 64, 3) linear sRGB over melanin (rows) and blood, both in equal steps of their cube roots' ranges."""
    steps = np.linspace(0, 1, TABLE_STEPS)
    melanin, blood = np.meshgrid(share(steps, MELANIN_RANGE), share(steps, BLOOD_RANGE), indexing="ij")
    return skin_color(melanin, blood)


def share(level: Array | float, span: tuple[float, float]) -> Array:
    """Level in [0,1] -> volume share: equal steps of the level look about equally large."""
    low, high = np.cbrt(span[0]), np.cbrt(span[1])
    result: Array = np.asarray((low + (high - low) * np.asarray(level, float)) ** 3)
    return result


def skin_composition(color: Array) -> tuple[float, float]:
    """Linear sRGB (3,) -> levels of melanin and blood in [0,1] whose colour comes nearest, by logarithms."""
    table = np.log(skin_table() + 1e-3)
    wanted = np.log(np.asarray(color, float) + 1e-3)
    # Brightness of the light is not the skin's: it counts less than the ratios of the channels.
    difference = table - wanted
    common = difference.mean(-1, keepdims=True)
    distance = ((difference - common) ** 2).sum(-1) + 0.6 * (common[..., 0] ** 2)
    row, column = np.unravel_index(int(distance.argmin()), distance.shape)
    return float(row) / (TABLE_STEPS - 1), float(column) / (TABLE_STEPS - 1)


@lru_cache(maxsize=1)
def _sensors() -> Array:
    """(31, 3): a spectrum times this is linear sRGB, a flat one gives white."""
    nm = _WAVELENGTHS

    def lobe(center: float, below: float, above: float) -> Array:
        width = np.where(nm < center, below, above)
        result: Array = np.exp(-0.5 * ((nm - center) * width) ** 2)
        return result

    xyz = np.stack(
        [
            0.362 * lobe(442.0, 0.0624, 0.0374)
            + 1.056 * lobe(599.8, 0.0264, 0.0323)
            - 0.065 * lobe(501.1, 0.0490, 0.0382),
            0.821 * lobe(568.8, 0.0213, 0.0247) + 0.286 * lobe(530.9, 0.0613, 0.0322),
            1.217 * lobe(437.0, 0.0845, 0.0278) + 0.681 * lobe(459.0, 0.0385, 0.0725),
        ],
        1,
    )
    to_rgb = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])
    # Under any white light, white paper is white: scale XYZ to that of D65 before turning it into RGB.
    xyz = xyz / xyz.sum(0) * np.array([0.9505, 1.0, 1.0890])
    result: Array = xyz @ to_rgb.T
    return result
