"""What the pytest plugin does once it is used: frames of tests are judged, and reported together."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from facewright._retry import Retry
from facewright.client import Client
from facewright.shared import shared_server
from facewright.testing.errors import NoFrameError, SceneFileError
from facewright.testing.extra import require_extra
from facewright.testing.outcomes import UPDATED, PassOutcome, RunOutcome
from facewright.testing.references import ReferenceKey, ReferenceStore, this_platform, this_user
from facewright.testing.regions import Box
from facewright.testing.scenes import NAME_PATTERN, PASS_PATTERN, Scene
from facewright.testing.sources import FolderFrames, FrameSource, ServerFrames
from facewright.testing.thresholds import Thresholds

__all__ = ["AssertGolden", "GoldenSession", "golden_message", "write_session_reports"]

# Named by the plugin as well, which this module does not import.
_OUTCOMES = "facewright_golden"
_FIXTURE_BACKEND = "frames"


class GoldenSession:
    """One process of a test run: its options, its connection, and which test has which name."""

    def __init__(self, config: pytest.Config) -> None:
        require_extra()
        self._options = config.option
        self.out = _out_folder(config)
        self._client: Client | None = None
        self._owners: dict[tuple[str, str], str] = {}

    def pytest_unconfigure(self) -> None:
        """The connection ends with the run."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def source_of(self, scene: Scene) -> FrameSource:
        """Who has the frames of a scene. Raises `NoFrameError`, `ServerUnavailableError`."""
        frames = self._options.facewright_frames
        if scene.source == "server" or (scene.source == "any" and not frames):
            return ServerFrames(self._connected())
        if not frames:
            raise NoFrameError(
                f"the scene {scene.name!r} is of another renderer (source = 'frames'); say with --facewright-frames "
                "where its frames lie"
            )
        return FolderFrames(Path(frames))

    def judge(
        self, item: pytest.Item, scene: Scene, pass_name: str, content: bytes, references: Path, backend: str
    ) -> PassOutcome:
        """Compare PNG bytes with the accepted pictures, accept them where the run was told to, and note the outcome."""
        from facewright.testing.judging import Judge

        owner = self._owners.setdefault((scene.name.lower(), pass_name), item.nodeid)
        if owner != item.nodeid:
            raise SceneFileError(
                f"{item.nodeid}: the name {scene.name!r} is also that of {owner}; give each its own"
            )
        key = ReferenceKey(
            self._options.facewright_backend or backend, self._options.facewright_platform or this_platform()
        )
        store = ReferenceStore(references)
        outcome = Judge(store, key, self.out).judge(scene, pass_name, content)
        message = self._options.facewright_update
        if message is not None and outcome.is_acceptable:
            outcome = _accepted(outcome, store, content, message)
        note_outcome(item, outcome)
        return outcome

    def _connected(self) -> Client:
        if self._client is None:
            retry = Retry(wait_when_busy=True)
            address = self._options.facewright_server
            if address:
                self._client = Client(
                    address, token=os.environ.get("FACEWRIGHT_TOKEN", "").strip(), retry=retry
                )
            else:
                server = shared_server()
                self._client = Client(server.address, token=server.token, retry=retry)
        return self._client


class AssertGolden:
    """What the fixture `assert_golden` gives: call it with an image and a name."""

    def __init__(self, session: GoldenSession, item: pytest.Item, references: Path) -> None:
        self._session = session
        self._item = item
        self._references = references

    def __call__(
        self,
        image: object,
        name: str,
        *,
        thresholds: Thresholds | None = None,
        ignored_boxes: Sequence[Box] = (),
        ignored_mask: Path | None = None,
        pass_name: str = "color",  # noqa: S107 - a pass of a frame
        backend: str = _FIXTURE_BACKEND,
    ) -> PassOutcome:
        """Compare; fails the test unless the image is as accepted. Returns how near it is.

        `pass_name` ``labels`` or ``depth`` compares by value unless `thresholds` say otherwise. Raises `GoldenError`
        for an image or a name that cannot be used.
        """
        from facewright.testing.pictures import as_picture, encode_picture

        if not NAME_PATTERN.fullmatch(name) or not PASS_PATTERN.fullmatch(pass_name):
            raise SceneFileError(
                f"{self._item.nodeid}: got the name {name!r} and the pass {pass_name!r}; expected letters, digits "
                "and '_', in a name also '-', '+' and '.'"
            )
        scene = Scene(
            name,
            passes=(pass_name,),
            thresholds={pass_name: thresholds} if thresholds else {},
            ignored_boxes=tuple(ignored_boxes),
            ignored_mask=ignored_mask,
        )
        if isinstance(image, (bytes, bytearray)):
            content = bytes(image)
        elif isinstance(image, (str, Path)):
            content = Path(image).read_bytes()
        else:
            content = encode_picture(as_picture(image, source=name).pixels)
        outcome = self._session.judge(self._item, scene, pass_name, content, self._references, backend)
        if outcome.needs_attention:
            pytest.fail(golden_message(outcome, self._session.out), pytrace=False)
        return outcome


def note_outcome(item: pytest.Item, outcome: PassOutcome) -> None:
    """For the report of the run."""
    setattr(item, _OUTCOMES, [*getattr(item, _OUTCOMES, ()), asdict(outcome)])


def golden_message(outcome: PassOutcome, out: Path) -> str:
    """What a failing test says; `out` is the folder of the run."""
    lines = [f"{outcome.name}: {outcome.status}: {outcome.summary}"]
    lines += [f"  {what}: {out / name}" for what, name in outcome.files.items()]
    return "\n".join(lines)


def write_session_reports(config: pytest.Config, outcomes: Sequence[Mapping[str, Any]]) -> list[str]:
    """Report.html, report.json and junit.xml of all tests; what to print about them."""
    from facewright.testing.reports import remove_earlier_run, write_reports

    out = _out_folder(config)
    run = RunOutcome.from_json(
        {
            **RunOutcome([], datetime.now(timezone.utc).isoformat(timespec="seconds")).to_json(),
            "passes": list(outcomes),
        },
        source="the outcomes of the tests",
    )
    counts = Counter(outcome.name for outcome in run.passes)
    run = replace(
        run,
        seconds=round(sum(outcome.seconds for outcome in run.passes), 3),
        notes=[f"{name} was compared {count} times" for name, count in counts.items() if count > 1],
    )
    remove_earlier_run(out, but=[name for outcome in run.passes for name in outcome.files.values()])
    paths = write_reports(run, out)
    return [run.headline, str(paths["html"])]


def _accepted(outcome: PassOutcome, store: ReferenceStore, content: bytes, message: str) -> PassOutcome:
    if not message.strip():
        raise SceneFileError("got an empty --facewright-update; say in a few words why the frame is right")
    path = store.accept(
        content,
        scene=outcome.scene,
        pass_name=outcome.pass_name,
        folder=outcome.reference_folder,
        message=message.strip(),
        accepted_by=this_user(),
    )
    return replace(
        outcome, status=UPDATED, summary=f"accepted as {path}; look at it, and run again ({outcome.summary})"
    )


def _out_folder(config: pytest.Config) -> Path:
    said = config.getoption("facewright_out", default=None)
    return Path(said).absolute() if said else config.rootpath / "out" / "golden"
