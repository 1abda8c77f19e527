"""The translator: shapes, ranges, captures as it sees them, and training that learns and resumes."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from facewright_models.errors import InvalidInputError
from facewright_models.rig import load_rig
from facewright_models.translator import Translator, TranslatorConfig
from facewright_models.translator import train as train_module
from facewright_models.translator.dataset import AlignedCaptures
from facewright_models.translator.network import INPUT_PX, translator_images
from facewright_models.translator.train import TrainOptions, train

CONFIG = TranslatorConfig(sliders=5, styles=(2, 3), colors=2, nuisance=2, widths=(4, 8, 8, 8), hidden=16)


def images(count: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(count, 3, INPUT_PX, INPUT_PX, generator=torch.Generator().manual_seed(seed))


def test_a_translation_has_the_shapes_of_the_layout_and_stays_in_range() -> None:
    torch.manual_seed(0)
    network = Translator(CONFIG).eval()
    with torch.no_grad():
        network.answer.weight.normal_(0, 100)
        answer = network(images(3))
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
    seen = images(1)
    moved = torch.roll(seen, 16, 3)
    assert not torch.allclose(network(seen).sliders, network(moved).sliders, atol=1e-5)


def test_frames_come_to_its_size_by_means_over_areas() -> None:
    frames = torch.zeros(1, 3, 2 * INPUT_PX, 2 * INPUT_PX)
    frames[..., ::2] = 1.0
    torch.testing.assert_close(translator_images(frames), torch.full((1, 3, INPUT_PX, INPUT_PX), 0.5))


def test_captures_come_in_their_order_and_repeat_by_seed(captures: Path) -> None:
    data = AlignedCaptures(captures, load_rig("anny"), count=5)
    assert len(data) == 5
    chosen = torch.tensor([1, 4])
    first, vectors = data.batch(chosen, seed=3)
    with np.load(captures / "shard_00000.npz") as shard:
        np.testing.assert_array_equal(vectors.numpy(), shard["parameters"][[1, 4]])
    assert first.shape == (2, 3, INPUT_PX, INPUT_PX)
    assert 0 <= float(first.min()) < float(first.max()) <= 1
    torch.testing.assert_close(first, data.batch(chosen, seed=3)[0], rtol=0, atol=0)
    assert float((first - data.batch(chosen, seed=4)[0]).abs().mean()) > 0.002


def test_without_errors_a_capture_near_the_average_stays_where_it_was(captures: Path) -> None:
    data = AlignedCaptures(captures, load_rig("anny"), count=6)
    data._points[:] = data._reference
    seen, _ = data.batch(torch.tensor([2]), seed=0, errors=0.0)
    with np.load(captures / "shard_00000.npz") as shard:
        jpeg = shard["jpegs"][shard["offsets"][2] : shard["offsets"][3]]
    frame = cv2.imdecode(jpeg, cv2.IMREAD_COLOR)
    assert frame is not None
    whole = torch.from_numpy(np.ascontiguousarray(frame[..., ::-1])).permute(2, 0, 1)[None].float() / 255
    torch.testing.assert_close(seen, translator_images(whole), atol=0.02, rtol=0)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> TrainOptions:
    """Four captures to train on, two held out, and a network that takes no time."""
    monkeypatch.setattr(train_module, "_HELD_OUT", 2)
    monkeypatch.setattr(train_module, "_VERTICES", 20)

    def small(**sizes: Any) -> TranslatorConfig:
        return TranslatorConfig(**sizes, widths=(4, 8, 8, 8), hidden=16)

    monkeypatch.setattr(train_module, "TranslatorConfig", small)
    return TrainOptions(captures=6, epochs=3, batch_size=2)


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
