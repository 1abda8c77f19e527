"""``facewright capture``: prompts and a clip become a folder that training reads."""

import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from facewright.cli.recording import PromptSpan, open_camera, record
from facewright.errors import InvalidInputError
from facewright.expressions import CapturePrompt
from facewright_models.expression import DEGREES
from facewright_models.expression.captures import read_capture
from facewright_models.expression.prompts import CAPTURE_PROMPTS
from unit.server.fakes.media import picture
from unit.server.fakes.running import run_cli, running
from unit.server.test_expression_sources import clip

WHOLE_SECS = sum(prompt.duration_secs for prompt in CAPTURE_PROMPTS)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_a_recording_is_labelled_by_the_prompts_and_training_reads_it(tmp_path: Path) -> None:
    (tmp_path / "me.MP4").write_bytes(clip([90] * round(10 * WHOLE_SECS + 10)))
    async with running() as live:
        done = await run_cli(
            "capture",
            "--clip",
            "me.MP4",
            "--start",
            "0.5",
            "--server",
            live.address,
            "--out",
            "o",
            cwd=tmp_path,
        )
        from facewright import AsyncClient

        async with AsyncClient(live.address) as client:
            assert await client.list_media() == ()
    assert done.code == 0, done.err
    assert done.err == ""
    assert names(tmp_path / "o") == ["capture.json", "clip.mp4"]
    assert (tmp_path / "o" / "clip.mp4").read_bytes() == (tmp_path / "me.MP4").read_bytes()
    capture = read_capture(tmp_path / "o")
    assert len(capture.spans) == len(CAPTURE_PROMPTS)
    assert capture.spans[-1].end_secs == pytest.approx(0.5 + WHOLE_SECS)
    smile = next(span for span in capture.spans if span.name == "smile")
    middle = capture.degrees_at((smile.start_secs + smile.end_secs) / 2)
    assert middle is not None
    assert middle["smile"] == pytest.approx(0.5)
    assert capture.degrees_at(0.25) is None
    reached = {
        name for span in capture.spans for name in DEGREES if span.from_degrees[name] != span.to_degrees[name]
    }
    assert reached == set(DEGREES)


async def test_prompts_after_the_end_of_the_clip_are_left_out_and_said(tmp_path: Path) -> None:
    (tmp_path / "short.mp4").write_bytes(clip([90] * 95))  # 9.5 s: rest, smile and back
    async with running() as live:
        done = await run_cli(
            "capture", "--clip", "short.mp4", "--server", live.address, "--out", "o", cwd=tmp_path
        )
        too_short = await run_cli(
            "capture",
            "--clip",
            "short.mp4",
            "--start",
            "8",
            "--server",
            live.address,
            "--out",
            "p",
            cwd=tmp_path,
        )
    assert done.code == 0
    assert f"{len(CAPTURE_PROMPTS) - 3} of {len(CAPTURE_PROMPTS)} prompts" in done.error_line
    assert [span.name for span in read_capture(tmp_path / "o").spans] == ["rest", "smile", "smile_back"]
    assert too_short.code == 2
    assert "lasts 9.5 s" in too_short.error_line
    assert names(tmp_path) == ["o", "short.mp4"]


async def test_the_prompts_are_listed(tmp_path: Path) -> None:
    async with running() as live:
        said = await run_cli("capture", "--list", "--server", live.address, cwd=tmp_path)
        listed = await run_cli("capture", "--list", "--json", "--server", live.address, cwd=tmp_path)
    assert len(said.out.splitlines()) == len(CAPTURE_PROMPTS)
    assert said.out.startswith("  0.0 s  Look straight into the camera")
    assert [entry["name"] for entry in json.loads(listed.out)] == [prompt.name for prompt in CAPTURE_PROMPTS]
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "o"], "expected --camera N, --clip FILE or --list"),
        (["--clip", "me.png"], "expected --out DIR"),
        (["--clip", "missing.mp4", "--out", "o"], "missing.mp4: No such file"),
        (["--clip", "me.png", "--out", "o"], "is a picture; expected a video"),
        (["--clip", "text.mp4", "--out", "o"], "neither an image nor a video"),
        (["--clip", "me.png", "--start", "nan", "--out", "o"], "--start nan"),
        (["--clip", "me.png", "--start", "-1", "--out", "o"], "--start -1"),
        (["--clip", "me.png", "--out", "me.png"], "is a file"),
        (["--camera", "0", "--clip", "me.png", "--out", "o"], "not allowed with"),
    ],
)
async def test_what_cannot_be_recorded_is_one_line_code_2_and_no_files(
    arguments: list[str], message: str, tmp_path: Path
) -> None:
    (tmp_path / "me.png").write_bytes(picture())
    (tmp_path / "text.mp4").write_text("no video")
    before = names(tmp_path)
    async with running() as live:
        done = await run_cli("capture", *arguments, "--server", live.address, cwd=tmp_path)
    assert done.code == 2
    assert message in done.error_line
    assert names(tmp_path) == before


