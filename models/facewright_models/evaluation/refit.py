"""Edited characters: whether presets leave the person, do what they say, and leave alone what is locked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from facewright_models.errors import FacewrightError
from facewright_models.evaluation.progress import counted
from facewright_models.evaluation.table import Report, Row, bootstrap_interval
from facewright_models.fitting import FitOptions, Fitter, Refit, Subject, load_presets
from facewright_models.fitting.preset_moves import PresetMoves
from facewright_models.foundry.sampling import random_posed
from facewright_models.look import CharacterRenderer
from facewright_models.parsing.photos import is_held_out
from facewright_models.photo import decode_photo
from facewright_models.rig import Character, RigSchema, load_rig
from facewright_models.sheets.grid import captioned, tile_grid

__all__ = ["Edit", "evaluate", "refit_rows"]

_SEED = 910_003
_NEAR = 0.35
_FAR = 0.6
_LOCKED_WITH = "older"
Pixels = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One character with one preset: how far the person is, how far the face went, and with what strength."""

    preset: str
    was_fitted: bool
    distance: float
    movement: float
    strength: float


def evaluate(
    data: Path | None = None,
    *,
    limit: int = 10,
    sheet: Path | None = None,
    rig_name: str = "anny",
) -> Report:
    """The table over `limit` random characters and, with `data`, as many fitted to people that trained no model.

    `sheet` is where a contact sheet goes: each character, then the presets.
    """
    rig, fitter = load_rig(rig_name), Fitter.load(rig_name)
    moves = PresetMoves(rig)
    edits, kept, tiles = [], [], []
    with CharacterRenderer(rig) as renderer:
        generator = np.random.default_rng(_SEED)
        people = [(False, random_posed(rig.schema, generator, turned=0.0).character) for _ in range(limit)]
        people += [(True, character) for character in _fitted(data, limit, fitter, renderer.portrait)]
        for was_fitted, character in counted(people, "character"):
            tiles.append(renderer.portrait(character))
            for name, preset in load_presets().items():
                result = fitter.refit(Refit(character=character, preset=name), render=renderer.portrait)
                report = result.report
                edits.append(
                    Edit(
                        preset=name,
                        was_fitted=was_fitted,
                        distance=report.identity_distance,
                        movement=moves.progress(preset, character, result.character),
                        strength=report.strength,
                    )
                )
                tiles.append(captioned(result.rendered, f"{name} {report.identity_distance:.2f}"))
            kept.append(_locks_hold(rig.schema, fitter, character, renderer.portrait))
    if sheet is not None:
        _write_sheet(sheet, tiles)
    return Report(
        title=f"edited characters of rig '{rig_name}'",
        rows=(
            *refit_rows(edits),
            Row.of_mean(
                "locked, or not asked for: unchanged to the last digit", np.array(kept, float), bar=1.0
            ),
        ),
        notes=(
            f"uniformly random characters of seed {_SEED}, and characters fitted to people that trained no model",
            "distances are Euclidean between dlib embeddings of the frames before and after; one person below 0.6",
            "movement is along the preset's direction; 1 is what the full preset does to the average face",
        ),
    )


def refit_rows(edits: Sequence[Edit]) -> list[Row]:
    """Per preset the median distance, of random and of fitted characters, and the mean movement of all."""
    rows = []
    for name in dict.fromkeys(edit.preset for edit in edits):
        own = [edit for edit in edits if edit.preset == name]
        for was_fitted, kind in ((False, "random"), (True, "fitted")):
            distances = np.array([edit.distance for edit in own if edit.was_fitted is was_fitted])
            if len(distances):
                rows.append(_median_row(f"{name}: distance from the person, median of {kind}", distances))
        weakened = sum(edit.strength < 1 for edit in own)
        rows.append(
            Row.of_mean(
                f"{name}: movement along its direction",
                np.array([edit.movement for edit in own]),
                bar=_FAR,
                note=f"{weakened} weakened",
            )
        )
    return rows


def _median_row(name: str, distances: NDArray[np.float64]) -> Row:
    return Row(
        name=name,
        measured=float(np.median(distances)),
        n=len(distances),
        interval=bootstrap_interval(distances, lambda drawn: float(np.median(drawn))),
        bar=_NEAR,
        lower_is_better=True,
        note=f"largest {distances.max():.2f}",
    )


def _locks_hold(
    schema: RigSchema, fitter: Fitter, character: Character, render: Callable[[Character], Pixels]
) -> bool:
    """Whether a preset with every other one of its sliders locked leaves those, and everything but a hairstyle that
    is asked for, as they were.
    """
    preset = load_presets()[_LOCKED_WITH]
    kept = tuple(name for name in preset.sliders if name in schema.continuous_names)[::2]
    hair = next(option for option in schema.styles["hair"].options if option != character.styles["hair"])
    edited = fitter.refit(Refit(character=character, preset=preset.name, kept=kept), render=render).character
    dressed = fitter.refit(Refit(character=character, styles={"hair": hair}), render=render).character
    return (
        all(edited.sliders[name] == character.sliders[name] for name in kept)
        and edited.styles == character.styles
        and dressed.styles == {**character.styles, "hair": hair}
        and (dressed.sliders, dressed.colors) == (character.sliders, character.colors)
    )


def _fitted(
    data: Path | None, limit: int, fitter: Fitter, render: Callable[[Character], Pixels]
) -> list[Character]:
    if data is None:
        return []
    paths = sorted(
        path for path in (data / "faces" / "london" / "neutral").glob("*.jpg") if is_held_out(path)
    )
    characters = []
    for path in counted(paths[:limit], "photo"):
        try:
            subject = Subject(photos=(decode_photo(path.read_bytes()),))
            characters.append(fitter.fit([subject], options=FitOptions(), render=render)[0].character)
        except FacewrightError:
            continue
    return characters


def _write_sheet(path: Path, tiles: Sequence[Pixels]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    grid = tile_grid(tiles, columns=1 + len(load_presets()))
    cv2.imwrite(str(path), grid[..., ::-1])
