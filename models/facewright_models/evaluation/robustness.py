"""Photos that something is wrong with: accuracy against strength, for each of the DISTURBANCES and for smiles.

The people are the London ones that trained no model. Each one's neutral photo is fitted as it is and disturbed; the
render's nearest of the undisturbed photos of everybody should be the own one, the sliders should stay, and nothing
worn may bend the skull. Turned heads are random characters, of whom the truth is known.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from facewright_models.errors import FacewrightError, InvalidInputError
from facewright_models.evaluation.disturbances import DISTURBANCES, disturbed
from facewright_models.evaluation.people import embedding, gallery_photos, rank_among, smiling_photo
from facewright_models.evaluation.progress import counted
from facewright_models.evaluation.recovery import vertex_error
from facewright_models.evaluation.table import Report, Row
from facewright_models.evaluation.turned import turned_rows
from facewright_models.fitting import FitOptions, FitResult, Fitter, Subject
from facewright_models.identity import IdentityNetwork
from facewright_models.landmarks import detect_faces
from facewright_models.look import CharacterRenderer
from facewright_models.parsing.photos import is_held_out
from facewright_models.photo import Photo, decode_photo
from facewright_models.rig import BakedRig, Character, ParameterKind, load_rig, slider_vector
from facewright_models.sheets.grid import captioned, tile_grid

__all__ = ["STRENGTHS", "Trial", "evaluate", "robustness_rows", "skull_vertices"]

logger = logging.getLogger(__name__)
Pixels = NDArray[np.uint8]
Array = NDArray[np.float64]

STRENGTHS = (1 / 3, 2 / 3, 1.0)
_SMILE, _TURN = "smile", "turn"
_NECK_METRES = -0.115
_SKULL_BAR_MM = 2.0
_WORN = frozenset({"beard", "wire_glasses", "frame_glasses", "tinted_glasses"})
_TILE_PX = 160


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One fit of one person's photo under a disturbance; strength 0 is the photo as it is.

    `rank` is how many other people's photos are nearer to the render; sliders (P,) in [0,1]; skull (V, 3) metres.
    All but the names are None where the fit failed.
    """

    person: str
    disturbance: str
    strength: float
    rank: int | None = None
    photo_rank: int | None = None
    sliders: Array | None = None
    skull: Array | None = None
    confidence: float | None = None


