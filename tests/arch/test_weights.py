"""The weight files that ship, against their register and against the budget of the package."""

from pathlib import Path

from safetensors import safe_open

from facewright_models.weights import WEIGHTS_FOLDER, read_register

LARGEST_TOTAL_BYTES = 80_000_000
LICENCES = {"Apache-2.0", "CC0-1.0", "CC-BY-4.0"}


def weight_files() -> dict[str, Path]:
    return {path.stem: path for path in WEIGHTS_FOLDER.glob("*.safetensors")}


def test_every_file_has_a_row_and_every_row_a_file() -> None:
    assert set(weight_files()) == set(read_register())


def test_every_row_tells_the_truth_about_its_file() -> None:
    import hashlib

    register = read_register()
    for name, path in weight_files().items():
        row = register[name]
        assert path.stat().st_size == row.byte_count, name
        assert hashlib.sha256(path.read_bytes()).hexdigest() == row.sha256, name


def test_every_row_has_a_licence_a_command_and_its_data() -> None:
    for name, row in read_register().items():
        licence = row.licence.split(";")[0].strip()  # what follows says what it rests on
        assert licence in LICENCES, f"{name}: {licence!r} is not one of {sorted(LICENCES)}"
        assert row.command.strip(), name
        assert row.data.strip(), name
        assert row.quality, f"{name}: no measured quality"


def test_all_files_together_stay_within_the_budget() -> None:
    total = sum(path.stat().st_size for path in weight_files().values())
    assert total < LARGEST_TOTAL_BYTES, f"{total / 1e6:.1f} MB"


def test_only_safetensors_ship() -> None:
    allowed = {".safetensors", ".toml", ".partial"}
    assert {path.suffix for path in WEIGHTS_FOLDER.iterdir() if path.is_file()} <= allowed


def test_every_file_opens_and_holds_finite_tensors() -> None:
    for name, path in weight_files().items():
        with safe_open(path, framework="pt") as tensors:
            keys = list(tensors.keys())
            assert keys, name
            for key in keys:
                tensor = tensors.get_tensor(key)
                assert not tensor.is_floating_point() or bool(tensor.isfinite().all()), f"{name}: {key}"
