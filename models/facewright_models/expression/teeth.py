"""Where a face's teeth lie: a drawing that tells the networks what comes to light between lips.

Upper teeth stand still with the skull, lower ones follow the lower lip. Widths, heights and the order of sizes are
those of a mean dental arch, seen from ahead. Where a photo shows teeth, the drawing is moved and sized until it lies
over them, so that they go on where they were; and so that networks learn teeth from photos as they are drawn.

Source: Ash & Nelson, "Wheeler's Dental Anatomy" (8th edition), tables of crown measures; the shares that are seen from
ahead after Levin, "Dental esthetics and the golden proportion" (1978).
"""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float64, UInt8
from numpy.typing import NDArray

from facewright_models.landmarks.closer.model import cut
from facewright_models.landmarks.crops import apply, inverse

__all__ = ["drawn_teeth", "found_teeth", "mirrored_teeth", "usual_teeth"]

Matrix = NDArray[np.float64]

_EYES_MM = 68.0
"""Between the eyes of a face that has teeth of these sizes: a little more than is usual, as photos asked for."""
_BELOW_NOSE = 0.445
"""From the nose's base at rest to the edges of upper incisors, in the distance of the eyes: photos of people whose
smile shows teeth say so, laid over those at rest.
"""
_UPPER = (
    (8.5, 13.5, 0.0),
    (6.5, 12.0, -0.7),
    (6.0, 13.0, -0.4),
    (4.8, 11.5, -1.0),
    (4.0, 11.0, -1.6),
    (3.0, 10.0, -2.2),
)
_LOWER = ((5.0, 8.8, 0.0), (5.2, 8.8, 0.0), (4.9, 9.5, -0.3), (3.8, 8.0, 0.8), (3.0, 7.0, 1.6))
"""From the middle to the side: width as it is seen, height and how much lower the edge lies than the first one's, in
mm; upper ones reach 2 mm further up than crowns do, under the lip, since few smiles show gums.
"""
_FURTHER_BACK = (1.0, 0.97, 0.85, 0.65, 0.4, 0.15)
"""How much light reaches each of them: cheeks shade those at the sides, and the corners of a smile are dark."""
_GAP_MM, _PAPILLA_MM, _GUMS_MM = 0.85, 2.0, 20.0
"""Between teeth; how far gums reach down between them; and up, to any lip."""
_LOWER_SHOWN, _BEHIND = 0.05, 0.02
"""In the distance of the eyes: how much of lower teeth a lip leaves, and how far below the upper ones they are seen."""
_LOWER_LIGHT, _BETWEEN_LIGHT, _GUMS_LIGHT = 0.5, 0.48, 0.15
"""Beside the front of upper teeth: lower ones lie further back; gaps show the sides of teeth; gums are red."""
_TONGUE_LIGHT, _TONGUE_MM = 0.022, (6.0, 18.0)
"""The same of a tongue, and how far a lip has to be below the upper teeth for it to be seen a little and wholly."""
_TONGUE_WIDE, _TONGUE_HIGH, _TONGUE_SOFT = 0.4, 0.62, 0.3
"""Halves of it over the mouth's width and over that distance, and over how much of these its border fades."""
_FINE = 4
"""How much larger than it is needed teeth are drawn: gaps are narrower than pixels."""
_LEAST_OPEN = 0.035
"""Of an opening in the distance of the eyes, where teeth can be looked for."""
_PROBE_PX = 96
_ACROSS, _DOWN, _SIZES = np.linspace(-3, 3, 7), np.linspace(-4, 4, 5), (0.88, 1.0, 1.12)
"""In mm, and shares of the usual size: where teeth are looked for at first."""
_FINER = ((0.5, 1.0, 0.04), (0.25, 0.5, 0.02))
_INNER_LIPS = list(range(60, 68))


def usual_teeth(points: Float64[np.ndarray, "K 2"]) -> Matrix:
    """(2, 3): the way from mm beside and below the edges of the middle incisors to the pixels of a photo."""
    right, left = points[36:42].mean(0), points[42:48].mean(0)
    across = (left - right) / _EYES_MM
    down = np.array([-across[1], across[0]])
    start = points[33] + _EYES_MM * _BELOW_NOSE * down
    return np.stack([across, down, start], 1)


