"""The landmark term through the differentiable rig, and the first guess that it gives.

Only for rigs whose mesh is known. The guess is the most probable face given the 68 marked points: sliders,
pose and expression are Gaussian about the average face, the marks are noisy, and the projection is
linearised a few times (Gauss-Newton). It costs a fraction of a second, because the rig evaluates just
those points.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from facewright_models.fitting.types import Check, go_on
from facewright_models.foundry.sampling import (
    ACTION_GROUPS,
    MAX_PITCH_DEGREES,
    MAX_YAW_DEGREES,
    VectorLayout,
)
from facewright_models.look.staging import portrait_camera
from facewright_models.rig import Rig

__all__ = [
    "LANDMARK_WEIGHTS",
    "MARK_NOISE_PX",
    "LandmarkRig",
    "mark_slopes",
    "most_probable_face",
    "moved_marks",
    "nuisance_surprise",
    "prior_spreads",
]

LANDMARK_WEIGHTS = torch.ones(68)
LANDMARK_WEIGHTS[17:27] = 1.4  # a brow too high at its end is a stern face
LANDMARK_WEIGHTS[36:48] = 1.8

MARK_NOISE_PX = torch.full((68, 2), 3.0)
"""Standard deviation of the marks at 512 px, measured on random characters: a jaw point slides along the jaw,
a brow point depends on the style, nose and eyes are marked best."""
MARK_NOISE_PX[:17] = torch.tensor([3.5, 5.0])
MARK_NOISE_PX[6:11] = torch.tensor([5.0, 3.0])
MARK_NOISE_PX[17:27] = torch.tensor([3.5, 4.5])
MARK_NOISE_PX[27:48] = torch.tensor([2.0, 2.5])

_SLIDER_SPREAD = 0.22
_TURN_SPREADS = (0.20, 0.09)  # yaw 8 degrees, pitch 2.5: pitch and the face's height look alike
_ACTION_SPREAD, _SLIGHT_ACTION = 0.30, 0.08
_ROUNDS = 5
_STEP = 0.02


def nuisance_surprise(nuisance: Tensor) -> Tensor:
    """(N,): how unusual pose and expression (N, 2 + actions) are.

    Half the squared distance of the pose from rest, in spreads. Of expressions the logarithm of a heavy-tailed
    density: a tenth of a smile is most often none, and would become the corners of a mouth that hang in the neutral
    frame; a whole smile costs no more than with a normal one.
    """
    turns = 0.5 * ((nuisance[:, :2] - 0.5) / torch.tensor(_TURN_SPREADS)).square().sum(1)
    return turns + torch.log1p(0.5 * (nuisance[:, 2:] / _SLIGHT_ACTION).square()).sum(1)


@dataclass(frozen=True)
class LandmarkRig:
    """The rig's 68 points in frame pixels, as a function of imitator vectors."""

    rig: Rig
    layout: VectorLayout
    size_px: int = 512

    def project(self, vectors: Tensor) -> Tensor:
        """Imitator vectors (N, D) -> landmarks (N, 68, 2) in pixels of the portrait camera."""
        actions = self.rig.schema.facial_actions
        columns = {name: i for i, name in enumerate(actions)}
        expression = vectors.new_zeros(len(vectors), len(actions))
        for group, names in ACTION_GROUPS.items():
            for name in names:
                index = torch.tensor([columns[name]])
                expression = expression.index_add(1, index, vectors[:, self.layout.nuisance[group], None])
        points = self.rig.landmarks(vectors[:, self.layout.sliders], expression)  # (N, 68, 3)
        nuisance = self.layout.nuisance
        yaw = (2 * vectors[:, nuisance["yaw"]] - 1) * math.radians(MAX_YAW_DEGREES)
        pitch = -(2 * vectors[:, nuisance["pitch"]] - 1) * math.radians(MAX_PITCH_DEGREES)
        x, y, z = points.unbind(-1)
        sin, cos = torch.sin(pitch)[:, None], torch.cos(pitch)[:, None]
        y, z = cos * y - sin * z, sin * y + cos * z
        sin, cos = torch.sin(yaw)[:, None], torch.cos(yaw)[:, None]
        x, z = cos * x + sin * z, cos * z - sin * x
        camera = portrait_camera()
        eye = camera.world_from_camera[:3, 3]
        depth = float(eye[2]) - z
        focal = 0.5 * self.size_px / math.tan(math.radians(camera.vertical_fov_degrees) / 2)
        column = self.size_px / 2 + focal * (x - float(eye[0])) / depth
        row = self.size_px / 2 - focal * (y - float(eye[1])) / depth
        return torch.stack([column, row], -1)

    def error(self, projected: Tensor, marked: Tensor, certainty: Tensor | None = None) -> Tensor:
        """(N,): weighted mean distance over the inter-ocular distance of the marked points.

        `certainty` (N, 68), 1 for a mark that is worth what marks of good photos are, makes each count less.
        """
        scale = (marked[:, 36:42].mean(1) - marked[:, 42:48].mean(1)).norm(dim=-1)
        weights = LANDMARK_WEIGHTS.to(projected)
        distance = ((projected - marked).square().sum(-1) + 1e-3).sqrt()  # (N, 68)
        counted = weights if certainty is None else weights * certainty
        error: Tensor = (distance * counted).sum(1) / weights.sum() / scale
        return error