class Clock:
    """Time passes when somebody asks the camera."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


class FakeOpenCv:
    """As much of OpenCV as recording needs; its camera gives pictures whose shade is their number."""

    CAP_PROP_FPS = 5

    def __init__(self, clock: Clock, *, is_there: bool = True, secs: float = 0.1, limit: int = 10**6) -> None:
        self.clock, self.is_there, self.secs, self.limit = clock, is_there, secs, limit
        self.count = 0
        self.written: list[int] = []
        self.is_released = False

    def VideoCapture(self, index: int) -> Any:  # noqa: N802 - OpenCV's name
        return self

    def VideoWriter(self, path: str, code: int, fps: float, size: tuple[int, int]) -> Any:  # noqa: N802
        self.fps, self.size = fps, size
        return SimpleNamespace(
            isOpened=lambda: True,
            write=lambda picture: self.written.append(int(picture[0, 0, 0])),
            release=lambda: None,
        )

    def VideoWriter_fourcc(self, *letters: str) -> int:  # noqa: N802
        return len(letters)

    def isOpened(self) -> bool:  # noqa: N802
        return self.is_there

    def get(self, prop: int) -> float:
        return 20.0

    def read(self) -> tuple[bool, Any]:
        self.clock.now += self.secs
        self.count += 1
        return self.count <= self.limit, np.full((24, 32, 3), self.count % 256, np.uint8)

    def release(self) -> None:
        self.is_released = True


def spans() -> list[PromptSpan]:
    one, two = (CapturePrompt(name, f"Do {name}.", 1.0, {}, {}) for name in ("this", "that"))
    return [PromptSpan(one, 0.0, 1.0), PromptSpan(two, 1.0, 2.0)]


def test_a_camera_is_recorded_at_a_constant_rate_while_prompts_are_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    clock, told = Clock(), io.StringIO()
    cv2 = FakeOpenCv(clock, secs=0.1)  # ten pictures a second for a clip of twenty frames a second
    monkeypatch.setitem(sys.modules, "cv2", cv2)
    camera = open_camera(0)
    record(camera, tmp_path / "clip.mp4", spans(), told, clock=clock, ready_secs=3.0)
    camera.close()
    assert (cv2.fps, cv2.size, cv2.is_released) == (20.0, (32, 24), True)
    assert len(cv2.written) == pytest.approx(2.0 * 20, abs=3)
    assert cv2.written == sorted(cv2.written)
    assert max(np.bincount(cv2.written)) <= 3
    assert cv2.written[0] > 25  # nothing of the time before the first prompt
    lines = told.getvalue().splitlines()
    assert lines == ["The recording begins in 3 seconds.", "  0.0 s  Do this.", "  1.0 s  Do that."]


def test_a_camera_that_is_not_there_or_gives_nothing_is_a_clear_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    clock = Clock()
    monkeypatch.setitem(sys.modules, "cv2", FakeOpenCv(clock, is_there=False))
    with pytest.raises(InvalidInputError, match="camera 7 cannot be opened"):
        open_camera(7)
    monkeypatch.setitem(sys.modules, "cv2", FakeOpenCv(clock, limit=1, secs=1.0))
    with pytest.raises(InvalidInputError, match="gave no picture"):
        record(open_camera(0), tmp_path / "clip.mp4", spans(), io.StringIO(), clock=clock, ready_secs=0.0)


def test_a_machine_without_opencv_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(InvalidInputError, match=r"pip install opencv-python.*--clip FILE"):
        open_camera(0)
