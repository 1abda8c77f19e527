"""Photos to characters: likeness, retrieval, landmarks, seconds, and the way back from our own frames.

Layout of `data`: `faces/london/neutral`, `faces/london/smiling`, `faces/canada`. Photos of London people with
id % 4 != 0 trained the parser: they are in the gallery, but no score is taken over them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from facewright_models.errors import FacewrightError
from facewright_models.evaluation.people import embedding, gallery_photos, person_of, trained_nothing
from facewright_models.evaluation.progress import counted
from facewright_models.evaluation.skin_color import SkinDifference, skin_color_rows, skin_difference
from facewright_models.evaluation.style_labels import agreement_rows
from facewright_models.evaluation.table import Report, Row
from facewright_models.fitting import FitOptions, FitReport, Fitter, Subject
from facewright_models.identity import IdentityNetwork
from facewright_models.look import CharacterRenderer
from facewright_models.photo import decode_photo
from facewright_models.rig import Character, load_rig, neutral_character
from facewright_models.sheets.grid import captioned, tile_grid

__all__ = ["FittedPhoto", "evaluate", "fit_gallery"]

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class FittedPhoto:
    """One photo of the gallery with its fit; `held_out` says that no model was trained on the person."""

    person: str
    held_out: bool
    photo: NDArray[np.float64]
    render: NDArray[np.float64]
    name: str
    character: Character
    report: FitReport
    seconds: float
    skin: SkinDifference | None


def evaluate(
    data: Path,
    *,
    limit: int | None = None,
    without_identity: bool = True,
    sheet: Path | None = None,
    rig_name: str = "anny",
    mode: Literal["refine", "fast"] = "refine",
    options: FitOptions | None = None,
) -> Report:
    """The table of the fit in a mode. `limit` keeps the first photos only; `sheet` is where a contact sheet goes."""
    options = replace(options or FitOptions(), mode=mode)
    fitter = Fitter.load(rig_name)
    identity = IdentityNetwork.from_dlib()
    rig = load_rig(rig_name)
    paths = gallery_photos(data)[:limit]
    with CharacterRenderer(rig) as renderer:
        tiles: list[Pixels] = []
        fitted = fit_gallery(paths, fitter, identity, options, renderer.portrait, tiles)
        if sheet is not None:
            _write_sheet(sheet, tiles)
        average = embedding(renderer.portrait(neutral_character(rig.schema)), identity)
        smiling = _smiling(data, {f.person: i for i, f in enumerate(fitted)}, fitted, identity)
        rows = _likeness_rows(fitted, len(paths), average, smiling)
        rows += agreement_rows({f.name: f.character for f in fitted if f.held_out})
        rows += skin_color_rows([f.skin for f in fitted if f.held_out])
        if without_identity:
            blind = replace(options, identity_weight=0.0)
            unseen = [path for path in paths if trained_nothing(path)]
            rows += _retrieval_rows(
                fit_gallery(unseen, fitter, identity, blind, renderer.portrait, []),
                " (identity loss off)",
                bars=False,
            )
    held = sum(f.held_out for f in fitted)
    return Report(
        title=f"fit of rig '{rig_name}'" + ("" if mode == "refine" else f", {mode}"),
        rows=tuple(rows),
        notes=(
            f"{len(fitted)} people; scores over the {held} that trained no model, unless a row says otherwise",
            "distances are Euclidean between dlib embeddings",
            "the loss contains that network: see the smiling and identity-off rows too",
        ),
    )


def fit_gallery(
    paths: Sequence[Path],
    fitter: Fitter,
    identity: IdentityNetwork,
    options: FitOptions,
    render: Callable[[Character], Pixels],
    tiles: list[Pixels],
) -> list[FittedPhoto]:
    """Fit every photo on its own; photos that fail are left out. `tiles` receives photo and render."""
    result = []
    for path in counted(paths, "photo"):
        started = time.monotonic()
        try:
            photo = decode_photo(path.read_bytes())
            fit = fitter.fit([Subject(photos=(photo,))], options=options, render=render)[0]
        except FacewrightError:
            continue
        seconds = time.monotonic() - started
        result.append(
            FittedPhoto(
                person=person_of(path),
                held_out=trained_nothing(path),
                photo=embedding(photo.pixels, identity),
                render=embedding(fit.rendered, identity),
                name=path.stem,
                character=fit.character,
                report=fit.report,
                seconds=seconds,
                skin=skin_difference(fit.aligned_photo, fit.rendered),
            )
        )
        tiles += [fit.aligned_photo, captioned(fit.rendered, person_of(path))]
    return result


def _likeness_rows(
    fitted: list[FittedPhoto],
    asked: int,
    average: NDArray[np.float64],
    smiling: dict[int, NDArray[np.float64]],
) -> list[Row]:
    scored = [f for f in fitted if f.held_out]
    closer = np.array(
        [np.linalg.norm(f.photo - f.render) < np.linalg.norm(f.photo - average) for f in scored], float
    )
    nme = np.array([f.report.landmark_nme for f in scored])
    seconds = np.array([f.seconds for f in fitted])
    everybody = _ranks(np.stack([f.photo for f in fitted]), fitted, list(range(len(fitted))))
    rows = [
        Row(name="photos fitted without error", measured=float(len(fitted)), n=asked, bar=float(asked)),
        Row.of_mean("render closer to its photo than the average character", closer, bar=0.9),
        *_retrieval_rows(fitted, "", bars=True),
        Row(name="the same over everybody, top-1", measured=float((everybody == 0).mean()), n=len(everybody)),
        Row(name="the same over everybody, top-5", measured=float((everybody < 5).mean()), n=len(everybody)),
        Row.of_mean("landmark error of the render", nme, bar=0.045, lower_is_better=True),
        Row(
            name="seconds per photo, median",
            measured=float(np.median(seconds)),
            n=len(seconds),
            bar=10.0,
            lower_is_better=True,
        ),
    ]
    chosen = [i for i in smiling if fitted[i].held_out]
    if chosen:
        ranks = _ranks(np.stack([smiling[i] for i in chosen]), fitted, chosen)
        rows += _rank_rows(ranks, "smiling photo -> own render", len(fitted), None)
    return rows


def _retrieval_rows(fitted: list[FittedPhoto], suffix: str, *, bars: bool) -> list[Row]:
    chosen = [i for i, f in enumerate(fitted) if f.held_out]
    ranks = _ranks(np.stack([fitted[i].photo for i in chosen]), fitted, chosen)
    return _rank_rows(ranks, "photo -> own render" + suffix, len(fitted), (0.30, 0.65) if bars else None)


def _rank_rows(
    ranks: NDArray[np.int64], name: str, gallery: int, bars: tuple[float, float] | None
) -> list[Row]:
    rows = []
    for position, depth in enumerate((1, 5)):
        hit = (ranks < depth).astype(float)
        rows.append(
            Row.of_mean(
                f"{name}, top-{depth} of {gallery}",
                hit,
                bar=bars[position] if bars else None,
                baselines={"chance": depth / gallery},
            )
        )
    return rows


def _ranks(queries: NDArray[np.float64], fitted: list[FittedPhoto], own: Sequence[int]) -> NDArray[np.int64]:
    renders = np.stack([f.render for f in fitted])
    distances = np.linalg.norm(queries[:, None] - renders[None], axis=-1)
    mine = distances[np.arange(len(queries)), list(own)]
    ranks: NDArray[np.int64] = (distances < mine[:, None]).sum(1)
    return ranks


def _smiling(
    data: Path, index: dict[str, int], fitted: list[FittedPhoto], identity: IdentityNetwork
) -> dict[int, NDArray[np.float64]]:
    result = {}
    for path in sorted((data / "faces" / "london" / "smiling").glob("*.jpg")):
        place = index.get(person_of(path))
        if place is not None and fitted[place].held_out:
            result[place] = embedding(decode_photo(path.read_bytes()).pixels, identity)
    return result


def _write_sheet(path: Path, tiles: list[Pixels]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    grid = tile_grid(tiles, columns=12, tile_px=224)
    cv2.imwrite(str(path), grid[..., ::-1])
