"""The layers hold: statically by import-linter, and for the client at run time as well."""

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = (
    "torch", "numpy", "cv2", "PIL", "flip_evaluator", "pytest", "scipy", "dlib", "trimesh", "pyrender",
    "facewright_models",
)  # fmt: skip


def test_the_import_contracts_of_pyproject_hold(repository: Path, tmp_path: Path) -> None:
    command = [
        str(Path(sys.executable).with_name("lint-imports")),
        "--config", str(repository / "pyproject.toml"),
        "--cache-dir", str(tmp_path),
    ]  # fmt: skip
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Contracts: 6 kept, 0 broken" in done.stdout


@pytest.mark.parametrize(
    "module", ["facewright", "facewright.cli.main", "facewright.embedded", "facewright.testing"]
)
def test_importing_the_client_loads_nothing_heavy(module: str) -> None:
    program = f"import sys, {module}; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_importing_the_pytest_plugin_loads_pytest_and_nothing_of_ours() -> None:
    program = "import sys, facewright_pytest; print([n for n in sys.modules if n.startswith(('facewright', 'grpc'))])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['facewright_pytest']"


def test_generated_code_matches_its_protos(repository: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(repository / "proto" / "generate.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_python_package_hides_the_protos(repository: Path) -> None:
    assert not list((repository / "proto").rglob("__init__.py"))
