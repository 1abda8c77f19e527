"""Each term of the objective, and each part of the start, off in turn: what it is good for, on held-out people.

Everybody is fitted twice, from the neutral and from the smiling photo. The neutral fit's render is looked for among
all neutral and among all smiling photos: the second was never seen by the fit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facewright_models.errors import FacewrightError, InvalidInputError
from facewright_models.evaluation.people import (
    embedding,
    gallery_photos,
    person_of,
    rank_among,
    smiling_photo,
)
from facewright_models.evaluation.progress import counted
from facewright_models.evaluation.skin_color import skin_difference
from facewright_models.evaluation.stability import distance_ratios
from facewright_models.evaluation.table import Report, Row
from facewright_models.fitting import FitOptions, FitResult, Fitter, Subject
from facewright_models.fitting.objective import Scales
from facewright_models.identity import IdentityNetwork
from facewright_models.look import CharacterRenderer
from facewright_models.parsing.photos import is_held_out
from facewright_models.photo import decode_photo
from facewright_models.rig import Character, RigSchema, load_rig
from facewright_models.style_reader import style_labels

__all__ = ["VARIANTS", "Variant", "Verdict", "ablation_rows", "evaluate"]

Pixels = NDArray[np.uint8]
Array = NDArray[np.float64]

_SLOTS = ("hair", "facial_hair", "brows")


@dataclass(frozen=True, kw_only=True)
class Variant:
    """How one row's fits differ: scales of terms, options, parts of the start that are left out."""

    scales: Mapping[str, float] = field(default_factory=dict)
    options: Mapping[str, float] = field(default_factory=dict)
    left_out: frozenset[str] = frozenset()


ALL_TERMS = "all terms"
VARIANTS: Mapping[str, Variant] = {
    "content": Variant(scales={"content": 0.0}),
    "color": Variant(scales={"color": 0.0}),
    "image": Variant(scales={"image": 0.0}),
    "identity": Variant(options={"identity_weight": 0.0}),
    "landmark": Variant(scales={"landmark": 0.0}),
    "prior": Variant(scales={"prior": 0.0}),
    "nuisance_prior": Variant(scales={"nuisance": 0.0}),
    "evidence": Variant(left_out=frozenset({"evidence"})),
    "warm_start": Variant(left_out=frozenset({"warm_start"})),
    "translator": Variant(left_out=frozenset({"translator"})),
    "identity_imitator": Variant(left_out=frozenset({"identity_imitator"})),
    "plausible_faces": Variant(left_out=frozenset({"plausible_faces"})),
    "style_reader": Variant(left_out=frozenset({"style_reader"})),
}
"""Name -> the fit without it."""

ADDED: Mapping[str, Variant] = {
    "part_shape": Variant(scales={"part_shape": 15.0}),
    "tone": Variant(scales={"tone": 4.0}),
    "silhouette": Variant(scales={"silhouette": 2.0}),
    "firm_prior": Variant(scales={"prior": 2.4}),
}
"""Name -> the fit with a term that is off by default, at a weight that makes it count about as much as colour does."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What one variant made of one person; None where a photo was refused or not at hand."""

    neutral: Character
    smiling: Character | None
    rank: int
    smiling_rank: int | None
    smiling_distance: float | None
    landmark_nme: float
    skin: float | None
    styles: tuple[bool, ...] | None


def evaluate(
    data: Path,
    *,
    limit: int | None = None,
    only: Sequence[str] | None = None,
    rig_name: str = "anny",
    options: FitOptions | None = None,
) -> Report:
    """The table. `limit` keeps the first people; `only` names some of VARIANTS and ADDED. Raises InvalidInputError."""
    chosen = _chosen(only)
    rig, identity = load_rig(rig_name), IdentityNetwork.from_dlib()
    everybody = gallery_photos(data)
    galleries = {
        "neutral": {person_of(path): _seen(path, identity) for path in everybody},
        "smiling": {
            person_of(path): _seen(smile, identity)
            for path in everybody
            if (smile := smiling_photo(path)) is not None and path.parent.parent.name == "london"
        },
    }
    people = [path for path in everybody if path.parent.parent.name == "london" and is_held_out(path)][:limit]
    found: dict[str, list[Verdict]] = {}
    with CharacterRenderer(rig) as renderer:
        for name, variant in chosen.items():
            scales = replace(Scales(), **variant.scales)
            fitter = Fitter.load(rig_name, scales=scales, left_out=variant.left_out)
            settings = replace(options or FitOptions(), **variant.options)  # type: ignore[arg-type]
            verdicts = (
                _verdict(path, fitter, settings, renderer.portrait, identity, galleries)
                for path in counted(people, f"{name}: person")
            )
            found[name] = [verdict for verdict in verdicts if verdict is not None]
    return Report(
        title=f"ablation of the fit of rig '{rig_name}'",
        rows=tuple(ablation_rows(rig.schema, found, {name: len(g) for name, g in galleries.items()})),
        notes=(
            f"{len(people)} London people that trained no model; - is without, + with a term that is off",
            "stability: sliders of neutral and smiling photo, over those of two people",
        ),
    )


