"""The pytest plugin of the render-regression kit: its options, and the fixture `assert_golden`.

pytest loads this in every run of an environment in which Facewright is installed. So it lies beside the client and not
in it, imports nothing but pytest, and does nothing until one of its options or fixtures is used; the work is done in
`facewright.testing.pytest_session` and `facewright.testing.pytest_items`.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from facewright.testing.pytest_session import AssertGolden, GoldenSession

__all__ = ["OUTCOMES", "assert_golden", "facewright_references", "golden_session"]

# The outcomes of a test, as plain values: pytest-xdist carries attributes of reports from its workers.
OUTCOMES = "facewright_golden"
_SCENES = "facewright_scenes"
_SESSION = "facewright-golden-session"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Every name begins with our own: this is loaded beside plugins that nobody here knows."""
    group = parser.getgroup("facewright", "frames and their accepted pictures (Facewright)")
    add = group.addoption
    add(
        "--facewright-scenes",
        action="append",
        default=[],
        metavar="PATH",
        help="collect the scenes of this file or folder as tests",
    )
    add("--facewright-frames", metavar="DIR", help="compare these PNG files with the scenes, draw nothing")
    add(
        "--facewright-references",
        metavar="DIR",
        help="accepted pictures (default: 'references' beside the scenes; for assert_golden below the root folder)",
    )
    add(
        "--facewright-server",
        metavar="HOST:PORT",
        help="draws the scenes (default: the one that commands share)",
    )
    add(
        "--facewright-backend",
        default="",
        metavar="NAME",
        help="who draws (default: as the source is called)",
    )
    add(
        "--facewright-platform",
        default="",
        metavar="NAME",
        help="what it is drawn on (default: this machine's)",
    )
    add(
        "--facewright-out",
        metavar="DIR",
        help="folder of the reports (default: out/golden below the root folder)",
    )
    add(
        "--facewright-update",
        metavar="MESSAGE",
        help="accept what differs or has no reference, for this reason; such tests still fail, and say so",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Scenes are collected beside what else was named, unless some of them were named themselves."""
    places = [Path(name).absolute() for name in config.getoption(_SCENES, default=[])]
    for path in places:
        if not path.exists():
            raise pytest.UsageError(f"--facewright-scenes {path}: there is no such file or folder")
        if not any(_concerns(argument, path) for argument in config.args):
            config.args.append(str(path))
    if places:
        config.pluginmanager.register(_SceneCollector(places), "facewright-golden-scenes")
    config.pluginmanager.register(_Gatherer(config), "facewright-golden-gatherer")


@pytest.hookimpl(hookwrapper=True)  # the kind that every version of pytest knows
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    """The outcomes of a test travel with the report of its call."""
    made = yield
    outcomes = getattr(item, OUTCOMES, None)
    if outcomes:
        report = made.get_result()
        if report.when == "call":
            setattr(report, OUTCOMES, outcomes)


@pytest.fixture(scope="session")
def facewright_references(pytestconfig: pytest.Config) -> Path:
    """Where the accepted pictures of `assert_golden` lie. Override it in a conftest.py for another folder."""
    said = pytestconfig.getoption("facewright_references", default=None)
    return Path(said).absolute() if said else pytestconfig.rootpath / "references"


@pytest.fixture
def assert_golden(request: pytest.FixtureRequest, facewright_references: Path) -> AssertGolden:
    """`assert_golden(image, "name")` fails unless the image is the accepted one of that name.

    The image: a path or the bytes of a PNG, a Pillow image, or an array, (H, W[, C]) uint8 or (H, W) uint16. Keyword
    arguments: `thresholds` (`facewright.testing.Thresholds`), `ignored_boxes`, `ignored_mask`, `backend`, `pass_name`.
    """
    from facewright.testing.pytest_session import AssertGolden

    return AssertGolden(golden_session(request.config), request.node, facewright_references)


def golden_session(config: pytest.Config) -> GoldenSession:
    """The one of this process; made when it is first asked for."""
    from facewright.testing.pytest_session import GoldenSession

    session = config.pluginmanager.get_plugin(_SESSION)
    if not isinstance(session, GoldenSession):
        session = GoldenSession(config)
        config.pluginmanager.register(session, _SESSION)
    return session


class _SceneCollector:
    """Collects the files of scenes that were asked for."""

    def __init__(self, places: list[Path]) -> None:
        self._places = places

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        from facewright.testing.pytest_items import scene_file_of

        return scene_file_of(file_path, parent, self._places)


class _Gatherer:
    """Outcomes of all tests, those of pytest-xdist's workers included, become one report at the end."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._outcomes: list[dict[str, Any]] = []
        self._lines: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._outcomes += getattr(report, OUTCOMES, ())

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        is_worker = hasattr(self._config, "workerinput")
        if self._outcomes and not is_worker:
            from facewright.testing.pytest_session import write_session_reports

            self._lines = write_session_reports(self._config, self._outcomes)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self._lines:
            terminalreporter.section("frames and their accepted pictures")
            for line in self._lines:
                terminalreporter.write_line(line)


def _concerns(argument: str, path: Path) -> bool:
    """Whether an argument of the command line collects `path` as well, or chooses something in it."""
    named = Path(argument.split("::")[0]).absolute()
    return named == path or named in path.parents or path in named.parents
