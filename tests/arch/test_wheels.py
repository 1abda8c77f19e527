"""The two wheels: what is in them, how large they are, and that the light one runs where nothing else is."""

import email.parser
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow

LARGEST_CLIENT_BYTES = 1_000_000
CLIENT_PACKAGES = {"facewright", "facewright_pytest"}
IMPORT_PROGRAM = """
import sys
import facewright, facewright.cli.main
from facewright.v1 import fitting_pb2, render_pb2, rig_pb2
heavy = [name for name in ("numpy", "torch", "PIL", "cv2", "facewright_server") if name in sys.modules]
assert not heavy, heavy
assert facewright.Character.from_json(facewright.Character(sliders={"a": 0.25}).to_json()).sliders == {"a": 0.25}
print("imported", ".".join(map(str, sys.version_info[:2])))
"""


def build_wheel(source: Path, folder: Path) -> Path:
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(folder),
        str(source),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def client_wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(repository / "sdk", tmp_path_factory.mktemp("client"))


@pytest.fixture(scope="module")
def full_wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(repository, tmp_path_factory.mktemp("full"))


def names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def metadata(wheel: Path) -> "email.message.Message[str, str]":
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return email.parser.Parser().parsestr(archive.read(name).decode())


def test_the_client_wheel_is_small_and_for_every_platform(client_wheel: Path) -> None:
    assert client_wheel.name.startswith("facewright_client-")
    assert client_wheel.name.endswith("-py3-none-any.whl")
    assert client_wheel.stat().st_size < LARGEST_CLIENT_BYTES


def test_the_client_wheel_holds_the_client_and_its_testing_kit_alone(client_wheel: Path) -> None:
    folders = {name.split("/")[0] for name in names(client_wheel)}
    assert {folder for folder in folders if not folder.endswith(".dist-info")} == CLIENT_PACKAGES
    assert "facewright/testing/reports/report.css" in names(client_wheel)
    assert any(name.endswith("entry_points.txt") for name in names(client_wheel))
    assert "facewright/v1/fitting_pb2.py" in names(client_wheel)
    assert "facewright/py.typed" in names(client_wheel)
    assert any(name.endswith("licenses/LICENSE") for name in names(client_wheel))


def test_both_wheels_have_the_same_client_and_the_same_needs_for_it(
    client_wheel: Path, full_wheel: Path
) -> None:
    for name in names(client_wheel):
        if name.split("/")[0] in CLIENT_PACKAGES:
            with zipfile.ZipFile(client_wheel) as light, zipfile.ZipFile(full_wheel) as heavy:
                assert light.read(name) == heavy.read(name), name
    light_needs = set(metadata(client_wheel).get_all("Requires-Dist", []))
    heavy_needs = {
        need
        for need in metadata(full_wheel).get_all("Requires-Dist", [])
        if "extra ==" not in need or "extra == 'testing'" in need
    }
    assert light_needs == heavy_needs
    assert any("flip-evaluator" in need for need in light_needs)
    assert not [need for need in light_needs if "extra ==" not in need and "numpy" in need]
    assert metadata(client_wheel)["Version"] == metadata(full_wheel)["Version"]
    assert metadata(client_wheel)["Requires-Python"] == ">=3.9"


def test_the_full_wheel_holds_every_package_with_its_data(full_wheel: Path, repository: Path) -> None:
    packed = set(names(full_wheel))
    packages = {name.split("/")[0] for name in packed if not name.split("/")[0].endswith(".dist-info")}
    assert packages == CLIENT_PACKAGES | {"facewright_server", "facewright_models", "facewright_renderer"}
    assert {f"{package}/py.typed" for package in packages} <= packed
    models = repository / "models"
    shipped = [
        *models.rglob("*.safetensors"),
        *models.rglob("*.toml"),
        *models.rglob("*.npz"),
        *models.rglob("*.json"),
    ]
    assert {path.relative_to(models).as_posix() for path in shipped} <= packed
    assert any(name.endswith("licenses/THIRD_PARTY_NOTICES.md") for name in packed)
    assert not [name for name in packed if "tests" in name.split("/") or name.endswith(".partial")]


def test_both_licence_texts_are_the_same(repository: Path) -> None:
    assert (repository / "LICENSE").read_bytes() == (repository / "sdk" / "LICENSE").read_bytes()


