"""The pytest plugin, in pytest runs of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from facewright.testing.pictures import encode_picture
from unit.server.fakes.running import environment

TEST = """
import numpy as np
import pytest
from facewright.testing import Box, Thresholds

PICTURE = np.tile(np.arange(64, dtype=np.uint8)[:, None, None], (1, 64, 3))

def test_as_accepted(assert_golden):
    found = assert_golden(PICTURE, "ramp")
    assert found.method == "identical"

def test_labels(assert_golden):
    assert_golden(PICTURE[..., 0] // 8, "ramp", pass_name="labels")
"""
CHANGED = TEST.replace("PICTURE = ", "PICTURE = 128 + ")


def run_pytest(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Without the plugins that happen to be installed here; some of them import what ours must not."""
    command = [sys.executable, "-m", "pytest", "-p", "facewright_pytest", "-p", "no:cacheprovider"]
    command += ["-c", os.devnull, "--rootdir", str(folder), *map(str, arguments)]
    surroundings = {**environment(), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(
        command, cwd=folder, env=surroundings, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    folder = tmp_path / "suite"
    folder.mkdir()
    (folder / "test_frames.py").write_text(TEST)
    return folder


def statuses(folder: Path) -> dict[str, str]:
    report = json.loads((folder / "out" / "golden" / "report.json").read_text())
    return {f"{one['scene']}/{one['pass_name']}": one["status"] for one in report["passes"]}


def test_a_reference_is_missing_then_written_on_request_and_only_then_passes(suite: Path) -> None:
    first = run_pytest(suite)
    assert (first.returncode, "2 failed" in first.stdout) == (1, True)
    assert "missing-reference: no accepted picture" in first.stdout
    assert not (suite / "references").exists()

    update = run_pytest(suite, "--facewright-update", "the first frames")
    assert (update.returncode, "2 failed" in update.stdout) == (1, True)
    assert "updated: accepted as" in update.stdout
    assert statuses(suite) == {"ramp/color": "updated", "ramp/labels": "updated"}
    (record,) = (suite / "references").rglob("color.json")
    assert json.loads(record.read_text())["message"] == "the first frames"

    again = run_pytest(suite)
    assert (again.returncode, "2 passed" in again.stdout) == (0, True), again.stdout
    assert "2 of 2 pictures as accepted" in again.stdout

    (suite / "test_frames.py").write_text(CHANGED)
    changed = run_pytest(suite, "-p", "xdist", "-n", "2")  # with pytest-xdist as well, one report of all
    assert (changed.returncode, "2 failed" in changed.stdout) == (1, True)
    assert statuses(suite) == {"ramp/color": "different", "ramp/labels": "different"}
    assert "flip_mean" in changed.stdout
    assert (suite / "out" / "golden" / "report.html").is_file()
    assert "Traceback" not in changed.stdout


def test_one_name_for_two_tests_is_an_error(suite: Path) -> None:
    (suite / "test_frames.py").write_text(TEST + TEST.replace("def test_", "def test_other_"))
    done = run_pytest(suite, "--facewright-update", "both")
    assert "the name 'ramp' is also that of test_frames.py::test_as_accepted" in done.stdout


def test_scene_files_are_tests_of_a_folder_of_frames(
    tmp_path: Path, picture: np.ndarray, frames: Path
) -> None:
    scenes = tmp_path / "scenes"
    scenes.mkdir()
    (scenes / "both.toml").write_text("[[scenes]]\nname = 'hero'\n[[scenes]]\nname = 'villain'\n")
    (scenes / "test_nothing.py").write_text("")
    path = scenes / "references" / "hero" / "unity" / "color.png"
    path.parent.mkdir(parents=True)
    path.write_bytes(encode_picture(picture))
    options = (
        "--facewright-scenes",
        "scenes",
        "--facewright-frames",
        "frames",
        "--facewright-backend",
        "unity",
    )
    done = run_pytest(tmp_path, *options, "-v")
    assert "scenes/both.toml::hero PASSED" in done.stdout
    assert "scenes/both.toml::villain FAILED" in done.stdout
    assert statuses(tmp_path) == {"hero/color": "passed", "villain/color": "missing-reference"}
    one = run_pytest(tmp_path, *options, "scenes/both.toml::hero")
    assert (one.returncode, "1 passed" in one.stdout) == (0, True), one.stdout

    (scenes / "both.toml").write_text("nam = 3")
    wrong = run_pytest(tmp_path, *options)
    assert wrong.returncode == 2
    assert "both.toml: unknown key 'nam'" in wrong.stdout
    assert "did you mean 'name'?" in wrong.stdout


def test_scenes_that_are_not_there_are_a_usage_error(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, "--facewright-scenes", "none")
    assert done.returncode == 4
    assert "there is no such file or folder" in done.stderr


def test_without_its_options_the_plugin_collects_and_imports_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("this is no scene")
    (tmp_path / "test_plain.py").write_text(
        "import sys\n"
        "def test_plain():\n"
        "    assert 'facewright_pytest' in sys.modules\n"
        "    heavy = {'facewright', 'grpc', 'numpy', 'PIL', 'flip_evaluator'} & set(sys.modules)\n"
        "    assert not heavy, heavy\n"
    )
    done = run_pytest(tmp_path)
    assert (done.returncode, "1 passed" in done.stdout) == (0, True), done.stdout
    assert not (tmp_path / "out").exists()
    assert "accepted pictures" not in done.stdout


def test_a_second_load_under_the_name_of_the_entry_point_is_the_same_plugin(tmp_path: Path) -> None:
    """Installed, pytest loads it by its entry point, and `-p` may say it as well."""
    metadata = tmp_path / "site" / "toy-1.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: toy\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[pytest11]\nfacewright_pytest = facewright_pytest\n")
    (tmp_path / "test_plain.py").write_text("def test_plain(): pass\n")
    surroundings = environment()
    surroundings["PYTHONPATH"] = os.pathsep.join([str(tmp_path / "site"), surroundings["PYTHONPATH"]])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "facewright_pytest", "-p", "no:asyncio", "-p", "no:hypothesispytest",
         "-p", "no:xdist", "-c", os.devnull, "test_plain.py"],
        cwd=tmp_path,
        env=surroundings,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert (done.returncode, "1 passed" in done.stdout) == (0, True), done.stdout + done.stderr
