"""The studio of worker processes in tests: named in the environment, told what to do by the photos.

A photo is text. ``kill`` ends the worker process; ``hang`` never ends; anything else is fitted in
FAKE_JOB_STEPS steps of FAKE_JOB_STEP_SECS, and its number becomes the nose of the character. A frame of an animated
photo takes a step, and ``kill`` and ``hang`` wait for the third one.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from facewright_models.errors import FacewrightError, FitCancelledError
from facewright_models.fitting import FitOptions, FitProgress, FitResult, Subject
from facewright_models.landmarks import FaceBox
from facewright_models.photo import Photo
from unit.server.fakes.animator import FakeAnimator, FakeFace
from unit.server.fakes.studio import FakeFitter, FakeStudio

STUDIO_NAME = "unit.server.fakes.job_studio:JobStudio"


class JobStudio(FakeStudio):
    def open_animator(self, *, torch_threads: int) -> JobAnimator:
        return JobAnimator(self)

    def open_fitter(self, rig_name: str, *, torch_threads: int) -> JobFitter:
        return JobFitter(FakeFitter(FakeStudio(), self.schema(rig_name)))


class JobAnimator(FakeAnimator):
    def open(self, photo: Photo, *, face_box: FaceBox | None = None) -> JobFace:
        super().open(photo, face_box=face_box)
        return JobFace(self.studio, photo, face_box)


class JobFace(FakeFace):
    def frame(self, degrees: Mapping[str, float]) -> np.ndarray:
        text = self.photo.pixels.tobytes().rstrip(b"\0")
        time.sleep(float(os.environ.get("FAKE_JOB_STEP_SECS", "0.01")))
        _note(text[:40])
        if len(self.studio.animated) == 2:
            if text.startswith(b"kill"):
                os.kill(os.getpid(), signal.SIGKILL)
            while text.startswith(b"hang"):
                time.sleep(0.01)
        return super().frame(degrees)


@dataclass
class JobFitter:
    inner: FakeFitter

    def fit_each(
        self,
        subjects: Sequence[Subject],
        *,
        options: FitOptions,
        render: Callable[..., Any],
        on_progress: Callable[[FitProgress], None],
        should_stop: Callable[[], bool],
        is_abandoned: Callable[[int], bool] = lambda index: False,
        on_outcome: Callable[[int, FitResult | FacewrightError], None],
    ) -> list[FitResult | FacewrightError]:
        for index, subject in enumerate(subjects):
            text = subject.photos[0].pixels.tobytes().rstrip(b"\0")
            for step in range(int(os.environ.get("FAKE_JOB_STEPS", "2"))):
                if should_stop():
                    raise FitCancelledError("stopped")
                on_progress(
                    FitProgress(
                        iteration=step,
                        iterations=10,
                        stage="optimise",
                        loss=1.0,
                        similarity=0.5,
                        subject=index,
                    )
                )
                time.sleep(float(os.environ.get("FAKE_JOB_STEP_SECS", "0.01")))
            if text.startswith(b"kill"):
                os.kill(os.getpid(), signal.SIGKILL)
            while text.startswith(b"hang"):
                time.sleep(0.01)
            _note(text)
            try:
                (result,) = self.inner.fit(
                    [subject],
                    options=replace(options, iterations=1),
                    render=render,
                    on_progress=lambda progress: None,
                    should_stop=should_stop,
                )
            except FitCancelledError:
                raise
            except FacewrightError as error:
                on_outcome(index, error)
                continue
            number = float(text.split()[-1]) if text.split()[-1].isdigit() else 0.0
            sliders = {**result.character.sliders, "nose_width": number / 1000}
            on_outcome(index, replace(result, character=replace(result.character, sliders=sliders)))
        return []


def _note(text: bytes) -> None:
    """Every fit that was made leaves a line, so that tests see how often."""
    path = os.environ.get("FAKE_JOB_LOG")
    if path:
        with Path(path).open("ab") as log:
            log.write(text + b"\n")
