"""The way back: fit our own characters from their frames, and compare with the truth."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from facewright_models.evaluation.progress import counted
from facewright_models.evaluation.table import Report, Row
from facewright_models.fitting import FitOptions, Fitter, Subject
from facewright_models.foundry.sampling import random_posed
from facewright_models.look import CharacterRenderer
from facewright_models.photo import decode_photo
from facewright_models.rig import BakedRig, Character, ParameterKind, front_vertices, load_rig, slider_vector

__all__ = ["evaluate", "identifiable_sliders", "shape_vertices", "vertex_error"]

_SEED = 910_001
_EXPLAINED = 0.5
_SMALLEST_EFFECT_METRES = 4e-4
Array = NDArray[np.float64]


def evaluate(
    data: Path | None = None,  # noqa: ARG001 - every evaluation is called the same way
    *,
    limit: int = 50,
    rig_name: str = "anny",
) -> Report:
    """The table of `limit` random characters that are fitted from their own frames. `data` is not needed."""
    rig, fitter = load_rig(rig_name), Fitter.load(rig_name)
    with CharacterRenderer(rig) as renderer:
        rows = _rows(rig, fitter, renderer.portrait, FitOptions(), count=limit)
    return Report(
        title=f"own characters of rig '{rig_name}', fitted from their frames",
        rows=tuple(rows),
        notes=(f"uniformly random characters of seed {_SEED}, asymmetry included, which a fit leaves alone",),
    )


def _rows(
    rig: BakedRig,
    fitter: Fitter,
    render: Callable[[Character], NDArray[np.uint8]],
    options: FitOptions,
    *,
    count: int,
) -> list[Row]:
    """Rows for `count` characters that nothing was trained on: vertices, sliders, styles."""
    generator = np.random.default_rng(_SEED)
    names = rig.schema.continuous_names
    front = front_vertices(rig)
    identifiable = identifiable_sliders(rig, front)
    neutral = shape_vertices(rig, np.full(len(names), 0.5))[front]
    ratios, errors, styles = [], [], []
    for _ in counted(range(count), "character"):
        truth = random_posed(rig.schema, generator, turned=0.0).character
        buffer = io.BytesIO()
        Image.fromarray(render(truth)).save(buffer, "PNG", compress_level=1)
        photo = decode_photo(buffer.getvalue())
        fitted = fitter.fit([Subject(photos=(photo,))], options=options, render=render)[0].character
        true_vector = slider_vector(rig.schema, truth).numpy().astype(np.float64)
        found_vector = slider_vector(rig.schema, fitted).numpy().astype(np.float64)
        target = shape_vertices(rig, true_vector)[front]
        found = vertex_error(shape_vertices(rig, found_vector)[front], target)
        ratios.append((found, vertex_error(neutral, target)))
        errors.append(np.abs(true_vector - found_vector)[identifiable])
        styles.append([fitted.styles[slot] == truth.styles[slot] for slot in rig.schema.styles])
    found_errors, average_errors = np.array(ratios).T
    sliders = np.array(errors)
    right = np.array(styles, float)
    rows = [
        Row.of_mean(
            "own characters: front vertex RMS error / that of the average",
            found_errors / average_errors.mean(),
            bar=0.40,
            lower_is_better=True,
            note=f"average {1000 * average_errors.mean():.2f} mm",
        ),
        Row.of_mean(
            f"own characters: error of the {int(identifiable.sum())} identifiable sliders",
            sliders,
            bar=0.12,
            lower_is_better=True,
            baselines={"average": 0.25},
        ),
        Row.of_mean("own characters: styles found", right, bar=0.80),
    ]
    rows += [
        Row(name=f"own characters: {slot} found", measured=float(right[:, i].mean()), n=count)
        for i, slot in enumerate(rig.schema.styles)
    ]
    return rows


def identifiable_sliders(rig: BakedRig, front: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(P,) sliders that a frontal frame can tell apart.

    Identifiable: symmetric, moves the front by >= 0.4 mm RMS over half its travel where it acts most, and
    no combination of the other sliders explains more than half of its effect in the image plane.
    """
    count = len(rig.schema.continuous_names)
    neutral = shape_vertices(rig, np.full(count, 0.5))[front]
    effects = np.zeros((count, len(front) * 2))
    for index in range(count):
        vector = np.full(count, 0.5)
        vector[index] = 0.75
        effects[index] = (shape_vertices(rig, vector)[front] - neutral)[:, :2].ravel()
    strength = np.sqrt((effects**2).reshape(count, -1, 2).sum(-1)).max(1)
    continuous = rig.schema.of_kind(ParameterKind.CONTINUOUS)
    symmetric = np.array([parameter.group != "asymmetry" for parameter in continuous])
    candidates = symmetric & (strength >= _SMALLEST_EFFECT_METRES)
    kept = np.flatnonzero(candidates)
    gram = effects[kept] @ effects[kept].T
    # The share of an effect that the others leave unexplained is 1 / (inverse Gram_ii * Gram_ii).
    inverse = np.linalg.inv(gram + 1e-4 * np.diag(np.diag(gram)))
    result = np.zeros(count, bool)
    result[kept] = 1 / (np.diag(inverse) * np.diag(gram)) > 1 - _EXPLAINED
    return result


def vertex_error(found: Array, truth: Array) -> float:
    """RMS distance in metres after the best rotation, uniform scale and shift: a photo shows neither
    distance nor pose.
    """
    a, b = found - found.mean(0), truth - truth.mean(0)
    u, singular, vt = np.linalg.svd(a.T @ b)
    flip = np.diag([1, 1, np.sign(np.linalg.det(u @ vt))])
    scale = (singular * np.diag(flip)).sum() / (a**2).sum()
    return float(np.sqrt((((scale * a @ u @ flip @ vt) - b) ** 2).sum(1).mean()))


def shape_vertices(rig: BakedRig, sliders: Array) -> Array:
    """(V, 3) metres: the rig's vertices of sliders (P,) at rest."""
    with torch.inference_mode():
        vertices: Array = rig(torch.tensor(sliders, dtype=torch.float32)[None])[0].numpy().astype(np.float64)
    return vertices