@torch.no_grad()
def most_probable_face(
    rig: LandmarkRig,
    start: Tensor,
    free: Tensor,
    marked: Tensor,
    bias: Tensor,
    check: Check = go_on,
    noise_px: Tensor = MARK_NOISE_PX,
) -> tuple[Tensor, Tensor]:
    """The face of one person, and how the marks must still move, given the marks in N photos.

    Args:
        start: (N, D) imitator vectors; their sliders are the same in every row.
        free: (P,) sliders that may change.
        marked: (N, 68, 2) marks in pixels of the aligned photos.
        bias: (N, 68, 2) or (1, 68, 2) added to the projection before it is compared.
        check: called between the photos of every round (10 ms each).
        noise_px: (N, 68, 2) or (68, 2), standard deviation of the marks.

    Returns: vectors (N, D), and similarities (N, 4): the photo's point p belongs at (1 + a) p + b Jp + c, with
    (a, b, c) and J a quarter turn. Photos and rig need not agree on a scale.
    """
    count, sliders = len(start), rig.layout.sliders
    columns = torch.nonzero(free)[:, 0]
    own = sorted(rig.layout.nuisance.values())
    vectors, similarity = start.clone(), torch.zeros(count, 4)
    spread = prior_spreads(rig, len(columns), count)
    origin = torch.cat([torch.full((len(columns),), 0.5), _own_values(start * 0, own, count)])
    noise = noise_px.expand(count, 68, 2).flatten(1)  # (N, 136)
    for _ in range(_ROUNDS):
        jacobian = mark_slopes(rig, vectors, free, marked, check)
        target = moved_marks(marked, similarity)
        residual = (rig.project(vectors) + bias - target).flatten(1)  # (N, 136)
        huber = (2.5 / (residual / noise).abs().clamp(min=2.5)).sqrt()
        weighted = jacobian * (huber / noise)[..., None]
        current = torch.cat([vectors[0, sliders][columns], _own_values(vectors, own, count, similarity)])
        normal = torch.einsum("nmi,nmj->ij", weighted, weighted) + torch.diag(spread.pow(-2))
        right = torch.einsum("nmi,nm->i", weighted, residual * huber / noise)
        right = right + (current - origin) / spread.square()
        updated = current - torch.linalg.solve(normal, right)
        shape = vectors[:, sliders].clone()
        shape[:, columns] = updated[: len(columns)].clamp(0.02, 0.98)
        vectors[:, sliders] = shape
        rest = updated[len(columns) :].view(count, len(own) + 4)
        vectors[:, own] = rest[:, : len(own)].clamp(0, 1)
        similarity = rest[:, len(own) :]
    return vectors, similarity


def prior_spreads(rig: LandmarkRig, slider_count: int, photo_count: int) -> Tensor:
    """(K,) standard deviations before any mark is seen: so many sliders, then pose, expression and similarity of each
    photo in a row.
    """
    actions = [_ACTION_SPREAD] * (len(rig.layout.nuisance) - 2)
    own = torch.tensor([*_TURN_SPREADS, *actions, 0.10, 0.05, 20.0, 20.0])
    return torch.cat([torch.full((slider_count,), _SLIDER_SPREAD), own.repeat(photo_count)])


@torch.no_grad()
def mark_slopes(
    rig: LandmarkRig, vectors: Tensor, free: Tensor, marked: Tensor, check: Check = go_on
) -> Tensor:
    """(N, 136, K): how the 68 points of N photos of one person move with the free sliders (P,), and each photo's with
    its own pose, expression and similarity, in the order of `prior_spreads`; pixels per unit.
    """
    count, sliders = len(vectors), rig.layout.sliders
    columns = torch.nonzero(free)[:, 0]
    own = sorted(rig.layout.nuisance.values())
    center = marked.mean(1, keepdim=True)
    jacobian = torch.zeros(count, 136, len(columns) + count * (len(own) + 4))
    for index in range(count):
        check()
        base = rig.project(vectors[index : index + 1])
        changed = vectors[index].repeat(len(columns) + len(own), 1)
        places = torch.cat([columns + sliders.start, torch.tensor(own)])
        changed[torch.arange(len(places)), places] += _STEP
        slope = (rig.project(changed) - base).flatten(1) / _STEP  # (columns + own, 136)
        place = len(columns) + index * (len(own) + 4)
        jacobian[index, :, : len(columns)] = slope[: len(columns)].T
        jacobian[index, :, place : place + len(own)] = slope[len(columns) :].T
        offset = marked[index] - center[index]
        turned = torch.stack([-offset[:, 1], offset[:, 0]], 1)
        ones = torch.zeros(2, 68, 2)
        ones[0, :, 0] = ones[1, :, 1] = 1.0
        moves = torch.cat([offset[None], turned[None], ones]).flatten(1)  # (4, 136)
        jacobian[index, :, place + len(own) : place + len(own) + 4] = -moves.T
    return jacobian


def moved_marks(marked: Tensor, similarity: Tensor) -> Tensor:
    """Marks (N, 68, 2) under the similarities (N, 4) about their own centres."""
    center = marked.mean(1, keepdim=True)
    offset = marked - center
    turned = torch.stack([-offset[..., 1], offset[..., 0]], -1)
    a, b, shift = similarity[:, None, :1], similarity[:, None, 1:2], similarity[:, None, 2:]
    return center + (1 + a) * offset + b * turned + shift


def _own_values(vectors: Tensor, own: list[int], count: int, similarity: Tensor | None = None) -> Tensor:
    """Pose, expression and similarity of each photo in a row; at rest for zero vectors."""
    values = vectors[:, own].clone()
    if similarity is None:
        values[:, :2] = 0.5
        similarity = torch.zeros(count, 4)
    return torch.cat([values, similarity], 1).flatten()