def ablation_rows(
    schema: RigSchema, found: Mapping[str, Sequence[Verdict]], galleries: Mapping[str, int]
) -> list[Row]:
    """Rows per measure, each variant beside all terms."""
    measures: dict[str, tuple[Callable[[Sequence[Verdict]], Array], bool]] = {
        f"own neutral photo, top-1 of {galleries['neutral']}": (lambda v: _hits(v, "rank", 1), False),
        f"own neutral photo, top-5 of {galleries['neutral']}": (lambda v: _hits(v, "rank", 5), False),
        f"own smiling photo, top-1 of {galleries['smiling']}": (lambda v: _hits(v, "smiling_rank", 1), False),
        f"own smiling photo, top-5 of {galleries['smiling']}": (lambda v: _hits(v, "smiling_rank", 5), False),
        "distance to the own smiling photo": (
            lambda v: np.array([e.smiling_distance for e in v if e.smiling_distance is not None], float),
            True,
        ),
        "landmark error of the render": (lambda v: np.array([each.landmark_nme for each in v]), True),
        "skin, CIEDE2000": (lambda v: np.array([e.skin for e in v if e.skin is not None], float), True),
        "styles as a person would choose": (
            lambda v: np.array([e.styles for e in v if e.styles is not None], float),
            False,
        ),
        "stability": (lambda v: _ratios(schema, v), True),
    }
    rows = []
    for what, (measure, lower) in measures.items():
        reference = measure(found.get(ALL_TERMS, ()))
        baselines = {ALL_TERMS: float(reference.mean())} if reference.size else {}
        for name, verdicts in found.items():
            label = name if name == ALL_TERMS else f"{'+' if name in ADDED else '-'} {name}"
            own = {} if name == ALL_TERMS else baselines
            rows.append(
                Row.of_mean(f"{what}: {label}", measure(verdicts), lower_is_better=lower, baselines=own)
            )
    return rows


def _verdict(
    path: Path,
    fitter: Fitter,
    options: FitOptions,
    render: Callable[[Character], Pixels],
    identity: IdentityNetwork,
    galleries: Mapping[str, Mapping[str, Array]],
) -> Verdict | None:
    neutral = _fitted(path, fitter, options, render)
    if neutral is None:
        return None
    smile = smiling_photo(path)
    smiling = None if smile is None else _fitted(smile, fitter, options, render)
    seen, person = embedding(neutral.rendered, identity), person_of(path)
    ranks = {}
    for name, gallery in galleries.items():
        names = list(gallery)
        if person in gallery:
            ranks[name] = rank_among(seen, np.stack(list(gallery.values())), names.index(person))
    unseen = galleries["smiling"].get(person)
    skin = skin_difference(neutral.aligned_photo, neutral.rendered)
    labels = style_labels().get(path.stem)
    agreed = None if labels is None else labels.agree(neutral.character)
    return Verdict(
        neutral=neutral.character,
        smiling=None if smiling is None else smiling.character,
        rank=ranks["neutral"],
        smiling_rank=ranks.get("smiling"),
        smiling_distance=None if unseen is None else float(np.linalg.norm(seen - unseen)),
        landmark_nme=neutral.report.landmark_nme,
        skin=None if skin is None else skin[0],
        styles=None if agreed is None else tuple(agreed[slot] for slot in _SLOTS),
    )


def _fitted(
    path: Path, fitter: Fitter, options: FitOptions, render: Callable[[Character], Pixels]
) -> FitResult | None:
    photo = decode_photo(path.read_bytes())
    try:
        return fitter.fit([Subject(photos=(photo,))], options=options, render=render)[0]
    except FacewrightError:
        return None


def _chosen(only: Sequence[str] | None) -> dict[str, Variant]:
    known = {**VARIANTS, **ADDED}
    unknown = sorted(set(only or ()) - known.keys())
    if unknown:
        raise InvalidInputError(
            f"there is no term '{unknown[0]}'; expected some of {', '.join(known)}", field="only"
        )
    return {
        ALL_TERMS: Variant(),
        **{name: known[name] for name in known if only is None or name in only},
    }


def _seen(path: Path, identity: IdentityNetwork) -> Array:
    return embedding(decode_photo(path.read_bytes()).pixels, identity)


def _hits(verdicts: Sequence[Verdict], which: str, depth: int) -> Array:
    ranks = [getattr(verdict, which) for verdict in verdicts]
    return np.array([rank < depth for rank in ranks if rank is not None], float)


def _ratios(schema: RigSchema, verdicts: Sequence[Verdict]) -> Array:
    pairs = [(verdict.neutral, verdict.smiling) for verdict in verdicts if verdict.smiling is not None]
    return distance_ratios(schema, pairs)[0] if len(pairs) > 1 else np.zeros(0)
