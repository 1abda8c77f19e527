"""Edit a character: photos, wanted styles and colours, and presets, with everything else kept.

The order is: what is named by value, then the photos, then the preset. A preset is applied with as much of its
strength as leaves the person recognisable in the game's own frames: dlib's authors call two photos one person below
a distance of 0.6, and a preset stays below three quarters of that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facewright_models.errors import FitCancelledError, InvalidInputError
from facewright_models.fitting.clock import Clock
from facewright_models.fitting.finish import frame_marks
from facewright_models.fitting.fit_models import FitModels
from facewright_models.fitting.preparation import as_images
from facewright_models.fitting.preset_moves import PresetMoves
from facewright_models.fitting.presets import Preset, changed_by
from facewright_models.fitting.refit_plan import RefitPlan, plan_refit
from facewright_models.fitting.refit_types import Refit, RefitReport, RefitResult
from facewright_models.fitting.types import (
    FitOptions,
    FitProgress,
    FitReport,
    FitResult,
    StopQuery,
    Subject,
)
from facewright_models.identity import cosine_similarity, embedding_distance
from facewright_models.photo import Notice
from facewright_models.rig import Character, ParameterKind, RigSchema

__all__ = ["MOST_DISTANCE", "refitted"]

MOST_DISTANCE = 0.45
_TRIES = 4
_BELOW = 0.95
"""A weaker try aims at this share of the distance that is allowed."""
_WEAKEST = 0.5
"""A try is at least this share of the one before."""

Render = Callable[[Character], NDArray[np.uint8]]
OnProgress = Callable[[FitProgress], None]


@dataclass(frozen=True, kw_only=True)
class _Frame:
    """The renderer's picture of a character, and the embedding (128,) of its face."""

    character: Character
    pixels: NDArray[np.uint8]
    embedding: Tensor


def refitted(
    models: FitModels,
    reference_landmarks: NDArray[np.float64],
    moves: PresetMoves | None,
    refit: Refit,
    *,
    fit: Callable[[Subject, FitOptions], FitResult],
    render: Render,
    on_progress: OnProgress,
    should_stop: StopQuery,
) -> RefitResult:
    """See `Fitter.refit`. `moves` are the presets on the rig's mesh, where that is known; `fit` fits photos."""
    schema = models.layout.schema
    plan, clock = plan_refit(schema, refit), Clock()

    def check() -> None:
        if should_stop():
            raise FitCancelledError("the refit was cancelled by its caller")

    def seen(character: Character) -> _Frame:
        check()
        pixels = render(character)
        check()
        marks = torch.tensor(frame_marks(pixels, reference_landmarks), dtype=torch.float32)[None]
        check()
        with torch.inference_mode():
            embedding = models.extractor.embed(as_images([pixels]), marks)[0]
        return _Frame(character=character, pixels=pixels, embedding=embedding)

    before = seen(plan.before)
    clock.lap("render")
    character: Character = plan.changed
    fit_report: FitReport | None = None
    if refit.subject is not None:
        options = _photo_options(schema, refit.options, plan)
        with _subject_of_the_request():
            result = fit(replace(refit.subject, start=plan.changed), options)
        character = replace(result.character, skin_texture=plan.changed.skin_texture)
        fit_report = result.report
        clock.lap("optimise")
    after = before if character == before.character else seen(character)
    strength, notices = 0.0, list(fit_report.warnings if fit_report else ())
    if plan.preset is not None:
        after, strength = _with_preset(after, plan.preset, plan, models, moves, seen, on_progress)
        clock.lap("optimise")
        if strength < plan.strength:
            notices.append(_weakened(plan.preset, strength))
    on_progress(_progress(_TRIES, before, after))
    clock.lap("render")
    return RefitResult(
        character=after.character,
        report=RefitReport(
            identity_distance=_distance(before, after),
            strength=strength,
            seconds=clock.seconds(),
            warnings=tuple(dict.fromkeys(notices)),
            fit=fit_report,
        ),
        before=before.pixels,
        rendered=after.pixels,
    )


def _photo_options(schema: RigSchema, options: FitOptions, plan: RefitPlan) -> FitOptions:
    """The options with everything locked that photos do not change: what is kept, all styles, and the asymmetries,
    which no fit adjusts.
    """
    sides = {p.name for p in schema.of_kind(ParameterKind.CONTINUOUS) if p.group == "asymmetry"}
    changed = plan.changed
    return replace(
        options,
        locked_sliders={name: changed.sliders[name] for name in sorted(plan.sliders | sides)},
        locked_styles=changed.styles,
        locked_colors={name: changed.colors[name] for name in sorted(plan.colors)},
    )


@contextmanager
def _subject_of_the_request() -> Iterator[None]:
    """A refit has one subject, which its errors call so."""
    try:
        yield
    except InvalidInputError as error:
        if error.field is not None:
            error.field = error.field.replace("subjects[0]", "subject")
        raise


def _with_preset(
    base: _Frame,
    preset: Preset,
    plan: RefitPlan,
    models: FitModels,
    moves: PresetMoves | None,
    seen: Callable[[Character], _Frame],
    on_progress: OnProgress,
) -> tuple[_Frame, float]:
    """The frame after the preset, and its strength: the one that is wanted, or a weaker one that stays near enough.

    Distances grow about evenly with the strength, so a try or two find it.
    """
    locked, strength = plan.sliders | plan.colors, plan.strength
    for number in range(1, _TRIES + 1):
        if moves is None:
            character = changed_by(models.layout.schema, preset, strength, base.character, locked)
        else:
            character = moves.moved(preset, strength, base.character, locked)
        found = seen(character)
        on_progress(_progress(number, base, found))
        distance = _distance(base, found)
        if distance <= MOST_DISTANCE:
            return found, strength
        strength *= max(_WEAKEST, _BELOW * MOST_DISTANCE / distance)
    return base, 0.0


def _weakened(preset: Preset, strength: float) -> Notice:
    how = f"applied with strength {strength:.2f}" if strength else "left out"
    text = f"the preset '{preset.name}' was {how}: more of it would make this face another person's"
    return Notice(code="PRESET_WEAKENED", message=text)


def _progress(step: int, base: _Frame, found: _Frame) -> FitProgress:
    """`loss` is the distance from the person."""
    return FitProgress(
        iteration=step,
        iterations=_TRIES,
        stage="render",
        loss=_distance(base, found),
        similarity=float(cosine_similarity(base.embedding, found.embedding)),
        subject=0,
    )


def _distance(first: _Frame, second: _Frame) -> float:
    if first is second:
        return 0.0
    return float(embedding_distance(first.embedding, second.embedding))
