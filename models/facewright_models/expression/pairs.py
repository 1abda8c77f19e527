"""Pairs of shots as training samples: regions of A, the same regions of B, and by how much their degrees differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facewright_models.expression.guide import MovedFace, openings
from facewright_models.expression.network import Told
from facewright_models.expression.ratio_images import RatioImages
from facewright_models.expression.regions import Half, Region, between, contours, region_of
from facewright_models.expression.shots import Shot
from facewright_models.expression.still_points import laid_over, similarity
from facewright_models.expression.types import DEGREES
from facewright_models.landmarks.closer.model import cut
from facewright_models.landmarks.crops import apply, inverse

__all__ = ["PairBatch", "sample_of"]

Matrix = NDArray[np.float64]

_STRAY, _SCALE, _TILT = 0.02, 0.03, 0.03
_MARKED = 0.006
"""By how much two markings of one landmark differ, in the distance of the eyes."""
_EXPOSED = 1.5
"""By how much cameras expose one face differently, at most."""
_AROUND_PX, _RENDERED_LIDS = 13, 0.3
"""How wide lids of a rig are, which are learnt from that much."""
_SEEN_MOST = (tuple(range(36, 42)), tuple(range(42, 48)), tuple(range(48, 60)))
_SMILE = DEGREES.index("smile")
_EYES = (DEGREES.index("right_eye"), DEGREES.index("left_eye"))


@dataclass(frozen=True, kw_only=True)
class PairBatch:
    """Regions of A with contours (B, 5, S, S), of B (B, 3, S, S) in A's frame, in [0, 1]; either region's guide from A
    to B, `moved` (B, 2, S, S) and `drawn` (B, 5, S, S), and how light is known to change in the coarse one
    (B, 1, S, S); where it `matters` (B, 1, S, S) most that the fine region is like B, and where it is `known`
    (B, 1, S, S) what that is; the way from fine to coarse (B, 2, 3); degrees (B, 8) of A and B for either region; key
    points (B, 2, 68, 2) of A and B in places of either region.
    """

    coarse_a: Tensor
    coarse_b: Tensor
    fine_a: Tensor
    fine_b: Tensor
    coarse_moved: Tensor
    coarse_drawn: Tensor
    coarse_light: Tensor
    fine_moved: Tensor
    fine_drawn: Tensor
    matters: Tensor
    known: Tensor
    coarse_from_fine: Tensor
    degrees_a: Tensor
    degrees_b: Tensor
    closely_a: Tensor
    closely_b: Tensor
    coarse_points: Tensor
    fine_points: Tensor

    def told(self, asked: Tensor) -> Told:
        """What is wanted of the coarse region."""
        return Told(asked=asked, moved=self.coarse_moved, drawn=self.coarse_drawn, light=self.coarse_light)

    def told_closely(self, asked: Tensor) -> Told:
        """What is wanted of the fine region."""
        return Told(asked=asked, moved=self.fine_moved, drawn=self.fine_drawn)

    @classmethod
    def of(cls, samples: Sequence[PairBatch]) -> PairBatch:
        """All samples, which must be of one half, together."""
        together = (
            (field.name, torch.cat([getattr(sample, field.name) for sample in samples]))
            for field in fields(cls)
        )
        return cls(
            **{
                name: values.contiguous(memory_format=torch.channels_last) if values.ndim == 4 else values
                for name, values in together
            }
        )


def sample_of(
    a: Shot,
    b: Shot,
    half: Half,
    fine: Region,
    rng: np.random.Generator,
    expected: NDArray[np.float64] | None = None,
    ratios: RatioImages | None = None,
) -> PairBatch:
    """A batch of one. A and B show one person; the regions stray a little, light and colour of both change alike. Skin
    is as bright in B as in A: cameras expose each shot anew, and no expression asks for that.

    The guide leads to landmarks that are `expected` (68, 2) in A, or else to those of B, less what two markings of one
    face differ by. `ratios` know how light changes.
    """
    b_from_a = similarity(a.points, b.points)
    stray = _strayed(rng)
    light = _light(rng)
    goal = expected if expected is not None else _strayed_points(laid_over(a.points, b.points)[:68], rng)
    moved = MovedFace(a.points, goal, half, _teeth(a, b, b_from_a))
    pictures, places, guides = {}, {}, {}
    brighter = np.ones(3, np.float32)
    for name, region in (("coarse", half.coarse), ("fine", fine)):
        a_from_region = _compose(region_of(a.points, region), _scaled(stray, region.side_px))
        b_from_region = (b_from_a @ np.concatenate([a_from_region, [[0, 0, 1]]]))[:2]
        lines = contours(a.points, a_from_region, region)
        guides[name] = moved.guide(region, a_from_region)
        cut_a, cut_b = (
            cut(shot.pixels, matrix, region.side_px)
            for shot, matrix in ((a, a_from_region), (b, b_from_region))
        )
        if name == "coarse":
            brighter = _brighter(cut_a, cut_b, apply(inverse(a_from_region), a.points[:68]))
        seen_a, seen_b = light(cut_a, a.light), light(cut_b, a.light / brighter)
        pictures[name] = (np.concatenate([seen_a, lines], -1), seen_b)
        points = np.stack(
            [apply(inverse(m), s.points[:68]) for s, m in ((a, a_from_region), (b, b_from_region))]
        )
        places[name] = (a_from_region, ((2 * points + 1) / region.side_px - 1))
    swapped = fine.window.is_mirrored
    return PairBatch(
        coarse_a=_picture(pictures["coarse"][0]),
        coarse_b=_picture(pictures["coarse"][1]),
        fine_a=_picture(pictures["fine"][0]),
        fine_b=_picture(pictures["fine"][1]),
        coarse_moved=_numbers(guides["coarse"].moved),
        coarse_drawn=_numbers(guides["coarse"].drawn),
        coarse_light=_numbers(_light_of(half, ratios, a, b.degrees, goal, places["coarse"][0])[None]),
        fine_moved=_numbers(guides["fine"].moved),
        fine_drawn=_numbers(guides["fine"].drawn),
        matters=_numbers(_matters(places["fine"][1], fine.side_px)[None]),
        known=_numbers(_known(b, places["fine"][1][1], guides["fine"].drawn, expected, half)[None]),
        coarse_from_fine=_numbers(
            between(places["fine"][0], fine.side_px, places["coarse"][0], half.coarse.side_px)
        ),
        degrees_a=_numbers(a.degrees),
        degrees_b=_numbers(b.degrees),
        closely_a=_numbers(_seen_so(a.degrees, swapped=swapped)),
        closely_b=_numbers(_seen_so(b.degrees, swapped=swapped)),
        coarse_points=_numbers(places["coarse"][1]),
        fine_points=_numbers(places["fine"][1]),
    )


def _light_of(
    half: Half,
    ratios: RatioImages | None,
    a: Shot,
    degrees: NDArray[np.float64],
    goal: NDArray[np.float64],
    a_from_region: Matrix,
) -> NDArray[np.float32]:
    """(S, S): how light is known to change in the coarse region of A when its degrees (8,) become those of B."""
    side = half.coarse.side_px
    if ratios is None or "smile" not in half.degrees:
        return np.ones((side, side), np.float32)
    smiles = float(a.degrees[_SMILE]), float(degrees[_SMILE])
    return ratios.light(a.points, goal, a_from_region, side, smiles)


def _brighter(a: NDArray[np.uint8], b: NDArray[np.uint8], points: NDArray[np.float64]) -> NDArray[np.float32]:
    """(3,): by how much the face in region B (S, S, 3) is brighter than in A, where its landmarks (68, 2) lie."""
    face = np.zeros(a.shape[:2], np.uint8)
    cv2.fillConvexPoly(face, cv2.convexHull(np.round(points).astype(np.int32)), 1)
    shown = face.astype(bool)
    if not shown.any():
        return np.ones(3, np.float32)
    ratios = (b[shown].astype(np.float32) + 1) / (a[shown].astype(np.float32) + 1)
    return np.asarray(np.median(ratios, 0).clip(1 / _EXPOSED, _EXPOSED), np.float32)


def _teeth(a: Shot, b: Shot, b_from_a: Matrix) -> Matrix | None:
    """Where they are seen in B, as it lies in A, or else in A."""
    if b.teeth is None:
        return a.teeth
    return np.asarray((np.linalg.inv(b_from_a) @ np.concatenate([b.teeth, [[0, 0, 1]]]))[:2])


def _strayed_points(points: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    unit = float(np.hypot(*(points[42:48].mean(0) - points[36:42].mean(0))))
    return points + rng.normal(0, _MARKED * unit, points.shape)


def _matters(places: NDArray[np.float64], side: int) -> NDArray[np.float32]:
    """(S, S), from 0 to 1: the lips and eyes of A or B (2, 68, 2), and what surrounds them closely."""
    shown = np.zeros((side, side), np.uint8)
    for points in (places + 1) * (side / 2) - 0.5:
        for ring in _SEEN_MOST:
            cv2.fillPoly(shown, [np.round(points[list(ring)]).astype(np.int32)], 255)
    grown = cv2.dilate(shown, np.ones((7, 7), np.uint8))
    return np.asarray(cv2.GaussianBlur(grown, (0, 0), 2.5), np.float32) / np.float32(255)


def _known(
    b: Shot,
    places: NDArray[np.float64],
    drawn: NDArray[np.float32],
    expected: NDArray[np.float64] | None,
    half: Half,
) -> NDArray[np.float32]:
    """(S, S), from 0 to 1: how well B, whose landmarks (68, 2) lie there, shows what a guide's drawings (5, S, S) ask
    for: not where only one of both has an opening, nor in mouths of a rig, and little around its eyes, whose lashes
    and lids are coarser than those of people.
    """
    side = drawn.shape[-1]
    known = np.ones((side, side), np.float32)
    if expected is not None:
        known -= np.abs(openings((places + 1) * (side / 2) - 0.5, side) - drawn[2])
    if b.is_rendered and half.has_lids:
        around = cv2.dilate(np.maximum(drawn[0], drawn[2]), np.ones((_AROUND_PX, _AROUND_PX), np.uint8))
        known *= 1 - (1 - _RENDERED_LIDS) * around
    elif b.is_rendered:
        known *= (1 - drawn[2]) * (drawn[4] == 0)
    return known


def _picture(pixels: NDArray[np.float32]) -> Tensor:
    """(S, S, C) -> (1, C, S, S)."""
    return torch.from_numpy(pixels).permute(2, 0, 1)[None]


def _numbers(values: NDArray[np.floating]) -> Tensor:
    return torch.from_numpy(values.astype(np.float32))[None]


def _seen_so(degrees: NDArray[np.float64], *, swapped: bool) -> NDArray[np.float64]:
    seen = degrees.copy()
    if swapped:
        seen[list(_EYES)] = seen[list(reversed(_EYES))]
    return seen


def _strayed(rng: np.random.Generator) -> Matrix:
    """(2, 3) in places from -1 to 1."""
    angle, scale = float(rng.normal(0, _TILT)), float(np.exp(rng.normal(0, _SCALE)))
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.concatenate([turn, rng.normal(0, 2 * _STRAY, (2, 1))], 1)


def _scaled(places: Matrix, side_px: int) -> Matrix:
    """The same (3, 3) in pixels of a region."""
    normal = np.array([[2 / side_px, 0, 1 / side_px - 1], [0, 2 / side_px, 1 / side_px - 1], [0, 0, 1]])
    return np.asarray(np.linalg.inv(normal) @ np.concatenate([places, [[0, 0, 1]]]) @ normal)


def _compose(matrix: Matrix, before: Matrix) -> Matrix:
    return np.asarray((np.concatenate([matrix, [[0, 0, 1]]]) @ before)[:2])


def _light(
    rng: np.random.Generator,
) -> Callable[[NDArray[np.uint8], NDArray[np.float32]], NDArray[np.float32]]:
    """A change of exposure, colour and contrast after one that is given: pixels (S, S, 3) uint8 -> [0, 1]."""
    gains = np.exp(rng.normal(0, 0.12) + rng.normal(0, 0.05, 3)).astype(np.float32)
    gamma = float(np.exp(rng.normal(0, 0.15)))
    blur = float(rng.uniform(0, 0.9)) if rng.random() < 0.15 else 0.0
    noise = float(rng.uniform(0, 0.02)) if rng.random() < 0.3 else 0.0

    def seen(pixels: NDArray[np.uint8], usual: NDArray[np.float32]) -> NDArray[np.float32]:
        image = np.minimum(pixels.astype(np.float32) / 255 * usual, 1) ** gamma * gains
        if blur:
            image = cv2.GaussianBlur(image, (0, 0), blur)
        if noise:
            image = image + rng.standard_normal(image.shape, dtype=np.float32) * np.float32(noise)
        return np.asarray(np.clip(image, 0, 1), dtype=np.float32)

    return seen
