"""The translator: shapes, ranges, captures as it reads them, and training that learns and resumes."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from facewright_models.errors import InvalidInputError
from facewright_models.parsing import ParsingNetwork
from facewright_models.rig import load_rig
from facewright_models.translator import Translator, TranslatorConfig
from facewright_models.translator import train as train_module
from facewright_models.translator.dataset import AlignedCaptures
from facewright_models.translator.inputs import MAPS_PX, TranslatorInputs, translator_inputs
from facewright_models.translator.train import TrainOptions, train

SMALL = {"widths": (4, 8), "narrow": 6, "hidden": 16, "blocks": 2, "squeezed": 4}
CONFIG = TranslatorConfig(sliders=5, styles=(2, 3), colors=2, nuisance=2, **SMALL)  # type: ignore[arg-type]


def faces(count: int, seed: int = 0) -> TranslatorInputs:
    generator = torch.Generator().manual_seed(seed)

    def random(*shape: int) -> torch.Tensor:
        return torch.rand(count, *shape, generator=generator)

    return TranslatorInputs(
        marks=0.1 * random(68, 2),
        embedding=0.1 * random(128),
        maps=random(206, 16, 16),
        deep=random(256, 8, 8),
    )


def test_a_translation_has_the_shapes_of_the_layout_and_stays_in_range() -> None:
    torch.manual_seed(0)
    network = Translator(CONFIG).eval()
    with torch.no_grad():
        network.answer.bias[::2], network.answer.bias[1::2] = -9.0, 9.0
        answer = network(faces(3))
    assert answer.sliders.shape == (3, 5)
    assert [tuple(logits.shape) for logits in answer.styles] == [(3, 2), (3, 3)]
    assert answer.colors.shape == (3, 2, 3)
    assert answer.nuisance.shape == (3, 2)
    for values in (answer.sliders, answer.colors, answer.nuisance):
        assert float(values.min()) == 0.0
        assert float(values.max()) == 1.0


def test_what_it_reads_keeps_its_place() -> None:
    """Moving what is seen must move the answer: no pooling over places."""
    torch.manual_seed(0)
    network = Translator(CONFIG).eval()
    seen = faces(1)
    moved = replace(seen, maps=torch.roll(seen.maps, 2, 3))
    assert not torch.allclose(network(seen).sliders, network(moved).sliders, atol=1e-5)


@pytest.mark.parametrize("part", ["marks", "embedding", "maps", "deep"])
def test_every_input_counts(part: str) -> None:
    torch.manual_seed(0)
    network = Translator(CONFIG).eval()
    seen = faces(1)
    other = replace(seen, **{part: getattr(faces(1, seed=1), part)})
    assert not torch.allclose(network(seen).sliders, network(other).sliders, atol=1e-5)


def test_channels_of_any_size_are_comparable_once_measured() -> None:
    torch.manual_seed(0)
    network = Translator(CONFIG).eval()
    seen = faces(8)
    network.measure(seen)
    expected = network(seen).sliders
    louder = replace(seen, maps=50 * seen.maps, deep=50 * seen.deep)
    network.measure(louder)
    torch.testing.assert_close(network(louder).sliders, expected)


def test_marks_of_the_average_face_are_zero_and_count_in_inter_ocular_distances() -> None:
    average = torch.zeros(1, 68, 2)
    average[:, 36:42, 0], average[:, 42:48, 0] = 100.0, 160.0
    shifted = average.repeat(2, 1, 1)
    shifted[1] += 6.0
    maps = torch.zeros(2, 11, 32, 32)
    inputs = translator_inputs(
        images=torch.zeros(2, 3, 256, 256),
        probabilities=maps,
        depths=[torch.zeros(2, n, 256 // n, 256 // n) for n in (8, 16, 32, 64)],
        embedding=torch.zeros(2, 128),
        marks_px=shifted,
        average_px=average,
    )
    assert float(inputs.marks[0].abs().max()) == 0.0
    torch.testing.assert_close(inputs.marks[1], torch.full((68, 2), 0.1))
    assert inputs.maps.shape[-1] == MAPS_PX


def test_captures_come_in_their_order_and_repeat_by_seed(captures: Path) -> None:
    data = AlignedCaptures(captures, load_rig("anny"), count=5)
    assert len(data) == 5
    chosen = torch.tensor([1, 4])
    first, vectors = data.batch(chosen, seed=3)
    with np.load(captures / "shard_00000.npz") as shard:
        np.testing.assert_array_equal(vectors.numpy(), shard["parameters"][[1, 4]])
    assert first.shape == (2, 3, 256, 256)
    assert 0 <= float(first.min()) < float(first.max()) <= 1
    torch.testing.assert_close(first, data.batch(chosen, seed=3)[0], rtol=0, atol=0)
    assert float((first - data.batch(chosen, seed=4)[0]).abs().mean()) > 0.002


def test_without_errors_a_capture_near_the_average_stays_where_it_was(captures: Path) -> None:
    data = AlignedCaptures(captures, load_rig("anny"), count=6)
    data._points[:] = data.reference
    seen, _ = data.batch(torch.tensor([2]), seed=0, errors=0.0)
    with np.load(captures / "shard_00000.npz") as shard:
        jpeg = shard["jpegs"][shard["offsets"][2] : shard["offsets"][3]]
    frame = cv2.imdecode(jpeg, cv2.IMREAD_COLOR)
    assert frame is not None
    whole = torch.from_numpy(np.ascontiguousarray(frame[..., ::-1])).permute(2, 0, 1)[None].float() / 255
    smaller = torch.nn.functional.interpolate(whole, size=(256, 256), mode="area")
    torch.testing.assert_close(seen, smaller, atol=0.02, rtol=0)


def test_marks_move_with_the_picture_and_err_as_a_landmark_model_does(captures: Path) -> None:
    data = AlignedCaptures(captures, load_rig("anny"), count=6)
    chosen = torch.arange(6)
    _, exact, _ = data.marked_batch(chosen, seed=0, errors=0.0)
    steady = torch.tensor(data.reference, dtype=torch.float32)[27:48]
    assert float((exact[:, 27:48].mean(1) - steady.mean(0)).abs().max()) < 1e-3  # aligned by nose and eyes
    off = [data.marked_batch(chosen, seed=seed)[1] - exact for seed in range(20)]
    spread = float(torch.stack(off).std())
    assert 0.5 < spread < 8.0


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> TrainOptions:
    """Four captures to train on, two held out, and a network that takes no time."""
    monkeypatch.setattr(train_module, "_HELD_OUT", 2)
    monkeypatch.setattr(train_module, "_VERTICES", 20)

    def small(**sizes: Any) -> TranslatorConfig:
        return TranslatorConfig(**sizes, **SMALL)

    monkeypatch.setattr(train_module, "TranslatorConfig", small)
    monkeypatch.setattr(train_module, "load_parser", small_parser)
    return TrainOptions(captures=6, epochs=3, batch_size=2)


def small_parser() -> ParsingNetwork:
    torch.manual_seed(3)
    return ParsingNetwork(width=4).eval()


def test_a_training_cut_short_resumes_to_the_same_weights(
    captures: Path, tmp_path: Path, quick: TrainOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(captures, out=tmp_path / "whole.pt", options=quick)
    scores, calls = train_module.held_out_scores, 0

    def killed_after_the_second_epoch(*arguments: Any) -> dict[str, float]:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt
        return scores(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(train_module, "held_out_scores", killed_after_the_second_epoch)
        with pytest.raises(KeyboardInterrupt):
            train(captures, out=tmp_path / "killed.pt", options=quick)
    resumed = train(captures, out=tmp_path / "killed.pt", options=quick)
    first, second = (torch.load(path, weights_only=True) for path in (whole, resumed))
    assert first["epoch"] == second["epoch"] == 3
    for name, value in first["averaged"].items():
        torch.testing.assert_close(value, second["averaged"][name], rtol=0, atol=0)


def test_training_learns_what_the_captures_show(
    captures: Path, tmp_path: Path, quick: TrainOptions, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    train(captures, out=tmp_path / "translator.pt", options=quick)
    losses = [
        float(r.getMessage().split("loss ")[1].split(",")[0])
        for r in caplog.records
        if "loss" in r.getMessage()
    ]
    assert losses[-1] < losses[0]


def test_too_few_captures_are_refused(captures: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="holds 6 captures; expected 7"):
        train(captures, out=tmp_path / "a.pt", options=TrainOptions(captures=7))
