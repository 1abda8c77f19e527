"""The step of a fit that bakes the person's skin: what the photo skin needs, out of what the loop found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from facewright_models.errors import InvalidInputError
from facewright_models.fitting.alignment import warp_to_frame
from facewright_models.fitting.features import FaceFeatures
from facewright_models.fitting.fit_models import FitModels
from facewright_models.fitting.loop import Found
from facewright_models.fitting.preparation import AlignedPhoto
from facewright_models.fitting.types import Check, FitOptions
from facewright_models.foundry.sampling import ACTION_GROUPS, MAX_PITCH_DEGREES, MAX_YAW_DEGREES
from facewright_models.look.staging import View
from facewright_models.rig import BakedRig, Character, skin_texture_file

if TYPE_CHECKING:
    from facewright_models.photo_skin import FacePhoto

__all__ = ["bakeable_rig", "own_skin"]

_FINER = 2
"""The photo is sampled at this many times the frame's size, which is about as fine as the texture."""


def bakeable_rig(models: FitModels) -> BakedRig:
    """The rig, when its skin has a texture. Raises InvalidInputError."""
    rig = models.landmark_rig.rig if models.landmark_rig is not None else None
    if isinstance(rig, BakedRig):
        return rig
    raise InvalidInputError(
        f"the skin of rig '{models.layout.schema.name}' has no texture to bake a photo into; leave bake_skin out, or "
        "fit another rig",
        field="options.bake_skin",
    )


def own_skin(
    models: FitModels,
    found: Found,
    aligned: Sequence[AlignedPhoto],
    features: FaceFeatures,
    options: FitOptions,
    check: Check,
) -> Callable[[Character], tuple[Character, bytes]]:
    """A function from the fitted character to the same one with its own skin, and the file of that.

    `aligned` and `features` are those of the person's n photos; the one that looks most straight ahead is used. The
    make-up stays in the photo and is taken off the character, unless it was locked.
    """

    def dressed(character: Character) -> tuple[Character, bytes]:
        from facewright_models.photo_skin import (
            bake_skin,  # half a second that a server's start need not wait for
        )

        rig, nuisance = bakeable_rig(models), models.layout.nuisance
        turns = 2 * found.postures[:, [nuisance["yaw"], nuisance["pitch"]]] - 1  # (n, 2)
        chosen = int(turns.abs().sum(1).argmin())
        check()
        bare = character
        if "make_up" in character.styles and "make_up" not in options.locked_styles:
            bare = replace(character, styles={**character.styles, "make_up": "none"})
        pixels = bake_skin(rig, bare, _photo(models, found, chosen, aligned[chosen], features), check=check)
        check()
        texture, content = skin_texture_file(pixels)
        return replace(bare, skin_texture=texture), content

    return dressed


def _photo(
    models: FitModels, found: Found, chosen: int, aligned: AlignedPhoto, features: FaceFeatures
) -> FacePhoto:
    from facewright_models.photo_skin import FRAME_PX, FacePhoto

    posture, nuisance = found.postures[chosen], models.layout.nuisance
    if models.landmark_rig is None:
        raise TypeError("a skin is baked through a rig whose mesh is known")
    with torch.inference_mode():
        expected = (models.landmark_rig.project(posture[None]) + found.bias[chosen])[0]
    finer = _FINER * aligned.frame_from_photo
    finer[:, 2] += 0.5 * (_FINER - 1)  # pixel centres are whole numbers in both
    return FacePhoto(
        pixels=warp_to_frame(aligned.photo.pixels, finer, _FINER * FRAME_PX),
        probabilities=np.ascontiguousarray(features.probabilities[chosen].permute(1, 2, 0).numpy()),
        marks=aligned.landmarks,
        expected=expected.numpy().astype(np.float64),
        view=View(
            yaw_degrees=float(2 * posture[nuisance["yaw"]] - 1) * MAX_YAW_DEGREES,
            pitch_degrees=float(2 * posture[nuisance["pitch"]] - 1) * MAX_PITCH_DEGREES,
        ),
        expression={
            name: float(posture[nuisance[group]]) for group, names in ACTION_GROUPS.items() for name in names
        },
        wears_glasses=any(notice.code == "GLASSES" for notice in aligned.warnings),
    )