def found_teeth(pixels: UInt8[np.ndarray, "H W 3"], points: Float64[np.ndarray, "K 2"]) -> Matrix | None:
    """The same of teeth that the photo shows: where they look most like their drawing; None where lips are closed."""
    usual = usual_teeth(points)
    lips = points[_INNER_LIPS]
    unit = float(np.hypot(*usual[:, 0])) * _EYES_MM
    heights = np.hypot(*(lips[[1, 2, 3]] - lips[[7, 6, 5]]).T)
    if heights.max() < _LEAST_OPEN * unit:
        return None
    low, high = lips.min(0), lips.max(0)
    step = max(float((high - low).max()) / (_PROBE_PX - 12), 1e-6)
    photo_from_probe = np.array([[step, 0, 0], [0, step, 0]])
    photo_from_probe[:, 2] = (low + high) / 2 - step * _PROBE_PX / 2
    probe_from_photo = inverse(photo_from_probe)
    seen = cv2.cvtColor(cut(pixels, photo_from_probe, _PROBE_PX), cv2.COLOR_RGB2GRAY)
    inside = np.zeros((_PROBE_PX, _PROBE_PX), np.uint8)
    placed = apply(probe_from_photo, lips)
    cv2.fillPoly(inside, [np.round(16 * placed).astype(np.int32)], 1, cv2.LINE_8, 4)
    shown = inside.astype(bool)
    light = seen[shown].astype(np.float64)
    if not light.size or light.std() < 1e-6:
        return None
    light = (light - light.mean()) / light.std()

    def likeness(place: tuple[float, float, float]) -> float:
        drawing = np.zeros((_PROBE_PX, _PROBE_PX), np.uint8)
        _draw(drawing, _UPPER_ROW, _shifted(usual, place), probe_from_photo, _ALL_LIT)
        upper = drawing[shown] / 255
        alike = (light * (upper - upper.mean())).mean() / max(float(upper.std()), 0.1)
        strange = (place[0] / 2) ** 2 + (place[1] / 2.5) ** 2 + ((place[2] - 1) / 0.08) ** 2
        return float(alike) - 0.05 * strange

    places = [(float(x), float(y), float(size)) for x in _ACROSS for y in _DOWN for size in _SIZES]
    best = max(places, key=likeness)
    for x, y, size in _FINER:
        near = [
            (best[0] + i * x, best[1] + j * y, best[2] + k * size)
            for i in (-1, 0, 1)
            for j in (-1, 0, 1)
            for k in (-1, 0, 1)
        ]
        best = max(near, key=likeness)
    return _shifted(usual, best)


def drawn_teeth(
    photo_from_teeth: Matrix,
    points: Float64[np.ndarray, "K 2"],
    photo_from_region: Matrix,
    side_px: int,
) -> NDArray[np.float32]:
    """(S, S), from 0 to 1: upper teeth, darker the lower ones, and hardly the tongue of a face whose lips are where
    `points` say; what lips hide is drawn too.
    """
    large_from_photo = _FINE * inverse(photo_from_region)
    large_from_photo[:, 2] += (_FINE - 1) / 2
    drawing = np.zeros((_FINE * side_px, _FINE * side_px), np.uint8)
    lip = float(apply(inverse(photo_from_teeth), points[[66]])[0, 1])
    edge = lip - _LOWER_SHOWN * _EYES_MM
    if edge > _BEHIND * _EYES_MM:
        for outlines, lights in _lit_row(_LOWER, edge, -1.0, _LOWER_LIGHT):
            _draw(drawing, outlines, photo_from_teeth, large_from_photo, lights)
    for outlines, lights in _UPPER_LIT:
        _draw(drawing, outlines, photo_from_teeth, large_from_photo, lights)
    small = cv2.resize(drawing, (side_px, side_px), interpolation=cv2.INTER_AREA)
    tongue = _tongue(photo_from_teeth, points, photo_from_region, side_px)
    return np.asarray(np.maximum(small / np.float32(255), tongue), np.float32)


def mirrored_teeth(teeth: Matrix, width_px: int) -> Matrix:
    """The same in a photo's mirror image."""
    mirrored = np.diag([-1.0, 1.0]) @ teeth @ np.diag([-1.0, 1.0, 1.0])
    mirrored[0, 2] += width_px - 1
    return np.asarray(mirrored)


