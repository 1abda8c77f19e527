"""Whether two photos of one person give one character: neutral and smiling, and the neutral one mirrored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facewright_models.errors import FacewrightError
from facewright_models.evaluation.progress import counted
from facewright_models.evaluation.table import Report, Row
from facewright_models.fitting import FitOptions, Fitter, Subject
from facewright_models.look import CharacterRenderer
from facewright_models.parsing.photos import is_held_out
from facewright_models.photo import Photo, decode_photo
from facewright_models.rig import Character, ParameterKind, RigSchema, load_rig

__all__ = ["Triple", "distance_ratios", "evaluate", "mirrored", "stability_rows"]

_RATIO_BAR = 0.5
_SLOTS = ("hair", "facial_hair", "brows")


@dataclass(frozen=True, kw_only=True)
class Triple:
    """One person's characters: from the neutral photo, the smiling one, and the neutral one mirrored."""

    neutral: Character
    smiling: Character
    flipped: Character


def evaluate(data: Path, *, limit: int | None = None, rig_name: str = "anny") -> Report:
    """The table over the London people that trained no model. `limit` keeps the first people only."""
    fitter, rig = Fitter.load(rig_name), load_rig(rig_name)
    triples = []
    with CharacterRenderer(rig) as renderer:

        def fitted(photo: Photo) -> Character:
            subject = Subject(photos=(photo,))
            return fitter.fit(
                [subject],
                options=FitOptions(),
                render=renderer.portrait,
            )[0].character

        for neutral, smiling in counted(_pairs(data)[:limit], "person"):
            photo = decode_photo(neutral.read_bytes())
            flipped = replace(photo, pixels=np.ascontiguousarray(photo.pixels[:, ::-1]))
            try:
                triples.append(
                    Triple(
                        neutral=fitted(photo),
                        smiling=fitted(decode_photo(smiling.read_bytes())),
                        flipped=fitted(flipped),
                    )
                )
            except FacewrightError:
                continue
    return Report(
        title=f"stability of the fit of rig '{rig_name}'",
        rows=tuple(stability_rows(rig.schema, triples)),
        notes=(
            f"{len(triples)} people that trained no model; distances are means over the sliders of 0..1",
            "left and right are tied but for what the translator reads: asymmetries count in the mirror only",
        ),
    )


def stability_rows(schema: RigSchema, triples: Sequence[Triple]) -> list[Row]:
    """Distance within a person over that between people; styles that stay; distance to the mirrored character."""
    if len(triples) < 2:
        return []
    every = [p.name for p in schema.of_kind(ParameterKind.CONTINUOUS)]
    ratios, between = distance_ratios(schema, [(triple.neutral, triple.smiling) for triple in triples])
    slots = [slot for slot in _SLOTS if slot in schema.styles]
    stays = np.array([[t.neutral.styles[slot] == t.smiling.styles[slot] for slot in slots] for t in triples])
    turned = [mirrored(schema, triple.flipped) for triple in triples]
    flips = np.array(
        [
            np.mean([abs(triple.neutral.sliders[name] - back.sliders[name]) for name in every])
            for triple, back in zip(triples, turned, strict=True)
        ]
    )
    return [
        Row.of_mean(
            "sliders of neutral and smiling photo, over those of two people",
            ratios,
            bar=_RATIO_BAR,
            lower_is_better=True,
            note=f"two people {between:.4f}",
        ),
        Row.of_mean("styles of neutral and smiling photo alike", stays.astype(float)),
        Row.of_mean(
            "sliders of the photo and its mirror image, mirrored back",
            flips,
            lower_is_better=True,
            baselines={"two people": between},
        ),
    ]


def distance_ratios(
    schema: RigSchema, pairs: Sequence[tuple[Character, Character]]
) -> tuple[NDArray[np.float64], float]:
    """Of at least two people with two characters each: (n,) the mean distance of the sliders that a fit adjusts between
    a person's own two, over that between two people's; and the latter.
    """
    tied = [p.name for p in schema.of_kind(ParameterKind.CONTINUOUS) if p.group != "asymmetry"]
    first, second = (
        np.array([[pair[which].sliders[name] for name in tied] for pair in pairs]) for which in (0, 1)
    )
    distances = np.abs(first[:, None] - second[None]).mean(-1)
    between = float(distances[~np.eye(len(pairs), dtype=bool)].mean())
    return np.diag(distances) / between, between


def mirrored(schema: RigSchema, character: Character) -> Character:
    """The character with left and right exchanged."""
    sides = {p.name for p in schema.of_kind(ParameterKind.CONTINUOUS) if p.group == "asymmetry"}
    return replace(
        character,
        sliders={name: 1 - value if name in sides else value for name, value in character.sliders.items()},
    )


def _pairs(data: Path) -> list[tuple[Path, Path]]:
    """Neutral and smiling photo of everyone who has both and trained no model."""
    london = data / "faces" / "london"
    smiling = {path.stem.split("_")[0]: path for path in (london / "smiling").glob("*.jpg")}
    neutral = sorted(path for path in (london / "neutral").glob("*.jpg") if is_held_out(path))
    return [(path, smiling[person]) for path in neutral if (person := path.stem.split("_")[0]) in smiling]
