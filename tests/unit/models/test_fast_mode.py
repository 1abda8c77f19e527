"""The mode "fast": what is read at a glance is the answer, and nothing is adjusted."""

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from facewright_models.fitting import FitOptions, FitProgress, FitResult, Fitter, Subject
from facewright_models.fitting import loop as loop_module
from facewright_models.photo import Photo
from facewright_models.rig import ParameterKind, load_rig
from unit.models.fitting_stand_ins import FaceImitator
from unit.models.test_translated_start import GUESS, fitter, frame, translator_of

__all__ = ["fitter", "frame"]  # fixtures

FAST = FitOptions(mode="fast")


def fit(fitter: Fitter, frame: np.ndarray, options: FitOptions = FAST, **more: Any) -> FitResult:
    subject = Subject(photos=(Photo(pixels=frame, warnings=()),))
    return fitter.fit([subject], options=options, **({"render": lambda character: frame} | more))[0]


def test_nothing_is_adjusted(fitter: Fitter, frame: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise AssertionError("a fast fit makes no step")

    monkeypatch.setattr(loop_module, "_evaluate", fail)
    assert fit(fitter, frame).report.iterations == 0


def test_it_imitates_once_and_asks_for_one_frame(fitter: Fitter, frame: np.ndarray) -> None:
    imitator = fitter.models.imitator
    assert isinstance(imitator, FaceImitator)
    imitator.calls.clear()
    frames = []
    fit(fitter, frame, render=lambda character: frames.append(character) or frame)
    assert len(frames) == 1
    assert imitator.calls == [1]


def test_the_translators_sliders_are_the_answer(fitter: Fitter, frame: np.ndarray) -> None:
    result = fit(fitter, frame)
    assert translator_of(fitter).calls == 1
    assert list(result.character.sliders.values()) == pytest.approx([GUESS] * len(result.character.sliders))


def test_locked_parameters_keep_their_values(fitter: Fitter, frame: np.ndarray) -> None:
    locked = replace(FAST, locked_sliders={"nose-hump": 0.1}, locked_styles={"hair": "bob"})
    character = fit(fitter, frame, locked).character
    assert character.sliders["nose-hump"] == 0.1
    assert character.styles["hair"] == "bob"


def test_without_a_translator_the_landmarks_answer(
    fitter: Fitter, frame: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitter, "_opening", replace(fitter._opening, translator=None))
    longer = cv2.resize(frame, (512, 563))[:512]
    sliders = fit(fitter, longer).character.sliders
    schema = load_rig("anny").schema
    tied = [p.name for p in schema.of_kind(ParameterKind.CONTINUOUS) if p.group != "asymmetry"]
    assert any(sliders[name] != 0.5 for name in tied)


def test_every_stage_is_told(fitter: Fitter, frame: np.ndarray) -> None:
    told: list[FitProgress] = []
    fit(fitter, frame, on_progress=told.append)
    assert [progress.stage for progress in told] == ["align", "features", "render"]


def test_the_result_is_whole(fitter: Fitter, frame: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitter, "_opening", replace(fitter._opening, translator=None))
    result = fit(fitter, frame)
    assert result.imitated.shape == result.aligned_photo.shape == (512, 512, 3)
    assert result.report.landmark_nme < 0.2
    assert result.report.identity_cosine == pytest.approx(
        1.0, abs=0.05
    )  # photo and frame are the same picture
    assert torch.isfinite(torch.tensor(list(result.report.seconds.values()))).all()