def interpreters() -> list[str]:
    """This Python, and the oldest one that is supported where it is at hand."""
    return [sys.executable, *([oldest] if (oldest := shutil.which("python3.9")) else [])]


@pytest.mark.parametrize("python", interpreters())
def test_the_client_runs_in_a_bare_environment(python: str, client_wheel: Path, tmp_path: Path) -> None:
    if subprocess.run([python, "-c", "import ensurepip"], capture_output=True, check=False).returncode != 0:
        pytest.skip(f"{python} cannot make an environment here")
    subprocess.run([python, "-m", "venv", str(tmp_path / "bare")], check=True)
    bare = tmp_path / "bare" / "bin"
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    clean["FACEWRIGHT_STATE_DIR"] = str(tmp_path / "state")  # another test's shared server would answer
    pip = [
        str(bare / "python"),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--retries",
        "1",
        "--disable-pip-version-check",
    ]
    done = subprocess.run([*pip, str(client_wheel)], capture_output=True, text=True, check=False, env=clean)
    if done.returncode != 0:
        pytest.skip(f"NO PACKAGE INDEX: pip could not install the client: {done.stderr.strip()[-300:]}")
    ran = subprocess.run(
        [str(bare / "python"), "-W", "error::SyntaxWarning", "-c", IMPORT_PROGRAM],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
        env=clean,
    )
    assert ran.returncode == 0, ran.stderr
    version = subprocess.run(
        [str(bare / "facewright"), "--version"], capture_output=True, text=True, check=True, env=clean
    )
    assert version.stdout.startswith("facewright ")
    no_server = subprocess.run(
        [str(bare / "facewright"), "rig", "list"], capture_output=True, text=True, check=False, env=clean
    )
    assert no_server.returncode == 3
    assert "--server HOST:PORT" in no_server.stderr
    no_extra = subprocess.run(
        [str(bare / "facewright"), "golden", "run"], capture_output=True, text=True, check=False, env=clean
    )
    assert no_extra.returncode == 2
    assert "facewright-client[testing]" in no_extra.stderr


def test_a_studio_compares_frames_with_the_client_wheel_and_its_extra_alone(
    client_wheel: Path, tmp_path: Path
) -> None:
    """No torch, no server: what a CI machine needs that only looks at the PNG files of an engine."""
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "studio")], check=True)
    studio = tmp_path / "studio" / "bin"
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    clean["PYTEST_ADDOPTS"] = ""
    done = subprocess.run(
        [str(studio / "python"), "-m", "pip", "install", "--quiet", "--retries", "1",
         "--disable-pip-version-check", f"{client_wheel}[testing]", "pytest"],
        capture_output=True, text=True, check=False, env=clean,
    )  # fmt: skip
    if done.returncode != 0:
        pytest.skip(f"NO PACKAGE INDEX: pip could not install the extra: {done.stderr.strip()[-300:]}")
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "hero.png").write_bytes(a_png())
    (tmp_path / "test_it.py").write_text(
        "from pathlib import Path\n"
        "def test_it(assert_golden):\n"
        "    assert_golden(Path('frames/hero.png'), 'hero')\n"
    )

    def studio_runs(*command: str) -> int:
        return subprocess.run(
            [str(studio / command[0]), *command[1:]],
            cwd=tmp_path,
            env=clean,
            capture_output=True,
            check=False,
        ).returncode

    assert studio_runs("facewright", "golden", "run", "--frames", "frames") == 1
    assert studio_runs("facewright", "golden", "accept", "--all", "--yes", "--message", "first") == 0
    assert studio_runs("facewright", "golden", "run", "--frames", "frames") == 0
    assert studio_runs("pytest", "-q") == 0  # the plugin by its entry point, the same references
    (tmp_path / "frames" / "hero.png").write_bytes(a_png(brightness=90))
    assert studio_runs("facewright", "golden", "run", "--frames", "frames") == 1
    assert studio_runs("pytest", "-q") == 1
    assert studio_runs("python", "-c", "import torch") != 0


def a_png(brightness: int = 120) -> bytes:
    from facewright.testing.pictures import encode_picture

    return encode_picture(np.full((40, 40, 3), brightness, np.uint8))