def _tongue(
    photo_from_teeth: Matrix, points: NDArray[np.float64], photo_from_region: Matrix, side_px: int
) -> NDArray[np.float32]:
    """(S, S): it lies behind the lower lip, in front of the dark, of a mouth that is wide open."""
    right, left, lip = apply(inverse(photo_from_teeth), points[[60, 64, 66]])
    down = float(lip[1])
    seen = float(np.clip((down - _TONGUE_MM[0]) / (_TONGUE_MM[1] - _TONGUE_MM[0]), 0, 1))
    if not seen:
        return np.zeros((side_px, side_px), np.float32)
    y, x = np.mgrid[:side_px, :side_px].astype(np.float64)
    pixels = np.stack([x.ravel(), y.ravel()], 1)
    places = apply(inverse(photo_from_teeth), apply(photo_from_region, pixels)) - [0, down]
    wide, high = _TONGUE_WIDE * max(abs(float(left[0] - right[0])), 1.0), _TONGUE_HIGH * down
    away = np.hypot(places[:, 0] / wide, places[:, 1] / high)
    mask = np.clip((1 + _TONGUE_SOFT - away) / (2 * _TONGUE_SOFT), 0, 1)
    return np.asarray(_TONGUE_LIGHT * seen * mask.reshape(side_px, side_px), np.float32)


def _row(sizes: tuple[tuple[float, float, float], ...], edge: float, up: float) -> NDArray[np.float64]:
    """(T, 8, 2), in mm: outlines of the teeth of both sides."""
    outlines, start = [], 0.0
    for width, height, lower in sizes:
        left, right = start + _GAP_MM / 2, start + width - _GAP_MM / 2
        low, high = edge + lower, edge + lower - up * height
        round_off = 0.18 * (right - left)
        outline = np.array(
            [
                (left, low - up * round_off),
                (left + round_off, low),
                (right - round_off, low),
                (right, low - up * 1.3 * round_off),
                (right - 0.4 * round_off, high + up * 2 * round_off),
                ((left + right) / 2 + round_off, high),
                ((left + right) / 2 - round_off, high),
                (left + 0.4 * round_off, high + up * 2 * round_off),
            ]
        )
        outlines += [outline, outline * [-1, 1]]
        start += width
    return np.stack(outlines)


def _beside(
    sizes: tuple[tuple[float, float, float], ...], edge: float, up: float, spans: list[tuple[float, float]]
) -> NDArray[np.float64]:
    """(T, 4, 2), in mm: as wide as the same teeth with their gaps, from so far above their edges to so far."""
    outlines, start = [], 0.0
    for (width, _, lower), (near, far) in zip(sizes, spans, strict=True):
        low, high = edge + lower - up * near, edge + lower - up * far
        outline = np.array([(start, low), (start + width, low), (start + width, high), (start, high)])
        outlines += [outline, outline * [-1, 1]]
        start += width
    return np.stack(outlines)


def _lit_row(
    sizes: tuple[tuple[float, float, float], ...], edge: float, up: float, light: float
) -> tuple[tuple[NDArray[np.float64], tuple[int, ...]], ...]:
    """What is drawn of a row, one over the other: outlines and how bright each is, from 0 to 255."""
    reached = [255 * light * share for share in _FURTHER_BACK[: len(sizes)] for _ in (0, 1)]
    between = [(0.18 * width, height) for width, height, _ in sizes]
    gums = [(height - _PAPILLA_MM, height + _GUMS_MM) for _, height, _ in sizes]
    return tuple(
        (outlines, tuple(round(each * share) for each in reached))
        for outlines, share in (
            (_beside(sizes, edge, up, between), _BETWEEN_LIGHT),
            (_beside(sizes, edge, up, gums), _GUMS_LIGHT),
            (_row(sizes, edge, up), 1.0),
        )
    )


_UPPER_ROW, _ALL_LIT = _row(_UPPER, 0.0, 1.0), (255,) * (2 * len(_UPPER))
_UPPER_LIT = _lit_row(_UPPER, 0.0, 1.0, 1.0)


def _draw(
    drawing: NDArray[np.uint8],
    outlines: NDArray[np.float64],
    photo_from_teeth: Matrix,
    region_from_photo: Matrix,
    lights: tuple[int, ...],
) -> None:
    placed = apply(region_from_photo, apply(photo_from_teeth, outlines.reshape(-1, 2)))
    shapes = np.round(16 * placed).astype(np.int32).reshape(outlines.shape)
    for outline, light in zip(shapes, lights, strict=True):
        cv2.fillPoly(drawing, [outline], light, cv2.LINE_8, 4)


def _shifted(teeth: Matrix, place: tuple[float, float, float]) -> Matrix:
    """Teeth that lie so many mm across and down, and are so many times as large."""
    across, down, size = place
    moved = teeth.copy()
    moved[:, 2] += teeth[:, :2] @ np.array([across, down])
    moved[:, :2] *= size
    return moved
