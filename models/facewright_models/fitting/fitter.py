"""Fit characters to photos: the loop of [0048]-[0054], steps S401-S410.

fitter = Fitter.load("anny")
results = fitter.fit([Subject(photos=(photo,))], options=FitOptions(), render=render)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facewright_models.errors import InvalidInputError
from facewright_models.fitting.coloring import colors_from_regions
from facewright_models.fitting.features import FaceFeatures, FeatureExtractor
from facewright_models.fitting.finish import measured, recolored
from facewright_models.fitting.fit_models import FitModels, check_running, to_pixels
from facewright_models.fitting.loop import optimise
from facewright_models.fitting.objective import Scales
from facewright_models.fitting.preparation import AlignedPhoto, as_images, check_subjects, prepare
from facewright_models.fitting.start import initial_styles, warm_start
from facewright_models.fitting.types import (
    FitOptions,
    FitProgress,
    FitReport,
    FitResult,
    Stage,
    StopQuery,
    Subject,
    nothing_stops,
)
from facewright_models.fitting.variables import FitVariables
from facewright_models.fitting.warm_start import LandmarkRig
from facewright_models.foundry.sampling import VectorLayout, at_rest
from facewright_models.identity import IdentityNetwork
from facewright_models.imitator import Imitator, load_imitator
from facewright_models.landmarks import detect_faces
from facewright_models.parsing.network import ParsingNetwork
from facewright_models.parsing.parser import load_parser
from facewright_models.rig import Character, Rig, load_rig, neutral_character

__all__ = ["Fitter"]

MAX_SUBJECTS = 16

Render = Callable[[Character], NDArray[np.uint8]]
OnProgress = Callable[[FitProgress], None]


def _ignore(progress: FitProgress) -> None:
    """The default progress listener."""


class Fitter:
    """Holds the frozen models of one rig. Use it from one thread at a time; any thread will do."""

    def __init__(
        self,
        *,
        layout: VectorLayout,
        imitator: Imitator,
        extractor: FeatureExtractor,
        rig: Rig | None,
        scales: Scales | None = None,
    ) -> None:
        self._models = FitModels(
            layout=layout,
            imitator=imitator.eval().requires_grad_(False),
            extractor=extractor,
            landmark_rig=LandmarkRig(rig, layout) if rig is not None else None,
            scales=scales or Scales(),
        )
        neutral = neutral_character(layout.schema)
        average = layout.encode(at_rest(neutral))
        with torch.inference_mode():
            self._reference = self._models.imitate(average[None])
        self.reference_landmarks = self._reference_landmarks(average)
        with torch.inference_mode():
            marks = torch.tensor(self.reference_landmarks, dtype=torch.float32)[None]
            self._average = self._models.extractor(self._reference, marks)
        self._average_bias = self._models.marking_bias(average[None], torch.zeros(1, 68, 2))
        self._neutral_colors = {name: torch.tensor(rgb) for name, rgb in neutral.colors.items()}

    @classmethod
    def load(cls, rig_name: str = "anny") -> Fitter:
        """The fitter of a rig with its shipped models. Raises UnknownRigError, WeightsError."""
        rig = load_rig(rig_name)
        parser: ParsingNetwork = load_parser()
        return cls(
            layout=VectorLayout(rig.schema),
            imitator=load_imitator(rig_name),
            extractor=FeatureExtractor(parser, IdentityNetwork.from_dlib()),
            rig=rig,
        )

    @property
    def reference_image(self) -> NDArray[np.uint8]:
        """(512, 512, 3): the reference face image ([0059]-[0062]), the imitated average character."""
        image: NDArray[np.uint8] = to_pixels(self._reference)[0]
        return image

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
        """Characters for several people at once, each from one to eight photos.

        Args:
            render: draws a character's frontal frame (512, 512, 3); called from this thread.
            should_stop: asked before every step; True ends the fit with FitCancelledError.

        Raises FitCancelledError, NoFaceError, FaceTooSmallError, UnknownParameterError,
        ParameterRangeError, InvalidInputError.
        """
        options = options or FitOptions()
        if not 1 <= len(subjects) <= MAX_SUBJECTS:
            raise InvalidInputError(
                f"got {len(subjects)} subjects; expected 1..{MAX_SUBJECTS} in one fit", field="subjects"
            )
        check_subjects(subjects)
        clock = _Clock()
        photo_counts = torch.tensor([len(subject.photos) for subject in subjects])
        photo_subjects = torch.repeat_interleave(torch.arange(len(subjects)), photo_counts)
        variables = FitVariables(self._models.layout, photo_subjects, options)
        aligned = prepare(subjects, self.reference_landmarks, options.alignment)

        def tell(stage: Stage, done: int = 0) -> None:
            for index in range(len(subjects)):
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
        models, marks = self._models, self.reference_landmarks
        if models.landmark_rig is not None and options.landmark_weight > 0:
            aligned = warm_start(
                models.landmark_rig, variables, aligned, self._average_bias, options, should_stop
            )
        clock.lap("align")
        tell("features")
        photo_features = self._photo_features(aligned)
        variables.set_colors(colors_from_regions(photo_features, self._average, self._neutral_colors))
        initial_styles(models, marks, variables, photo_features, options, should_stop)
        clock.lap("features")
        counts = optimise(
            models,
            variables,
            aligned,
            photo_features,
            self._average_bias,
            options,
            on_progress,
            should_stop,
        )
        clock.lap("optimise")
        tell("render", options.iterations)
        results = []
        for index, found in enumerate(variables.characters()):
            check_running(should_stop)
            place = next(i for i, photo in enumerate(aligned) if photo.subject == index)
            character, rendered = recolored(models, marks, found, photo_features, place, options, render)
            scores = measured(models, marks, rendered, aligned[place], photo_features, place)
            with torch.inference_mode():
                vector = models.layout.encode(at_rest(character))
                imitated = to_pixels(models.imitate(vector[None]))[0]
            clock.lap("render")
            notices = [n for photo in aligned if photo.subject == index for n in photo.warnings]
            report = FitReport(
                **scores,
                iterations=counts[index],
                seconds=clock.seconds(),
                warnings=tuple(dict.fromkeys(notices)),
            )
            results.append(
                FitResult(
                    character=character,
                    report=report,
                    aligned_photo=aligned[place].frame,
                    imitated=imitated,
                    rendered=rendered,
                )
            )
        return results

    def _reference_landmarks(self, average: Tensor) -> NDArray[np.float64]:
        faces = detect_faces(to_pixels(self._reference)[0])
        if faces:
            return faces[0].landmarks_px
        if self._models.landmark_rig is None:
            raise InvalidInputError(
                "no face is found in the imitated average character; train the imitator further",
                field="rig",
            )
        with torch.inference_mode():
            return self._models.landmark_rig.project(average[None])[0].numpy().astype(np.float64)

    def _photo_features(self, aligned: list[AlignedPhoto]) -> FaceFeatures:
        marks = torch.tensor(np.stack([photo.landmarks for photo in aligned]), dtype=torch.float32)
        with torch.inference_mode():
            return self._models.extractor(as_images([photo.frame for photo in aligned]), marks).detached()


class _Clock:
    """Seconds per stage since its creation."""

    def __init__(self) -> None:
        self._started = self._last = time.monotonic()
        self._seconds: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        now = time.monotonic()
        self._seconds[stage] = self._seconds.get(stage, 0.0) + now - self._last
        self._last = now

    def seconds(self) -> dict[str, float]:
        return {**self._seconds, "total": time.monotonic() - self._started}
