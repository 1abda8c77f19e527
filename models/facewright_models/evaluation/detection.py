"""Is the face found: in photos, small, tilted and turned, and in every character the creator can make?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facewright_models.evaluation.face_search import search_rows
from facewright_models.evaluation.table import Report, Row
from facewright_models.foundry.sampling import random_posed
from facewright_models.landmarks import detect_faces
from facewright_models.look import CharacterRenderer
from facewright_models.rig import load_rig, neutral_character

__all__ = ["detection_rate", "evaluate", "found_faces"]

_SEED = 900_003
_BAR = 0.99


def evaluate(
    data: Path | None = None,
    *,
    limit: int = 1000,
    rig_name: str = "anny",
) -> Report:
    """The table of face detection on `limit` uniformly random characters, and on photos where `data` holds them."""
    found = found_faces(limit, rig_name=rig_name)
    rig = load_rig(rig_name)
    with CharacterRenderer(rig) as renderer:
        average = renderer.portrait(neutral_character(rig.schema))
    row = Row.of_mean(
        "characters whose face dlib finds",
        found,
        bar=_BAR,
        baselines={"average character": float(bool(detect_faces(average)))},
    )
    return Report(
        title=f"Face detection on rig '{rig_name}'",
        rows=(row, *(search_rows(data) if data is not None else ())),
        notes=(f"sliders, styles and colours drawn uniformly (seed {_SEED}), frontal, at rest, 512 px",),
    )


def detection_rate(count: int, *, rig_name: str = "anny", seed: int = _SEED) -> float:
    """Share of `count` random characters in whose frontal frame dlib's detector finds a face."""
    return float(found_faces(count, rig_name=rig_name, seed=seed).mean())


def found_faces(count: int, *, rig_name: str = "anny", seed: int = _SEED) -> NDArray[np.float64]:
    """(count,) 1 where a face is found in a random character's frontal frame, else 0."""
    rig = load_rig(rig_name)
    generator = np.random.default_rng(seed)
    found = np.zeros(count)
    with CharacterRenderer(rig) as renderer:
        for index in range(count):
            character = random_posed(rig.schema, generator, turned=0.0).character
            color = renderer.render(character).frame.color
            found[index] = float(color is not None and len(detect_faces(color)) > 0)
    return found
