"""Whether several photos of a person make a better character than one.

Random characters, photographed from three sides in other light and with other faces, are compared with the truth.
People are taken from clips: some frames are fitted, together, and the render is compared with frames in between that no
fit has seen. Layout of `data`: `video/driving/*.mp4`, one person each, and `video/headpose/*.gif`, one in each half.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from facewright_models.errors import FacewrightError, InvalidInputError
from facewright_models.evaluation.people import embedding
from facewright_models.evaluation.progress import counted
from facewright_models.evaluation.recovery import identifiable_sliders, shape_vertices, vertex_error
from facewright_models.evaluation.table import Report, Row
from facewright_models.fitting import FitOptions, Fitter, Subject
from facewright_models.foundry.sampling import random_posed
from facewright_models.identity import IdentityNetwork
from facewright_models.landmarks import detect_faces
from facewright_models.look import CharacterRenderer
from facewright_models.look.staging import Stage, View
from facewright_models.photo import Photo
from facewright_models.rig import BakedRig, Character, front_vertices, load_rig, slider_vector
from facewright_models.sheets.grid import color_of

__all__ = ["evaluate", "gain_rows"]

Pixels = NDArray[np.uint8]
Array = NDArray[np.float64]
Render = Callable[[Character], Pixels]

_OWN, _PEOPLE = "own", "people"
_SEED = 910_005
_CHARACTERS = 8
_OWN_COUNTS = (1, 2, 3)
_SIDES: Sequence[tuple[View, Mapping[str, float]]] = (
    (View(), {}),
    (View(yaw_degrees=20, stage=Stage(light="soft")), {"mouthSmileLeft": 0.6, "mouthSmileRight": 0.6}),
    (View(yaw_degrees=-20, stage=Stage(light="daylight")), {"jawOpen": 0.3}),
)
_CLIP_COUNTS = (1, 2, 4)
_UNSEEN_FRAMES = 6


def evaluate(
    data: Path,
    *,
    limit: int | None = None,
    only: Sequence[str] | None = None,
    rig_name: str = "anny",
    options: FitOptions | None = None,
) -> Report:
    """The table. `limit` keeps the first characters and the first people; `only` names `own` or `people`.

    Raises InvalidInputError.
    """
    unknown = sorted(set(only or ()) - {_OWN, _PEOPLE})
    if unknown:
        raise InvalidInputError(f"there is no part '{unknown[0]}'; expected own or people", field="only")
    rig, fitter, settings = load_rig(rig_name), Fitter.load(rig_name), options or FitOptions()
    rows: list[Row] = []
    with CharacterRenderer(rig) as renderer:
        if only is None or _OWN in only:
            rows += _own_rows(rig, fitter, renderer, settings, count=limit or _CHARACTERS)
        if only is None or _PEOPLE in only:
            clips = dict(list(_clips(data).items())[:limit])
            rows += _people_rows(clips, fitter, renderer.portrait, settings)
    return Report(
        title=f"several photos of one person, rig '{rig_name}'",
        rows=tuple(rows),
        notes=(
            "distances are Euclidean between dlib embeddings of the render and of frames that no fit has seen",
            "gain: one photo minus several, of the same person; above 0 more photos are better",
        ),
    )


def gain_rows(what: str, found: Mapping[int, Array]) -> list[Row]:
    """Number of photos -> one error per person, NaN where a fit failed: rows of means, and of gains over one photo."""
    first = found[min(found)]
    rows = []
    for count, errors in found.items():
        known = np.isfinite(errors) & np.isfinite(first)
        rows.append(
            Row.of_mean(f"{what}, {count} photo{'s' * (count > 1)}", errors[known], lower_is_better=True)
        )
        if count > min(found):
            rows.append(Row.of_mean(f"{what}, gain of {count} photos", (first - errors)[known], bar=0.0))
    return rows


def _own_rows(
    rig: BakedRig,
    fitter: Fitter,
    renderer: CharacterRenderer,
    options: FitOptions,
    *,
    count: int,
) -> list[Row]:
    generator = np.random.default_rng(_SEED)
    characters = [random_posed(rig.schema, generator, turned=0.0).character for _ in range(count)]
    front = front_vertices(rig)
    identifiable = identifiable_sliders(rig, front)
    average = shape_vertices(rig, np.full(len(rig.schema.continuous_names), 0.5))[front]
    vertices = {number: np.full(count, np.nan) for number in _OWN_COUNTS}
    sliders = {number: np.full(count, np.nan) for number in _OWN_COUNTS}
    for place, character in enumerate(counted(characters, "character")):
        truth = slider_vector(rig.schema, character).numpy().astype(np.float64)
        target = shape_vertices(rig, truth)[front]
        taken = [
            Photo(pixels=color_of(renderer.render(character, view=view, expression=face).frame))
            for view, face in _SIDES
        ]
        for number in _OWN_COUNTS:
            fitted = _fitted(fitter, taken[:number], options, renderer.portrait)
            if fitted is None:
                continue
            found = slider_vector(rig.schema, fitted[0]).numpy().astype(np.float64)
            error = vertex_error(shape_vertices(rig, found)[front], target)
            vertices[number][place] = error / vertex_error(average, target)
            sliders[number][place] = np.abs(found - truth)[identifiable].mean()
    return [
        *gain_rows("own characters: front vertex error over the average's", vertices),
        *gain_rows(f"own characters: error of the {int(identifiable.sum())} identifiable sliders", sliders),
    ]


def _people_rows(
    clips: Mapping[str, Sequence[Pixels]], fitter: Fitter, render: Render, options: FitOptions
) -> list[Row]:
    identity = IdentityNetwork.from_dlib()
    found = {number: np.full(len(clips), np.nan) for number in _CLIP_COUNTS}
    for place, name in enumerate(counted(list(clips), "person")):
        used, unseen = _divided(clips[name])
        marks = np.stack([embedding(frame, identity) for frame in unseen])
        for number in _CLIP_COUNTS:
            fitted = _fitted(fitter, [Photo(pixels=frame) for frame in used[:number]], options, render)
            if fitted is not None:
                render_mark = embedding(fitted[1], identity)
                found[number][place] = np.linalg.norm(marks - render_mark, axis=1).mean()
    return gain_rows("people in clips: distance to frames that were not used", found)


def _fitted(
    fitter: Fitter, photos: Sequence[Photo], options: FitOptions, render: Render
) -> tuple[Character, Pixels] | None:
    """Character and frame; None where the photos are refused."""
    try:
        fit = fitter.fit([Subject(photos=tuple(photos))], options=options, render=render)[0]
    except FacewrightError:
        return None
    return fit.character, fit.rendered


def _divided(frames: Sequence[Pixels]) -> tuple[list[Pixels], list[Pixels]]:
    """Frames with a face, every second of which is fitted: first the first one, then those farthest from it in time."""
    fitted, unseen = list(frames[::2]), list(frames[1::2])
    order = np.unique(np.linspace(0, len(fitted) - 1, max(_CLIP_COUNTS)).round().astype(int))
    first, *rest = order.tolist()
    return [fitted[place] for place in (first, *reversed(rest))], unseen[:_UNSEEN_FRAMES]


def _clips(data: Path) -> dict[str, list[Pixels]]:
    """Name -> frames of one person, equally far apart, that show a face."""
    result = {
        path.stem: _with_faces(_frames(path)) for path in sorted((data / "video" / "driving").glob("*.mp4"))
    }
    for path in sorted((data / "video" / "headpose").glob("*.gif")):
        frames = _frames(path)
        for side, half in (("left", slice(None, 1)), ("right", slice(1, None))):
            crops = [np.ascontiguousarray(np.array_split(frame, 2, axis=1)[half][0]) for frame in frames]
            result[f"{path.stem}-{side}"] = _with_faces(crops)
    return {name: frames for name, frames in result.items() if len(frames) >= 2 * max(_CLIP_COUNTS)}


def _frames(path: Path) -> list[Pixels]:
    """So many frames of a video, equally far apart, as sRGB."""
    wanted = 2 * (max(_CLIP_COUNTS) + _UNSEEN_FRAMES)
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    places = np.unique(np.linspace(0, len(frames) - 1, wanted).round().astype(int))
    return [np.ascontiguousarray(frames[place]) for place in places]


def _with_faces(frames: Sequence[Pixels]) -> list[Pixels]:
    return [frame for frame in frames if detect_faces(frame)]
