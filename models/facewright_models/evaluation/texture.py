"""Whether a character with its own skin is recognised as the person: smiling photo -> renders from three sides.

Layout of `data`: `faces/london/neutral`, which are fitted, and `faces/london/smiling`, which ask. Bake and fit see the
neutral photo only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from facewright_models.errors import FacewrightError
from facewright_models.evaluation.progress import counted
from facewright_models.evaluation.table import Report, Row
from facewright_models.fitting import FitOptions, FitResult, Fitter, Subject
from facewright_models.identity import IdentityNetwork, face_chip_from_landmarks
from facewright_models.landmarks import detect_faces
from facewright_models.look import CharacterRenderer, View
from facewright_models.photo import decode_photo
from facewright_models.rig import Character, load_rig
from facewright_models.sheets.grid import captioned, color_of, tile_grid

__all__ = ["YAWS_DEGREES", "SeenPerson", "evaluate", "recognition_rows"]

YAWS_DEGREES = (0.0, 30.0, -30.0)
_BAR = 0.90
Pixels = NDArray[np.uint8]
Embedding = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class SeenPerson:
    """Embeddings (128,): of the smiling photo, and by yaw of the renders with and without the own skin."""

    smiling: Embedding
    textured: Mapping[float, Embedding]
    plain: Mapping[float, Embedding]


def evaluate(
    data: Path,
    *,
    limit: int | None = None,
    sheet: Path | None = None,
    rig_name: str = "anny",
    options: FitOptions | None = None,
) -> Report:
    """The table of the own skin. `limit` keeps the first people only; `sheet` is where a contact sheet goes."""
    fitter, identity, rig = Fitter.load(rig_name), IdentityNetwork.from_dlib(), load_rig(rig_name)
    options = replace(options or FitOptions(), bake_skin=True)
    pairs = _pairs(data)[:limit]
    people: list[SeenPerson] = []
    tiles: list[Pixels] = []
    with CharacterRenderer(rig) as renderer:
        for neutral, smiling in counted(pairs, "person"):
            result = _fitted(neutral, fitter, options, renderer.portrait)
            if result is not None:
                people.append(_seen(result, smiling, renderer, identity, tiles))
    if sheet is not None and tiles:
        sheet.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(sheet), tile_grid(tiles, columns=5, tile_px=256)[..., ::-1])
    fitted = Row(
        name="photos fitted without error", measured=float(len(people)), n=len(pairs), bar=float(len(pairs))
    )
    return Report(
        title=f"own skin of rig '{rig_name}'",
        rows=(fitted, *recognition_rows(people)),
        notes=(
            f"the smiling photo of each of {len(people)} people asks; one render of everybody at that yaw answers",
            "fit and bake saw the neutral photo only; the fit's loss contains the network that recognises",
            "photos of three out of four of these people trained the parser, and none trained the recogniser",
            "'without it' is the same character, painted; make-up that the fit had chosen is off in both",
        ),
    )


def recognition_rows(people: Sequence[SeenPerson]) -> list[Row]:
    """Top-1 over all yaws, which has the bar, and at each, with the painted skin beside it; top-5."""
    if not people:
        return [
            Row(name="smiling photo -> own render, top-1, all yaws", measured=float("nan"), n=0, bar=_BAR)
        ]
    own = np.stack([_ranks(people, yaw, textured=True) for yaw in YAWS_DEGREES], 1)  # (people, yaws)
    plain = np.stack([_ranks(people, yaw, textured=False) for yaw in YAWS_DEGREES], 1)
    count = len(people)
    rows = [
        _row("smiling photo -> own render, top-1, all yaws", own < 1, count, plain < 1, bar=_BAR),
        _row("the same without its own skin", plain < 1, count),
    ]
    for column, yaw in enumerate(YAWS_DEGREES):
        at = slice(column, column + 1)
        rows.append(_row(f"top-1 at yaw {yaw:+.0f}", own[:, at] < 1, count, plain[:, at] < 1))
    return [*rows, _row("top-5, all yaws", own < 5, count, plain < 5)]


def _row(
    name: str,
    hits: NDArray[np.bool_],
    count: int,
    without: NDArray[np.bool_] | None = None,
    bar: float | None = None,
) -> Row:
    """Of hits (people, yaws); whole people are drawn for the interval."""
    baselines = {} if without is None else {"without it": float(without.mean())}
    return Row.of_mean(
        name,
        hits.astype(np.float64),
        bar=bar,
        baselines={**baselines, "chance": min(1.0, (5 if "top-5" in name else 1) / count)},
    )


def _ranks(people: Sequence[SeenPerson], yaw: float, *, textured: bool) -> NDArray[np.int64]:
    """(people,) how many other people's renders are at least as near to the smiling photo as one's own."""
    asking = np.stack([person.smiling for person in people])
    shown = np.stack([(person.textured if textured else person.plain)[yaw] for person in people])
    distances = np.linalg.norm(asking[:, None] - shown[None], axis=-1)
    distances = np.where(np.isfinite(distances), distances, np.inf)
    nearer = distances <= np.diag(distances)[:, None]
    return np.asarray(nearer.sum(1) - 1, np.int64)


def _fitted(
    path: Path, fitter: Fitter, options: FitOptions, render: Callable[[Character], Pixels]
) -> FitResult | None:
    try:
        photo = decode_photo(path.read_bytes())
        return fitter.fit([Subject(photos=(photo,))], options=options, render=render)[0]
    except FacewrightError:
        return None


def _seen(
    result: FitResult,
    smiling: Path,
    renderer: CharacterRenderer,
    identity: IdentityNetwork,
    tiles: list[Pixels],
) -> SeenPerson:
    painted = replace(result.character, skin_texture=None)
    seen: list[dict[float, Embedding]] = []
    tiles.append(captioned(result.aligned_photo, smiling.stem.split("_")[0]))
    tiles.append(renderer.portrait(painted))
    for character in (result.character, painted):
        found = {}
        for yaw in YAWS_DEGREES:
            drawn = renderer.render(character, view=View(yaw_degrees=yaw))
            pixels = color_of(drawn.frame)
            found[yaw] = _embedding(pixels, identity, drawn.landmarks_px)
            if character is not painted:
                tiles.append(pixels)
        seen.append(found)
    photo = decode_photo(smiling.read_bytes()).pixels
    return SeenPerson(smiling=_embedding(photo, identity), textured=seen[0], plain=seen[1])


def _embedding(
    pixels: Pixels, identity: IdentityNetwork, known: NDArray[np.float64] | None = None
) -> Embedding:
    """Of the largest face; where none is found, of the one with the known landmarks, or infinite."""
    faces = detect_faces(pixels)
    if not faces and known is None:
        return np.full(128, np.inf)
    marks = torch.tensor(faces[0].landmarks_px if faces else known, dtype=torch.float32)[None]
    image = torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)[None].float() / 255
    with torch.inference_mode():
        return identity.embed(face_chip_from_landmarks(image, marks))[0].numpy().astype(np.float64)


def _pairs(data: Path) -> list[tuple[Path, Path]]:
    """Neutral and smiling photo of everyone who has both."""
    london = data / "faces" / "london"
    smiling = {path.stem.split("_")[0]: path for path in (london / "smiling").glob("*.jpg")}
    neutral = sorted((london / "neutral").glob("*.jpg"))
    return [(path, smiling[person]) for path in neutral if (person := path.stem.split("_")[0]) in smiling]
