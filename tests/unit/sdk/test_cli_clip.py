"""``facewright render`` of clips and by presets and cameras, in a process of its own."""

import asyncio
import json
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facewright import Character
from unit.server.fakes.running import run_cli, running, start_cli, until
from unit.server.fakes.studio import FakeStudio

CSV = "Timecode,BlendShapeCount,JawOpen\n1:0:0:0.0,61,0\n1:0:0:1.0,61,0.5\n1:0:0:2.0,61,1\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "c.json").write_text(Character("fake", "2.1.0", {"nose_width": 0.2}).to_json())
    (tmp_path / "smile.csv").write_text(CSV)
    return tmp_path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_a_clip_becomes_numbered_frames_with_their_times(folder: Path) -> None:
    async with running() as live:
        done = await run_cli(
            "render", "c.json", "--server", live.address, "--clip", "smile.csv", "--out", "o/smile", "--size", "32",
            "--json", cwd=folder,
        )  # fmt: skip
    assert done.code == 0, done.err
    files = [f"frame_0000{i}.png" for i in range(3)]
    assert names(folder / "o" / "smile") == [*files, "frames.json"]
    report = json.loads(done.out)
    assert report["files"] == files
    np.testing.assert_allclose(report["times_secs"], [0, 1 / 60, 2 / 60], atol=1e-6)
    kept = json.loads((folder / "o" / "smile" / "frames.json").read_text())
    assert kept == {name: report[name] for name in ("size_px", "files", "times_secs")}
    red = [np.asarray(Image.open(folder / "o" / "smile" / name))[9, 9, 0] for name in files]
    assert red == [0, 100, 200]


async def test_format_quality_pace_view_and_preset_are_passed_on(folder: Path) -> None:
    async with running() as live:
        done = await run_cli(
            "render", "c.json", "--server", live.address, "--clip", "smile.csv", "--format", "jpg", "--quality", "50",
            "--fps", "10", "--camera", "three-quarter", "--pitch", "7", "--preset", "full", "--size", "32", cwd=folder,
        )  # fmt: skip
        assert live.studio.presets == ["full"] * 3
    assert done.code == 0, done.err
    assert "3 frames of 32 px, 0.20 s of clip" in done.out
    assert names(folder / "frames")[0] == "frame_00000.jpg"
    with Image.open(folder / "frames" / "frame_00000.jpg") as picture:
        assert abs(int(np.asarray(picture)[20, 20, 1]) - (128 + 35)) < 5


async def test_a_turntable_needs_no_file(folder: Path) -> None:
    async with running() as live:
        done = await run_cli(
            "render", "c.json", "--server", live.address, "--camera", "turntable", "--frames", "8", "--out", "t",
            "--size", "16", cwd=folder,
        )  # fmt: skip
    assert done.code == 0, done.err
    assert len(names(folder / "t")) == 9


async def test_cameras_and_presets_count_for_single_frames_too(folder: Path) -> None:
    async with running() as live:
        done = await run_cli(
            "render", "c.json", "--server", live.address, "--camera", "profile", "--pitch", "10", "--preset", "draft",
            "--json", cwd=folder,
        )  # fmt: skip
        assert live.studio.presets == ["draft"]
    assert done.code == 0, done.err
    assert json.loads(done.out)["landmarks"][0]["x"] == 90.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--clip", "missing.csv"], "missing.csv"),
        (["--clip", "c.json"], "not an object with some of"),
        (["--clip", "bad.csv"], "jawOpne"),
        (["--clip", "empty.csv"], "0 frames"),
        (["--clip", "nan.csv"], "jawOpen is nan in frame 1"),
        (["--clip", "smile.csv", "--size", "0"], "size_px is 0"),
        (["--clip", "smile.csv", "--size", "16384"], "16384"),
        (["--clip", "smile.csv", "--fps", "0"], "fps is 0"),
        (["--clip", "smile.csv", "--quality", "40"], "jpeg_quality"),
        (["--clip", "smile.csv", "--expression", "jawOpen=1"], "--expression"),
        (["--clip", "smile.csv", "--frames", "9"], "--frames"),
        (["--camera", "turntable", "--frames", "0"], "--frames"),
        (["--fps", "30"], "--fps without a clip"),
    ],
)
async def test_a_bad_clip_is_one_line_code_2_and_no_files(
    arguments: list[str], message: str, folder: Path
) -> None:
    (folder / "bad.csv").write_text("jawOpne\n0.5\n")
    (folder / "empty.csv").write_text("jawOpen\n")
    (folder / "nan.csv").write_text("jawOpen\n0.5\nnan\n")
    before = names(folder)
    async with running() as live:
        done = await run_cli(
            "render", "c.json", "--server", live.address, *arguments, "--out", "o", cwd=folder
        )
    assert done.code == 2
    assert message in done.error_line
    assert names(folder) == before


async def test_an_interrupted_clip_ends_the_drawing_and_leaves_no_files(folder: Path) -> None:
    studio = FakeStudio(frame_secs=0.02)
    (folder / "long.csv").write_text("jawOpen\n" + "0.5\n" * 2000)
    before = names(folder)
    async with running(studio) as live:
        process = await start_cli(
            "render", "c.json", "--server", live.address, "--clip", "long.csv", "--out", "o", "--size", "16",
            cwd=folder,
        )  # fmt: skip
        await until(lambda: len(studio.drawn) > 5)
        process.send_signal(signal.SIGINT)
        await asyncio.wait_for(process.wait(), 10)
        await asyncio.sleep(0.2)
        drawn = len(studio.drawn)
        await asyncio.sleep(0.2)
        assert len(studio.drawn) == drawn < 2000
    assert process.returncode == 130
    assert names(folder) == before
