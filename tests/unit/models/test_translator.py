"""The translator: shapes, ranges, features from captures that resume, and training that learns."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from facewright_models.errors import InvalidInputError, WeightsError
from facewright_models.foundry import VectorLayout
from facewright_models.parsing import ParsingNetwork
from facewright_models.rig import load_rig
from facewright_models.translator import Translator, TranslatorConfig, load_translator
from facewright_models.translator import dataset as dataset_module
from facewright_models.translator import store as store_module
from facewright_models.translator.dataset import FeatureSet, extract
from facewright_models.translator.network import MAP_SIZES, translator_inputs

CONFIG = TranslatorConfig(sliders=5, styles=(2, 3), nuisance=2, widths=(8, 8, 8), hidden=16)


def maps(count: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    first, second, third = (torch.rand(count, c, s, s, generator=generator) for c, s in MAP_SIZES)
    return first, second, third


def test_a_translation_has_the_shapes_of_the_layout_and_stays_in_range() -> None:
    torch.manual_seed(0)
    network = Translator(CONFIG).eval()
    with torch.no_grad():
        network.answer.weight.mul_(1000)
        answer = network(*maps(3))
    assert answer.sliders.shape == (3, 5)
    assert [tuple(logits.shape) for logits in answer.styles] == [(3, 2), (3, 3)]
    assert answer.nuisance.shape == (3, 2)
    for values in (answer.sliders, answer.nuisance):
        assert float(values.min()) == 0.0
        assert float(values.max()) == 1.0


def test_what_it_reads_keeps_its_place() -> None:
    """Moving what is seen must move the answer: no pooling over places."""
    torch.manual_seed(0)
    network = Translator(CONFIG).eval()
    first, second, third = maps(1)
    moved = torch.roll(first, 8, 3), torch.roll(second, 4, 3), torch.roll(third, 2, 3)
    assert not torch.allclose(network(first, second, third).sliders, network(*moved).sliders, atol=1e-5)


def test_the_inputs_are_the_parsers_maps() -> None:
    parsed = ParsingNetwork()(torch.rand(2, 3, 256, 256))
    inputs = translator_inputs(parsed.probabilities, parsed.features)
    assert [tuple(m.shape[1:]) for m in inputs] == [(c, s, s) for c, s in MAP_SIZES]
    torch.testing.assert_close(inputs[0].sum(1), torch.ones(2, 64, 64))


@pytest.fixture
def captures(tmp_path: Path) -> Path:
    """Six captures of grey noise with vectors near the average."""
    layout = VectorLayout(load_rig("anny").schema)
    generator = np.random.default_rng(0)
    vectors = generator.uniform(0.4, 0.6, (6, layout.size)).astype(np.float32)
    jpegs = [
        cv2.imencode(".jpg", generator.integers(0, 255, (512, 512, 3), np.uint8))[1].ravel() for _ in range(6)
    ]
    folder = tmp_path / "captures"
    folder.mkdir()
    (folder / "layout.json").write_text('{"rig": "anny"}')
    np.savez(
        folder / "shard_00000.npz",
        parameters=vectors,
        jpegs=np.concatenate(jpegs),
        offsets=np.cumsum([0, *map(len, jpegs)]),
        labels_png=np.zeros(0, np.uint8),
        label_offsets=np.zeros(7, np.int64),
    )
    return folder


@pytest.fixture(autouse=True)
def untrained_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(1)
    parser = ParsingNetwork().eval().requires_grad_(False)
    monkeypatch.setattr(dataset_module, "load_parser", lambda: parser)


def test_features_of_captures_come_in_their_order_and_repeat(captures: Path, tmp_path: Path) -> None:
    rig = load_rig("anny")
    once = FeatureSet(extract(captures, tmp_path / "a", rig=rig, count=5))
    again = FeatureSet(extract(captures, tmp_path / "b", rig=rig, count=5))
    assert len(once) == 5
    with np.load(captures / "shard_00000.npz") as shard:
        np.testing.assert_array_equal(once.vectors.numpy(), shard["parameters"][:5])
    chosen = torch.tensor([1, 4])
    for first, second, (channels, side) in zip(
        once.batch(chosen)[0], again.batch(chosen)[0], MAP_SIZES, strict=True
    ):
        assert first.shape == (2, channels, side, side)
        assert float(first.abs().max()) > 0
        torch.testing.assert_close(first, second)


def test_an_interrupted_extraction_goes_on_where_it_was(
    captures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = load_rig("anny")
    whole = FeatureSet(extract(captures, tmp_path / "whole", rig=rig, count=6))
    folder = extract(captures, tmp_path / "part", rig=rig, count=6)
    (folder / "progress.json").write_text(json.dumps({"done": 4, "rig": "anny"}))
    deep = np.load(folder / "deep.npy", mmap_mode="r+")
    deep[4:] = 0
    deep.flush()
    monkeypatch.setattr(dataset_module, "_BATCH", 1)
    resumed = FeatureSet(extract(captures, folder, rig=rig, count=6))
    for first, second in zip(whole.batch(torch.arange(6))[0], resumed.batch(torch.arange(6))[0], strict=True):
        torch.testing.assert_close(first, second, atol=2e-2, rtol=2e-2)


def test_too_few_captures_are_refused(captures: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="holds 6 captures; expected 7"):
        extract(captures, tmp_path / "a", rig=load_rig("anny"), count=7)


def test_weights_without_a_description_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "load_weights", lambda name: {"answer": torch.zeros(1)})
    with pytest.raises(WeightsError, match="train the translator again"):
        load_translator("toy")
