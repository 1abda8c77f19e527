"""The register of weight files: written stably, read strictly."""

import json
import tomllib
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from facewright_models.errors import WeightsError
from facewright_models.weights import load_weights, read_register, register_weights

ROW = {"licence": "Apache-2.0", "command": "train it --seed 0", "data": "renders", "quality": {"l1": 0.25}}


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    path = tmp_path / "trained.safetensors"
    save_file({"weight": torch.arange(6, dtype=torch.float16).reshape(2, 3)}, path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "weights"


def test_what_was_registered_can_be_loaded(trained: Path, folder: Path) -> None:
    row = register_weights("tiny", trained, folder=folder, **ROW)
    tensors = load_weights("tiny", folder=folder)
    assert tensors["weight"].dtype == torch.float16
    assert tensors["weight"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert read_register(folder) == {"tiny": row}
    assert row.byte_count == trained.stat().st_size


def test_the_register_is_the_same_text_in_whatever_order_it_was_written(trained: Path, folder: Path) -> None:
    other = folder.with_name("other")
    for name in ("beta", "alpha"):
        register_weights(name, trained, folder=folder, **ROW)
    for name in ("alpha", "beta", "alpha"):
        register_weights(name, trained, folder=other, **ROW)
    assert (folder / "weights.toml").read_text() == (other / "weights.toml").read_text()
    assert sorted(path.name for path in folder.iterdir()) == [
        "alpha.safetensors",
        "beta.safetensors",
        "weights.toml",
    ]


def test_awkward_texts_survive_the_register(trained: Path, folder: Path) -> None:
    texts = 'quote " backslash \\ newline \n tab \t umlaut ü delete \x7f null-ish \x01'
    quality = {"mean IoU, eyes": 0.885, "people": 22, "note": texts, "tiny": 1e-07, "whole": 3.0}
    row = register_weights(
        "tiny", trained, folder=folder, licence="CC0-1.0", command=texts, data=texts, quality=quality
    )
    assert read_register(folder)["tiny"] == row
    assert tomllib.loads((folder / "weights.toml").read_text())["tiny"]["quality"] == quality


def test_a_file_already_in_place_can_be_registered(trained: Path, folder: Path) -> None:
    folder.mkdir()
    in_place = trained.rename(folder / "tiny.safetensors")
    register_weights("tiny", in_place, folder=folder, **ROW)
    assert set(load_weights("tiny", folder=folder)) == {"weight"}


def test_a_retrained_file_replaces_the_old_one(trained: Path, folder: Path) -> None:
    register_weights("tiny", trained, folder=folder, **ROW)
    load_weights("tiny", folder=folder)
    save_file({"weight": torch.ones(1)}, trained)
    register_weights("tiny", trained, folder=folder, **ROW)
    assert load_weights("tiny", folder=folder)["weight"].tolist() == [1.0]


def test_an_altered_file_is_refused(trained: Path, folder: Path) -> None:
    register_weights("tiny", trained, folder=folder, **ROW)
    path = folder / "tiny.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="is not the registered file") as caught:
        load_weights("tiny", folder=folder)
    assert caught.value.metadata["sha256"] != caught.value.metadata["expected_sha256"]


def test_a_missing_file_says_how_to_train_it(trained: Path, folder: Path) -> None:
    register_weights("tiny", trained, folder=folder, **ROW)
    (folder / "tiny.safetensors").unlink()
    with pytest.raises(WeightsError, match="train it --seed 0"):
        load_weights("tiny", folder=folder)


def test_a_name_without_a_row_is_refused(folder: Path) -> None:
    with pytest.raises(WeightsError, match="'nothing' is not in"):
        load_weights("nothing", folder=folder)


def test_the_file_is_hashed_once_per_process(
    trained: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register_weights("tiny", trained, folder=folder, **ROW)
    load_weights("tiny", folder=folder)
    monkeypatch.setattr("facewright_models.weights._sha256", lambda path: pytest.fail("hashed again"))
    load_weights("tiny", folder=folder)


@pytest.mark.parametrize("text", ["= nonsense", "[tiny]\nbytes = 3\n", "tiny = 3\n"])
def test_a_damaged_register_is_refused(text: str, folder: Path) -> None:
    folder.mkdir()
    (folder / "weights.toml").write_text(text)
    with pytest.raises(WeightsError, match="is damaged"):
        read_register(folder)


@pytest.mark.parametrize(
    "change",
    [{"licence": " "}, {"command": ""}, {"data": ""}, {"quality": {"l1": float("nan")}}],
    ids=lambda change: next(iter(change)),
)
def test_a_row_that_says_nothing_is_refused(change: dict, trained: Path, folder: Path) -> None:
    with pytest.raises(WeightsError):
        register_weights("tiny", trained, folder=folder, **{**ROW, **change})
    assert not folder.exists()


@pytest.mark.parametrize("name", ["", "Upper", "../escape", "with space", "1st", "with.dot"])
def test_a_name_that_is_no_lower_snake_is_refused(name: str, trained: Path, folder: Path) -> None:
    with pytest.raises(WeightsError, match="lower_snake"):
        register_weights(name, trained, folder=folder, **ROW)


def test_a_file_that_is_not_safetensors_is_refused(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(json.dumps({"no": "tensors"}).encode())
    with pytest.raises(WeightsError, match="nothing was registered"):
        register_weights("tiny", path, folder=folder, **ROW)
    assert not folder.exists()
