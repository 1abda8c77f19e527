"""Fits of random characters that look away from the camera: yaw and pitch against the known truth."""

from __future__ import annotations

import numpy as np

from facewright_models.errors import FacewrightError
from facewright_models.evaluation.progress import counted
from facewright_models.evaluation.recovery import shape_vertices, vertex_error
from facewright_models.evaluation.table import Row
from facewright_models.fitting import FitOptions, Fitter, Subject
from facewright_models.foundry.sampling import random_posed
from facewright_models.look import CharacterRenderer
from facewright_models.look.staging import View
from facewright_models.photo import Photo
from facewright_models.rig import BakedRig, front_vertices, slider_vector
from facewright_models.sheets.grid import color_of

__all__ = ["turned_rows"]

_SEED = 910_003
_TURNS = ((0.0, 0.0), (15.0, 0.0), (30.0, 0.0), (0.0, 15.0), (0.0, 30.0))
"""Yaw and pitch in degrees."""


def turned_rows(
    rig: BakedRig, fitter: Fitter, renderer: CharacterRenderer, options: FitOptions, *, count: int
) -> list[Row]:
    """Per turn: front vertex error over the average character's, of `count` characters; the lost count as average."""
    generator = np.random.default_rng(_SEED)
    characters = [random_posed(rig.schema, generator, turned=0.0).character for _ in range(count)]
    front = front_vertices(rig)
    average = shape_vertices(rig, np.full(len(rig.schema.continuous_names), 0.5))[front]

    found = np.full((len(_TURNS), count), np.nan)
    plain = np.zeros(count)
    for place, character in enumerate(counted(characters, "turned character")):
        truth = slider_vector(rig.schema, character).numpy().astype(np.float64)
        target = shape_vertices(rig, truth)[front]
        plain[place] = vertex_error(average, target)
        for row, (yaw, pitch) in enumerate(_TURNS):
            view = View(yaw_degrees=yaw, pitch_degrees=pitch)
            photo = Photo(pixels=color_of(renderer.render(character, view=view).frame))
            try:
                fit = fitter.fit([Subject(photos=(photo,))], options=options, render=renderer.portrait)[0]
            except FacewrightError:
                continue
            sliders = slider_vector(rig.schema, fit.character).numpy().astype(np.float64)
            found[row, place] = vertex_error(shape_vertices(rig, sliders)[front], target)
    return [
        Row.of_mean(
            f"turn, yaw {yaw:.0f} pitch {pitch:.0f}: front vertex error over the average's",
            np.where(np.isnan(found[row]), plain, found[row]) / plain.mean(),
            lower_is_better=True,
            note=f"{int(np.isnan(found[row]).sum())} failed" if np.isnan(found[row]).any() else "",
        )
        for row, (yaw, pitch) in enumerate(_TURNS)
    ]
