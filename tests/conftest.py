"""What all tests share: types checked at run time, and the real data where it is at hand."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from jaxtyping import install_import_hook

from with_egl import NO_EGL

# Before anything of the domain is imported: every annotation in it, array shapes included, is executed.
install_import_hook(["facewright_models", "facewright_renderer"], "runtime_types.checked")

REPOSITORY = Path(__file__).resolve().parent.parent
_NO_SHARED_DATA = "REAL DATA ABSENT"


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session", autouse=True)
def _no_shared_server_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Commands without --server use a server of this test run, which ends with it."""
    from facewright import stop_shared_server

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FACEWRIGHT_STATE_DIR", str(tmp_path_factory.mktemp("state")))
        yield
        stop_shared_server()


@pytest.fixture(scope="session", autouse=True)
def _processes_leave_nothing_behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What a killed child process leaves in its temporary folder goes with the folders of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(tmp_path_factory.mktemp("temporary")))
        yield


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real photos, clips and rigs; tests that ask for it skip, and say so, where it is absent."""
    shared = Path(os.environ.get("FACEWRIGHT_SHARED", REPOSITORY.parent / "shared"))
    data = shared / "data"
    if not (data / "README.md").is_file():
        pytest.skip(f"{_NO_SHARED_DATA}: {data} (set FACEWRIGHT_SHARED to the folder that holds data/)")
    return data


@pytest.fixture(scope="session")
def astronaut() -> np.ndarray:
    """A public-domain portrait, (512, 512, 3) uint8: Eileen Collins, NASA, as bundled by scikit-image."""
    from skimage import data

    return np.array(data.astronaut())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in plain words how much was not tested for want of real data."""
    skipped = terminalreporter.stats.get("skipped", [])
    without_data = [report for report in skipped if _NO_SHARED_DATA in str(report.longrepr)]
    if without_data:
        terminalreporter.section("tests without real data", sep="!", red=True, bold=True)
        terminalreporter.write_line(
            f"{len(without_data)} tests did not run: they need ../shared/data (or FACEWRIGHT_SHARED)."
        )
    without_egl = [report for report in skipped if NO_EGL in str(report.longrepr)]
    if without_egl:
        terminalreporter.section("tests without a renderer", sep="!", red=True, bold=True)
        terminalreporter.write_line(f"{len(without_egl)} tests did not run: this machine has no EGL driver.")