def evaluate(
    data: Path,
    *,
    limit: int | None = None,
    only: Sequence[str] | None = None,
    sheet: Path | None = None,
    rig_name: str = "anny",
    options: FitOptions | None = None,
    fitter: Fitter | None = None,
    strengths: Sequence[float] = STRENGTHS,
) -> Report:
    """The table. `limit` keeps the first people; `only` names some of DISTURBANCES, `smile` and `turn`; `sheet` is
    where a contact sheet goes, one row of photos over one of characters per person. Raises InvalidInputError.
    """
    asked = _asked(only)
    rig, fitter, identity = load_rig(rig_name), fitter or Fitter.load(rig_name), IdentityNetwork.from_dlib()
    everybody = gallery_photos(data)
    gallery = np.stack([embedding(decode_photo(path.read_bytes()).pixels, identity) for path in everybody])
    people = [path for path in everybody if path.parent.parent.name == "london" and is_held_out(path)][:limit]
    trials: list[Trial] = []
    tiles: list[Pixels] = []
    with CharacterRenderer(rig) as renderer:
        settings = options or FitOptions()
        for path in counted(people, "person"):
            shown, drawn = [], []
            own = everybody.index(path)
            for name, strength, pixels in _pictures(path, asked, strengths):
                fit = _fitted(fitter, pixels, settings, renderer.portrait)
                photo_rank = rank_among(embedding(pixels, identity), gallery, own)
                trials.append(_trial(rig, path.stem, name, strength, photo_rank, fit, identity, gallery, own))
                shown.append(captioned(_square(pixels), f"{name} {strength:.2f}"))
                drawn.append(_square(fit.rendered) if fit else np.full_like(shown[-1], 90))
            tiles += shown + drawn
        rows = robustness_rows(trials, len(everybody))
        if _TURN in asked:
            rows += turned_rows(rig, fitter, renderer, settings, count=len(people))
    if sheet is not None and people:
        sheet.parent.mkdir(parents=True, exist_ok=True)
        grid = tile_grid(tiles, columns=len(tiles) // (2 * len(people)), tile_px=_TILE_PX)
        cv2.imwrite(str(sheet), grid[..., ::-1])
    return Report(
        title=f"robustness of the fit of rig '{rig_name}'",
        rows=tuple(rows),
        notes=(
            f"{len(people)} London people that trained no model; gallery: all {len(everybody)} undisturbed photos",
            "sliders: mean distance to the undisturbed fit, over that between two people's undisturbed fits",
            "skull: RMS of all skin above the neck against the undisturbed fit, rigidly aligned, in mm",
            *_curves(rows),
        ),
    )


def robustness_rows(trials: Sequence[Trial], gallery: int) -> list[Row]:
    """Rows per disturbance and strength: the render's place in the gallery, sliders, skull and confidence."""
    plain = {trial.person: trial for trial in trials if trial.strength == 0 and trial.sliders is not None}
    between = _between([trial.sliders for trial in plain.values() if trial.sliders is not None])
    rows = []
    for name, strength in dict.fromkeys((trial.disturbance, trial.strength) for trial in trials):
        asked = [t for t in trials if (t.disturbance, t.strength) == (name, strength)]
        done = [t for t in asked if t.rank is not None]
        label = f"{name} {strength:.2f}"
        failures = len(asked) - len(done)
        for depth in (1, 5):
            hits = np.array([trial.rank is not None and trial.rank < depth for trial in asked], float)
            photo = [trial.photo_rank is not None and trial.photo_rank < depth for trial in asked]
            rows.append(
                Row.of_mean(
                    f"{label}: own photo, top-{depth} of {gallery}",
                    hits,
                    baselines={"the disturbed photo itself": float(np.mean(photo))},
                    note=f"{failures} failed" if failures else "",
                )
            )
        if strength > 0:
            rows += _stays(label, done, plain, between, worn=name in _WORN)
        sure = np.array([trial.confidence for trial in done if trial.confidence is not None])
        rows.append(Row.of_mean(f"{label}: confidence, mean over groups", sure))
    return rows


def skull_vertices(rig: BakedRig, sliders: Array) -> Array:
    """(V, 3) metres: all skin above the neck of a character without styles, at rest."""
    skin = rig.part("skin").vertices
    above = np.flatnonzero(rig.average("skin")[:, 1] > _NECK_METRES)
    with torch.inference_mode():
        vertices = rig(torch.tensor(sliders, dtype=torch.float32)[None], parts=())[0, skin].numpy()
    result: Array = vertices[above].astype(np.float64)
    return result


def _stays(
    label: str, done: Sequence[Trial], plain: dict[str, Trial], between: float, *, worn: bool
) -> list[Row]:
    sliders, skulls = [], []
    for trial in done:
        first = plain.get(trial.person)
        if first is None or first.sliders is None or first.skull is None:
            continue
        if trial.sliders is None or trial.skull is None:
            continue
        sliders.append(np.abs(trial.sliders - first.sliders).mean() / between)
        skulls.append(1000 * vertex_error(trial.skull, first.skull))
    bar = _SKULL_BAR_MM if worn else None
    return [
        Row.of_mean(f"{label}: sliders, over two people's", np.array(sliders), lower_is_better=True),
        Row.of_mean(f"{label}: skull, mm", np.array(skulls), bar=bar, lower_is_better=True),
    ]


def _between(sliders: Sequence[Array]) -> float:
    """Mean distance of two different people; NaN for one alone."""
    if len(sliders) < 2:
        return float("nan")
    found = np.stack(sliders)
    distances = np.abs(found[:, None] - found[None]).mean(-1)
    return float(distances[~np.eye(len(found), dtype=bool)].mean())


def _curves(rows: Sequence[Row]) -> list[str]:
    """One line per disturbance: top-5 against strength."""
    curves: dict[str, list[str]] = {}
    for row in rows:
        label, _, what = row.name.partition(": own photo, top-5")
        if what:
            name, _, strength = label.rpartition(" ")
            curves.setdefault(name, []).append(f"{row.measured:.2f} at {strength}")
    return [f"top-5, {name}: {', '.join(points)}" for name, points in curves.items()]


def _pictures(
    path: Path, asked: Sequence[str], strengths: Sequence[float]
) -> list[tuple[str, float, Pixels]]:
    """The person's photo as it is and under everything that was asked for: name, strength, pixels."""
    pixels = decode_photo(path.read_bytes()).pixels
    result = [("undisturbed", 0.0, pixels)]
    faces = detect_faces(pixels)
    for name in asked:
        if name in DISTURBANCES and faces:
            result += [(name, s, disturbed(name, pixels, faces[0].landmarks_px, s)) for s in strengths]
    smile = smiling_photo(path)
    if _SMILE in asked and smile is not None:
        result.append((_SMILE, 1.0, decode_photo(smile.read_bytes()).pixels))
    return result


def _fitted(
    fitter: Fitter, pixels: Pixels, options: FitOptions, render: Callable[[Character], Pixels]
) -> FitResult | None:
    """None for a photo that is refused."""
    try:
        return fitter.fit([Subject(photos=(Photo(pixels=pixels),))], options=options, render=render)[0]
    except FacewrightError as error:
        logger.info("refused", extra={"reason": type(error).__name__})
        return None


def _trial(
    rig: BakedRig,
    person: str,
    name: str,
    strength: float,
    photo_rank: int,
    fit: FitResult | None,
    identity: IdentityNetwork,
    gallery: Array,
    own: int,
) -> Trial:
    if fit is None:
        return Trial(person=person, disturbance=name, strength=strength, photo_rank=photo_rank)
    sliders = slider_vector(rig.schema, fit.character).numpy().astype(np.float64)
    tied = [parameter.group != "asymmetry" for parameter in rig.schema.of_kind(ParameterKind.CONTINUOUS)]
    sure = [value for group, value in fit.report.confidence.items() if group != "asymmetry"]
    return Trial(
        person=person,
        disturbance=name,
        strength=strength,
        rank=rank_among(embedding(fit.rendered, identity), gallery, own),
        photo_rank=photo_rank,
        sliders=sliders[tied],
        skull=skull_vertices(rig, sliders),
        confidence=float(np.mean(sure)) if sure else None,
    )


def _asked(only: Sequence[str] | None) -> tuple[str, ...]:
    known = (*DISTURBANCES, _SMILE, _TURN)
    unknown = sorted(set(only or ()) - set(known))
    if unknown:
        raise InvalidInputError(
            f"there is no disturbance '{unknown[0]}'; expected some of {', '.join(known)}", field="only"
        )
    return tuple(name for name in known if only is None or name in only)


def _square(pixels: Pixels) -> Pixels:
    return np.asarray(cv2.resize(pixels, (_TILE_PX, _TILE_PX), interpolation=cv2.INTER_AREA), np.uint8)
