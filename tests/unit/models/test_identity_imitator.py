"""The identity imitator: shapes, what training learns, and steps of a fit that need no drawing."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from facewright_models import described_weights
from facewright_models.errors import FitCancelledError, InvalidInputError, WeightsError
from facewright_models.fitting import FitOptions, Fitter, Subject
from facewright_models.fitting import approach as approach_module
from facewright_models.fitting.approach import approach
from facewright_models.fitting.fit_models import FitModels
from facewright_models.fitting.preparation import AlignedPhoto, prepare
from facewright_models.fitting.types import go_on
from facewright_models.fitting.variables import FitVariables
from facewright_models.identity_imitator import (
    IdentityImitator,
    IdentityImitatorConfig,
    load_identity_imitator,
    register_identity_imitator,
)
from facewright_models.identity_imitator import train as train_module
from facewright_models.identity_imitator.train import TrainOptions, held_out_scores, train
from facewright_models.parsing import ParsingNetwork
from facewright_models.photo import Photo
from facewright_models.rig import load_rig
from facewright_models.weights import load_weights, register_weights
from unit.models.test_translated_start import fitter, frame

__all__ = ["fitter", "frame"]  # fixtures


def small(parameters: int, *, seed: int = 0, hidden: int = 16) -> IdentityImitator:
    torch.manual_seed(seed)
    config = IdentityImitatorConfig(parameters=parameters, hidden=hidden)
    return IdentityImitator(config).eval().requires_grad_(False)


def test_before_it_has_learnt_it_answers_near_the_mean() -> None:
    network = small(7)
    embeddings = 0.1 * torch.randn(50, 128, generator=torch.Generator().manual_seed(1)) + 0.3
    network.measure(embeddings)
    answer = network(torch.rand(4, 7))
    assert answer.shape == (4, 128)
    assert float((answer - embeddings.mean(0)).abs().mean()) < 0.05


def test_scores_tell_a_network_that_knows_from_one_that_does_not() -> None:
    known = small(7, seed=1, hidden=64)
    vectors = torch.rand(40, 7, generator=torch.Generator().manual_seed(2))
    embeddings = known(vectors)
    stranger = small(7, seed=3, hidden=64)
    stranger.measure(embeddings)
    known.center.copy_(embeddings.mean(0) - known.layers(2 * vectors - 1).mean(0))
    assert held_out_scores(known, vectors, known(vectors))["retrieved"] == 1.0
    scores = held_out_scores(stranger, vectors, embeddings)
    assert scores["retrieved"] < 0.5
    assert scores["explained"] < 0.5


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> TrainOptions:
    """Four captures to train on, two held out, and networks that take no time."""

    def tiny_config(**sizes: Any) -> IdentityImitatorConfig:
        return IdentityImitatorConfig(**sizes, hidden=8)

    def tiny_parser() -> ParsingNetwork:
        return ParsingNetwork(width=4).eval()

    monkeypatch.setattr(train_module, "_HELD_OUT", 2)
    monkeypatch.setattr(train_module, "IdentityImitatorConfig", tiny_config)
    monkeypatch.setattr(train_module, "load_parser", tiny_parser)
    return TrainOptions(captures=6, epochs=6, batch_size=2)


def test_a_training_cut_short_resumes_to_the_same_weights(
    captures: Path, tmp_path: Path, quick: TrainOptions
) -> None:
    whole = train(captures, out=tmp_path / "whole.pt", options=quick)
    scores, calls = train_module.held_out_scores, []

    def killed_after_the_second_epoch(*arguments: Any) -> dict[str, float]:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return scores(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train_module, "held_out_scores", killed_after_the_second_epoch)
        with pytest.raises(KeyboardInterrupt):
            train(captures, out=tmp_path / "parts.pt", options=quick)
    resumed = train(captures, out=tmp_path / "parts.pt", options=quick)
    first, second = (torch.load(path, weights_only=True) for path in (whole, resumed))
    for name, value in first["averaged"].items():
        torch.testing.assert_close(value, second["averaged"][name], rtol=0, atol=0)


def test_training_learns_what_the_captures_show(
    captures: Path, tmp_path: Path, quick: TrainOptions, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    train(captures, out=tmp_path / "a.pt", options=quick)
    told = [r.getMessage() for r in caplog.records if "loss" in r.getMessage()]
    losses = [float(line.split("loss ")[1].split(",")[0]) for line in told]
    assert losses[-1] < losses[0]


def test_too_few_captures_are_refused(captures: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="holds 6 captures; expected 7"):
        train(captures, out=tmp_path / "a.pt", options=TrainOptions(captures=7))


def test_what_is_registered_comes_back(
    captures: Path, tmp_path: Path, quick: TrainOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "weights"
    folder.mkdir()
    monkeypatch.setattr(described_weights, "register_weights", partial(register_weights, folder=folder))
    monkeypatch.setattr(described_weights, "load_weights", partial(load_weights, folder=folder))
    checkpoint = train(captures, out=tmp_path / "a.pt", options=quick)
    register_identity_imitator(checkpoint, "toy", command="c", data="d", quality={"cosine": 0.5})
    loaded = load_identity_imitator("toy")
    vectors = torch.rand(2, loaded.config.parameters)
    state = torch.load(checkpoint, weights_only=True)["averaged"]
    expected = IdentityImitator(loaded.config).eval()
    expected.load_state_dict(state)
    torch.testing.assert_close(loaded(vectors), expected(vectors), atol=2e-3, rtol=0)
    with pytest.raises(WeightsError):
        load_identity_imitator("unknown")


# ---------------------------------------------------------------------------------------- steps without drawing


class Pulling(IdentityImitator):
    """Likeness grows with the first slider, and with nothing else."""

    def __init__(self, column: int) -> None:
        torch.nn.Module.__init__(self)
        self.column, self.calls = column, 0

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        share = vectors[:, self.column : self.column + 1]
        return torch.cat([share, 1 - share, torch.zeros(len(vectors), 126)], 1)


def opened(
    fitter: Fitter, frame: np.ndarray, options: FitOptions, people: int = 1
) -> tuple[FitModels, FitVariables, list[AlignedPhoto], Any]:
    subject = Subject(photos=(Photo(pixels=frame, warnings=()),))
    aligned = [
        photo
        for index in range(people)
        for photo in prepare(index, subject, fitter.reference_landmarks, "similarity")
    ]
    variables = FitVariables(fitter.models.layout, torch.arange(people), options)
    features = fitter.models.seen(aligned, go_on)
    wanted = torch.zeros(people, 128)
    wanted[:, 0] = 1.0
    return fitter.models, variables, aligned, replace(features, embedding=wanted)


def column_of(name: str) -> int:
    return load_rig("anny").schema.continuous_names.index(name)


def run(
    fitter: Fitter, frame: np.ndarray, options: FitOptions, imitator: IdentityImitator, **more: Any
) -> torch.Tensor:
    models, variables, aligned, features = opened(fitter, frame, options, more.pop("people", 1))
    settings = {"steps": 10, "check": go_on} | more
    certainty = torch.ones(len(aligned), 68)
    approach(
        models, imitator, variables, aligned, features, fitter.average.bias, certainty, options, **settings
    )
    assert not variables.sliders.requires_grad
    return variables.sliders


def test_it_moves_towards_the_likeness_of_the_photo(fitter: Fitter, frame: np.ndarray) -> None:
    column = column_of("nose-hump")
    sliders = run(fitter, frame, FitOptions(), Pulling(column))
    assert float(sliders[0, column]) > 0.55
    assert float(sliders.max()) <= 1.0


def test_everybody_moves_on_their_own(fitter: Fitter, frame: np.ndarray) -> None:
    column = column_of("nose-hump")
    alone = run(fitter, frame, FitOptions(), Pulling(column))
    together = run(fitter, frame, FitOptions(), Pulling(column), people=3)
    torch.testing.assert_close(together, alone.expand(3, -1), atol=1e-5, rtol=0)


def test_locked_sliders_stay(fitter: Fitter, frame: np.ndarray) -> None:
    options = FitOptions(locked_sliders={"nose-hump": 0.2})
    column = column_of("nose-hump")
    assert float(run(fitter, frame, options, Pulling(column))[0, column]) == pytest.approx(0.2)


@pytest.mark.parametrize("weight", ["identity_weight", "landmark_weight"])
def test_without_either_weight_nothing_is_asked(fitter: Fitter, frame: np.ndarray, weight: str) -> None:
    imitator = Pulling(0)
    sliders = run(fitter, frame, replace(FitOptions(), **{weight: 0.0}), imitator)
    assert imitator.calls == 0
    assert (sliders == 0.5).all()


def test_whoever_stops_waiting_ends_it_between_two_steps(fitter: Fitter, frame: np.ndarray) -> None:
    imitator, looks = Pulling(0), []

    def check() -> None:
        looks.append(1)
        if len(looks) == 3:
            raise FitCancelledError("nobody waits")

    with pytest.raises(FitCancelledError):
        run(fitter, frame, FitOptions(), imitator, check=check)
    assert imitator.calls == 2


@pytest.mark.parametrize(("mode", "steps"), [("fast", 12), ("refine", 45)])
def test_both_modes_take_such_steps(
    fitter: Fitter, frame: np.ndarray, monkeypatch: pytest.MonkeyPatch, mode: Any, steps: int
) -> None:
    assert approach_module.__doc__
    imitator = Pulling(0)
    monkeypatch.setattr(fitter, "_opening", replace(fitter._opening, identity_imitator=imitator))
    subject = Subject(photos=(Photo(pixels=frame, warnings=()),))
    options = FitOptions(mode=mode, iterations=0)
    fitter.fit([subject], options=options, render=lambda character: frame)
    assert imitator.calls == steps
