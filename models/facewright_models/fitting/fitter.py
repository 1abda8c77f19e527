"""Fit characters to photos: the loop of [0048]-[0054], steps S401-S410.

fitter = Fitter.load("anny")
results = fitter.fit([Subject(photos=(photo,))], options=FitOptions(), render=render)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from contextlib import suppress
from dataclasses import replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from facewright_models.errors import (
    FacewrightError,
    FitCancelledError,
    InvalidInputError,
    NoImitatorError,
)
from facewright_models.fitting.average_face import AverageFace
from facewright_models.fitting.clock import Clock
from facewright_models.fitting.confidence import ConfidenceJudge
from facewright_models.fitting.features import FeatureExtractor, frozen
from facewright_models.fitting.finish import finished
from facewright_models.fitting.fit_models import FitModels, to_pixels
from facewright_models.fitting.loop import optimise, unadjusted
from facewright_models.fitting.objective import Scales
from facewright_models.fitting.opening import Opening
from facewright_models.fitting.own_skin import bakeable_rig, own_skin
from facewright_models.fitting.preparation import AlignedPhoto, check_subject, prepare
from facewright_models.fitting.preset_moves import PresetMoves
from facewright_models.fitting.refit import refitted
from facewright_models.fitting.refit_types import Refit, RefitResult
from facewright_models.fitting.roster import Roster
from facewright_models.fitting.types import (
    FitOptions,
    FitOutcome,
    FitProgress,
    FitResult,
    Stage,
    StopQuery,
    Subject,
    nobody_leaves,
    nothing_stops,
)
from facewright_models.fitting.variables import FitVariables
from facewright_models.fitting.warm_start import LandmarkRig
from facewright_models.foundry.sampling import VectorLayout
from facewright_models.identity import IdentityNetwork
from facewright_models.identity_imitator import (
    IdentityImitator,
    has_identity_imitator,
    load_identity_imitator,
)
from facewright_models.imitator import Imitator, has_imitator, load_imitator
from facewright_models.parsing.network import ParsingNetwork
from facewright_models.parsing.parser import load_parser
from facewright_models.plausible_faces import (
    PlausibleFaces,
    has_plausible_faces,
    load_plausible_faces,
)
from facewright_models.rig import Character, Rig, load_rig, validate_character
from facewright_models.style_reader.network import StyleReader
from facewright_models.style_reader.store import has_style_reader, load_style_reader
from facewright_models.translator import Translator, has_translator, load_translator

__all__ = ["PARTS", "Fitter"]

MAX_SUBJECTS = 16
PARTS = ("translator", "style_reader", "identity_imitator", "plausible_faces", "evidence", "warm_start")
"""What an ablation can leave out of a fit, beside the terms of the objective."""

Render = Callable[[Character], NDArray[np.uint8]]
OnProgress = Callable[[FitProgress], None]
OnOutcome = Callable[[int, FitOutcome], None]


def _ignore(progress: FitProgress) -> None:
    """The default progress listener."""


def _forget(index: int, outcome: FitOutcome) -> None:
    """The default listener to outcomes."""


class Fitter:
    """Holds the frozen models of one rig. Use it from one thread at a time; any thread will do."""

    def __init__(
        self,
        *,
        layout: VectorLayout,
        imitator: Imitator,
        extractor: FeatureExtractor,
        rig: Rig | None,
        translator: Translator | None = None,
        style_reader: StyleReader | None = None,
        identity_imitator: IdentityImitator | None = None,
        plausible: PlausibleFaces | None = None,
        scales: Scales | None = None,
        left_out: Set[str] = frozenset(),
    ) -> None:
        self._models = FitModels(
            layout=layout,
            imitator=frozen(imitator),
            extractor=extractor,
            landmark_rig=LandmarkRig(rig, layout) if rig is not None else None,
            scales=scales or Scales(),
        )
        self._judge = ConfidenceJudge(self._models.landmark_rig)
        self._average = AverageFace.imitated(self._models)
        self._opening = Opening(
            self._models, self._average, translator, style_reader, identity_imitator, plausible, left_out
        )

    @classmethod
    def load(
        cls, rig_name: str = "anny", *, scales: Scales | None = None, left_out: Set[str] = frozenset()
    ) -> Fitter:
        """The fitter of a rig with its shipped models, but for those of PARTS that an ablation leaves out.

        Raises UnknownRigError, NoImitatorError, WeightsError.
        """
        rig = load_rig(rig_name)
        if not has_imitator(rig_name):
            raise NoImitatorError(
                f"rig '{rig_name}' has no trained imitator yet, so no photo can be fitted to it; its characters can "
                "be drawn and exported; train one with 'facewright-server train imitator'",
                field="rig",
                metadata={"rig": rig_name},
            )

        def is_there(part: str, ships: Callable[[str], bool]) -> bool:
            return part not in left_out and ships(rig_name)

        parser: ParsingNetwork = load_parser()
        return cls(
            layout=VectorLayout(rig.schema),
            imitator=load_imitator(rig_name),
            extractor=FeatureExtractor(parser, IdentityNetwork.from_dlib()),
            rig=rig,
            translator=load_translator(rig_name) if is_there("translator", has_translator) else None,
            style_reader=load_style_reader(rig.schema)
            if is_there("style_reader", has_style_reader)
            else None,
            identity_imitator=load_identity_imitator(rig_name)
            if is_there("identity_imitator", has_identity_imitator)
            else None,
            plausible=load_plausible_faces(rig_name)
            if is_there("plausible_faces", has_plausible_faces)
            else None,
            scales=scales,
            left_out=left_out,
        )

    @property
    def models(self) -> FitModels:
        """The frozen networks and the rig's points."""
        return self._models

    @property
    def average(self) -> AverageFace:
        """What photos are aligned to."""
        return self._average

    @property
    def reference_landmarks(self) -> NDArray[np.float64]:
        """(68, 2) in pixels of the frame: the landmarks of the reference face."""
        return self._average.landmarks

    @cached_property
    def _preset_moves(self) -> PresetMoves | None:
        rig = self._models.landmark_rig
        return None if rig is None else PresetMoves(rig.rig)

    @property
    def reference_image(self) -> NDArray[np.uint8]:
        """(512, 512, 3): the reference face image ([0059]-[0062]), the imitated average character."""
        return self._average.pixels

    def initial_image(self, options: FitOptions | None = None) -> NDArray[np.uint8]:
        """The imitated face before the first adjustment; it equals the reference image ([0066], claim 17)."""
        variables = FitVariables(
            self._models.layout, torch.zeros(1, dtype=torch.long), options or FitOptions()
        )
        with torch.inference_mode():
            image: NDArray[np.uint8] = to_pixels(self._models.imitate(variables.final_vectors()))[0]
        return image

    def fit(
        self,
        subjects: Sequence[Subject],
        *,
        options: FitOptions | None = None,
        render: Render,
        on_progress: OnProgress = _ignore,
        should_stop: StopQuery = nothing_stops,
    ) -> list[FitResult]:
        """Characters for several people at once, each from one to eight photos; all of them, or none.

        Args:
            render: draws a character's frontal frame (512, 512, 3); called from this thread.
            should_stop: asked before every step and within it; True ends the fit with FitCancelledError.

        Raises FitCancelledError, NoFaceError, FaceTooSmallError, UnknownParameterError,
        ParameterRangeError, InvalidInputError.
        """
        results = {}

        def keep_or_raise(index: int, outcome: FitOutcome) -> None:
            if isinstance(outcome, FacewrightError):
                raise outcome
            results[index] = outcome

        self.fit_each(
            subjects,
            options=options,
            render=render,
            on_progress=on_progress,
            should_stop=should_stop,
            on_outcome=keep_or_raise,
        )
        return [results[index] for index in range(len(subjects))]

    def fit_each(
        self,
        subjects: Sequence[Subject],
        *,
        options: FitOptions | None = None,
        render: Render,
        on_progress: OnProgress = _ignore,
        should_stop: StopQuery = nothing_stops,
        is_abandoned: Callable[[int], bool] = nobody_leaves,
        on_outcome: OnOutcome = _forget,
    ) -> list[FitOutcome]:
        """Like `fit`, but what is wrong with one person's photos is that person's outcome alone.

        Args:
            is_abandoned: whether nobody waits for a subject any more; it then leaves the computation at the
                next step, and its outcome is a FitCancelledError.
            on_outcome: called from this thread as soon as a subject's outcome is known; what it raises ends
                the call.

        Raises FitCancelledError when `should_stop()` is true or every subject was abandoned, and what is wrong
        with the options or the number of subjects: UnknownParameterError, ParameterRangeError,
        InvalidInputError.
        """
        options = options or FitOptions()
        if not 1 <= len(subjects) <= MAX_SUBJECTS:
            raise InvalidInputError(
                f"got {len(subjects)} subjects; expected 1..{MAX_SUBJECTS} in one fit", field="subjects"
            )
        roster = Roster(
            len(subjects), should_stop=should_stop, is_abandoned=is_abandoned, on_outcome=on_outcome
        )
        for index, subject in enumerate(subjects):
            with roster.own_error(index):
                check_subject(index, subject)
                if subject.start is not None:
                    validate_character(self._models.layout.schema, subject.start)
        FitVariables(self._models.layout, torch.zeros(1, dtype=torch.long), options)  # refuses bad locks
        if options.bake_skin:
            bakeable_rig(self._models)
        with suppress(FitCancelledError):  # `end` says whether it was everyone's
            self._fit_open(subjects, options, roster, render, on_progress)
        return roster.end()

    def refit(
        self,
        refit: Refit,
        *,
        render: Render,
        on_progress: OnProgress = _ignore,
        should_stop: StopQuery = nothing_stops,
    ) -> RefitResult:
        """A character after the changes that `refit` asks for; the rest stays as it is, to the last digit.

        Raises like `fit`, and UnknownRigError and RigVersionError for a character of another rig or version.
        """
        return refitted(
            self._models,
            self.reference_landmarks,
            self._preset_moves,
            refit,
            fit=lambda subject, options: self.fit(
                [subject], options=options, render=render, on_progress=on_progress, should_stop=should_stop
            )[0],
            render=render,
            on_progress=on_progress,
            should_stop=should_stop,
        )

    def _fit_open(
        self,
        subjects: Sequence[Subject],
        options: FitOptions,
        roster: Roster,
        render: Render,
        on_progress: OnProgress,
    ) -> None:
        """Close every entry of the roster that has no error yet."""
        clock = Clock()
        prepared: dict[int, list[AlignedPhoto]] = {}
        for index in roster.open_subjects():
            with roster.own_error(index):
                prepared[index] = prepare(
                    index, subjects[index], self.reference_landmarks, options.alignment, roster.check
                )
        people = [index for index in roster.open_subjects() if index in prepared]
        if not people:
            return

        def tell(stage: Stage, done: int = 0) -> None:
            for index in people:
                if roster.is_open(index):
                    on_progress(
                        FitProgress(
                            iteration=done,
                            iterations=options.iterations,
                            stage=stage,
                            loss=0.0,
                            similarity=0.0,
                            subject=index,
                        )
                    )

        tell("align")
        models, check = self._models, roster.check
        plain = [photo for index in people for photo in prepared[index]]
        rows = torch.tensor([people.index(photo.subject) for photo in plain])
        variables = FitVariables(models.layout, rows, options)
        starts = {row: subjects[index].start for row, index in enumerate(people)}
        variables.start_at({row: start for row, start in starts.items() if start is not None})
        clock.lap("align")
        tell("features")
        opened = self._opening.opened(people, variables, plain, options, check)
        descent, aligned, features = opened.descent, opened.aligned, opened.descent.photo
        clock.lap("features")
        if options.mode == "fast":
            found = unadjusted(descent)
        else:
            found = optimise(models, descent, options, roster, on_progress)
        clock.lap("optimise")
        tell("render", options.iterations)
        for index in people:
            check()
            if index not in found or not roster.is_open(index):
                continue
            places = [i for i, photo in enumerate(aligned) if photo.subject == index]
            photos = [aligned[place] for place in places]
            own, dress = features.at(torch.tensor(places)), None
            if options.bake_skin:
                dress = own_skin(models, found[index], photos, own, options, check)
            with roster.own_error(index):
                result = finished(
                    models,
                    self.reference_landmarks,
                    found[index],
                    photos,
                    own,
                    options,
                    render,
                    check,
                    dress,
                )
                seen = features.probabilities[places]
                sure = self._judge.confidence(
                    variables, found[index].postures, photos, opened.noise_px[places], seen, check
                )
                clock.lap("render")
                timed = replace(
                    result, report=replace(result.report, seconds=clock.seconds(), confidence=sure)
                )
            if roster.is_open(index):
                roster.close(index, timed)
