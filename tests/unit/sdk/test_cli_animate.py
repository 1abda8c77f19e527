"""``facewright animate`` in a process of its own: frames, videos, refusals, Ctrl-C."""

import asyncio
import io
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from facewright import AsyncClient, Character
from facewright_models.errors import NoFaceError
from facewright_models.expression import MOODS
from unit.server.fakes.animator import OWN, FakeAnimator, degrees_in
from unit.server.fakes.jobs import Office, office, working
from unit.server.fakes.running import run_cli, running, start_cli, until
from unit.server.fakes.studio import FakeStudio
from unit.server.test_expression_sources import clip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A photo, a video and a character."""
    buffer = io.BytesIO()
    Image.fromarray(np.full((8, 8, 3), 90, np.uint8)).save(buffer, "PNG")
    (tmp_path / "me.png").write_bytes(buffer.getvalue())
    (tmp_path / "me.mov").write_bytes(clip([60, 200, 90]))
    (tmp_path / "c.json").write_text(Character("fake", "2.1.0", {"nose_width": 0.2}).to_json())
    return tmp_path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def shown(folder: Path) -> list[dict[str, float]]:
    """Degrees of the frames of a folder."""
    return [degrees_in(np.asarray(Image.open(path))) for path in sorted(folder.glob("*.png"))]


@asynccontextmanager
async def at_work(**settings: Any) -> AsyncIterator[Office]:
    async with office(**settings) as desk, working(desk.config):
        yield desk


async def media_of(address: str) -> int:
    async with AsyncClient(address) as client:
        return len(await client.list_media())


async def test_a_photo_becomes_numbered_frames_with_their_times(folder: Path) -> None:
    async with running() as live:
        done = await run_cli(
            "animate", "me.png", "--server", live.address, "--smile", "0:1", "--eyes", "1:0:1", "--brows", "0.5",
            "--easing", "linear", "--frames", "5", "--fps", "10", "--json", "--out", "o/smile", cwd=folder,
        )  # fmt: skip
    assert done.code == 0, done.err
    files = [f"frame_0000{index}.png" for index in range(5)]
    assert names(folder / "o" / "smile") == [*files, "frames.json"]
    report = json.loads(done.out)
    assert report["files"] == files
    assert report["times_secs"] == [0.0, 0.1, 0.2, 0.3, 0.4]
    assert (report["width"], report["height"]) == (64, 48)
    assert report["own_degrees"] == pytest.approx(OWN)
    assert report["notices"][0]["code"] == "SEVERAL_FACES"
    kept = json.loads((folder / "o" / "smile" / "frames.json").read_text())
    assert kept == {name: report[name] for name in kept}
    degrees = shown(folder / "o" / "smile")
    assert [frame["smile"] for frame in degrees] == pytest.approx([0, 0.25, 0.5, 0.75, 1], abs=0.01)
    assert [frame["left_eye"] for frame in degrees] == pytest.approx([1, 0.5, 0, 0.5, 1], abs=0.01)
    assert {frame["brow_raise"] for frame in degrees} == {0.5}


async def test_every_degree_has_an_option_and_moods_come_one_after_the_other(folder: Path) -> None:
    options = {
        "--left-eye": "left_eye", "--right-eye": "right_eye", "--frown": "frown", "--jaw": "jaw", "--sad": "sad",
        "--nose": "nose_wrinkle", "--brows": "brow_raise",
    }  # fmt: skip
    async with running() as live:
        given = [text for option in options for text in (option, "0.5")]
        done = await run_cli(
            "animate", "me.png", "--server", live.address, *given, "--frames", "1", "--out", "all", cwd=folder
        )
        assert done.code == 0, done.err
        assert live.studio.animated == [dict.fromkeys(live.studio.animated[0], 0.5)]
        assert set(live.studio.animated[0]) == set(options.values())
        assert "1 frames of 64 x 48 px" in done.out
        assert "SEVERAL_FACES" in done.err
        live.studio.animated.clear()
        done = await run_cli(
            "animate", "me.png", "--server", live.address, "--mood", "smile,serious,sad", "--frames", "3", "--out",
            "moods", cwd=folder,
        )  # fmt: skip
        assert done.code == 0, done.err
        assert [frame["sad"] for frame in live.studio.animated] == pytest.approx(
            [MOODS[mood]["sad"] for mood in ("smile", "serious", "sad")]
        )
        live.studio.animated.clear()
        done = await run_cli(
            "animate",
            "me.png",
            "--server",
            live.address,
            "--mood",
            "sad",
            "--frames",
            "2",
            "--out",
            "sad",
            cwd=folder,
        )
        assert [frame["smile"] for frame in live.studio.animated] == pytest.approx(
            [OWN["smile"], MOODS["sad"]["smile"]]
        )


async def test_a_file_of_keys_loop_order_and_relative_values(folder: Path) -> None:
    keys = {
        "curves": [
            {"name": "jaw", "keys": [{"time": 0, "value": 0.5, "easing": "hold"}, {"time": 1, "value": 0}]}
        ],
        "frame_count": 9,
        "loop": True,
    }
    (folder / "keys.json").write_text(json.dumps(keys))
    async with running() as live:
        done = await run_cli(
            "animate", "me.png", "--server", live.address, "--keys", "keys.json", "--smile=-0.25:0.25", "--relative",
            "--frames", "4", "--out", "o", cwd=folder,
        )  # fmt: skip
        assert done.code == 0, done.err
        assert [frame["jaw"] for frame in live.studio.animated] == pytest.approx([0.5, 0.5, 0.0, 0.5])
        assert [frame["smile"] for frame in live.studio.animated] == pytest.approx([0.0, 0.25, 0.5, 0.25])
        live.studio.animated.clear()
        done = await run_cli(
            "animate", "me.png", "--server", live.address, "--jaw", "0:1:0.5", "--order", "descending", "--frames", "3",
            "--out", "d", cwd=folder,
        )  # fmt: skip
        assert [frame["jaw"] for frame in live.studio.animated] == pytest.approx([1.0, 0.5, 0.0])


async def test_a_character_is_animated_with_the_same_options(folder: Path) -> None:
    async with running() as live:
        done = await run_cli(
            "animate", "--character", "c.json", "--server", live.address, "--jaw", "0:1", "--frames", "3", "--size",
            "32", "--json", "--out", "o", cwd=folder,
        )  # fmt: skip
        assert live.studio.drawn == sorted(live.studio.drawn)
    assert done.code == 0, done.err
    assert (json.loads(done.out)["width"], len(names(folder / "o"))) == (32, 4)


async def test_the_best_frame_of_a_video_or_the_one_that_is_named(folder: Path) -> None:
    async with running() as live:
        base = ("animate", "me.mov", "--server", live.address, "--jaw", "0:1", "--frames", "2", "--json")
        best = await run_cli(*base, "--out", "a", cwd=folder)
        named = await run_cli(*base, "--frame-index", "2", "--box", "4,0,30,30", "--out", "b", cwd=folder)
        assert await media_of(live.address) == 0  # what was sent is deleted
        async with AsyncClient(live.address) as client:
            media = (await client.upload_media((folder / "me.mov").read_bytes())).name
        by_name = await run_cli("animate", media, *base[2:], "--frame-index", "0", "--out", "c", cwd=folder)
    assert (best.code, named.code, by_name.code) == (0, 0, 0), named.err
    assert json.loads(best.out)["frame_index"] == 1
    assert json.loads(named.out)["frame_index"] == 2
    assert "the face at 4" in json.loads(named.out)["notices"][0]["message"]
    assert json.loads(by_name.out)["frame_index"] == 0


async def test_a_video_is_made_fetched_and_nothing_stays_on_the_server(folder: Path) -> None:
    async with at_work() as desk:
        done = await run_cli(
            "animate", "me.mov", "--server", desk.live.address, "--smile", "0:1", "--frames", "12", "--fps", "24",
            "--json", "--out", "o/smile.mp4", cwd=folder,
        )  # fmt: skip
        said = await run_cli(
            "animate", "me.png", "--server", desk.live.address, "--smile", "0:1", "--frames", "2", "--out", "b.mp4",
            cwd=folder,
        )  # fmt: skip
        left = await media_of(desk.live.address)
    assert done.code == 0, done.err
    report = json.loads(done.out)
    assert (report["width"], report["height"], report["frames"], report["fps"]) == (64, 48, 12, 24.0)
    assert report["frame_index"] == 1
    with av.open(str(folder / "o" / "smile.mp4")) as video:
        assert sum(1 for _ in video.decode(video=0)) == 12
    assert names(folder / "o") == ["smile.mp4"]
    assert "b.mp4: 2 frames of 64 x 48 px, in" in said.out
    assert "SEVERAL_FACES" in said.err
    assert left == 0


async def test_an_operation_of_a_video_is_listed_and_its_file_written_by_wait(folder: Path) -> None:
    from facewright import Curve, Motion

    async with at_work() as desk, AsyncClient(desk.live.address) as client:
        operation = await client.generate_expression_video(
            b"a photo", Motion([Curve.through("jaw", 1)], frame_count=3)
        )
        where = ("--server", desk.live.address)
        waited = await run_cli("operation", "wait", operation.name, "--out", "w.mp4", *where, cwd=folder)
        in_folder = await run_cli("operation", "wait", operation.name, "--out", "w", *where, cwd=folder)
        listed = await run_cli("operation", "list", *where)
        shown_one = await run_cli("operation", "show", operation.name, "--json", *where)
    assert waited.code == 0, waited.err
    assert waited.out == "w.mp4: 3 frames of 64 x 48 px\n"
    assert names(folder / "w") == ["expression.mp4"], in_folder.err
    assert (folder / "w.mp4").read_bytes() == (folder / "w" / "expression.mp4").read_bytes()
    assert "100% of a video" in listed.out
    assert json.loads(shown_one.out)["progress"] == 1.0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_an_interrupted_video_is_cancelled_on_the_server(
    number: signal.Signals, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_JOB_STEP_SECS", "0.05")
    before = names(folder)
    async with at_work() as desk, AsyncClient(desk.live.address) as client:
        command = await start_cli(
            "animate", "me.mov", "--server", desk.live.address, "--smile", "0:1", "--frames", "1000", "--out", "o.mp4",
            cwd=folder,
        )  # fmt: skip
        while not await client.list_operations(filter_text="done = false"):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)
        command.send_signal(number)
        out, err = await asyncio.wait_for(command.communicate(), 30)
        (operation,) = await client.list_operations()
        found = await client.get_operation(operation.name)
        assert await found.wait(20)
        left = await client.list_media()
    assert command.returncode == 130
    assert (out, err) == (b"", b"facewright: interrupted\n")
    assert names(folder) == before
    assert left == ()


async def test_interrupted_frames_end_the_drawing_and_leave_no_files(folder: Path) -> None:
    studio = FakeStudio(frame_secs=0.02)
    before = names(folder)
    async with running(studio) as live:
        process = await start_cli(
            "animate",
            "me.png",
            "--server",
            live.address,
            "--smile",
            "0:1",
            "--frames",
            "900",
            "--out",
            "o",
            cwd=folder,
        )
        await until(lambda: len(studio.animated) > 5)
        process.send_signal(signal.SIGINT)
        await asyncio.wait_for(process.wait(), 10)
        await asyncio.sleep(0.2)
        drawn = len(studio.animated)
        await asyncio.sleep(0.2)
        assert len(studio.animated) == drawn < 900
    assert process.returncode == 130
    assert names(folder) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["me.png"], "nothing would move"),
        (["--smile", "0:1"], "a photo, a video or --character"),
        (["me.png", "--character", "c.json", "--smile", "0:1"], "one of them"),
        (["missing.png", "--smile", "0:1"], "missing.png: No such file"),
        (["empty.png", "--smile", "0:1"], "empty.png is empty"),
        (["c.json", "--smile", "0:1"], "neither an image nor a video"),
        (["media/" + "0" * 32, "--smile", "0:1"], "there is no media"),
        (["me.png", "--smile", "0:wide"], "expected numbers like 0:1"),
        (["me.png", "--smile", "0:2"], "smile is 2.0 at time 1"),
        (["me.png", "--smile", "nan:1"], "smile is nan"),
        (["me.png", "--eyes", "0:1", "--left-eye", "1"], "contradict each other"),
        (["me.png", "--smile", "1", "--sad", "1"], "contradict each other"),
        (["me.png", "--mood", "merry"], "there is no mood 'merry'"),
        (["me.png", "--mood", "sad,"], "expected names like sad"),
        (["me.png", "--smile", "0:1", "--fps", "0"], "fps is 0"),
        (["me.png", "--smile", "0:1", "--frames", "0"], "frame_count is 0"),
        (["me.png", "--smile", "0:1", "--frames", "10000"], "frame_count is 10,000; expected 1 to 1,000"),
        (["me.png", "--smile", "0:1", "--frame-index", "0"], "only a video has frames"),
        (["me.mov", "--smile", "0:1", "--frame-index", "9"], "the video has no frame 9"),
        (["me.png", "--smile", "0:1", "--box", "64,0,5,5"], "the face box"),
        (["me.png", "--smile", "0:1", "--size", "64"], "--size with a photo"),
        (["--character", "c.json", "--smile", "0:1", "--box", "0,0,5,5"], "--box with a character"),
        (["--character", "c.json", "--smile", "0:1", "--size", "4"], "size_px is 4"),
        (["me.png", "--keys", "bad.json"], "smlie"),
        (["me.png", "--keys", "c.json"], "not an object with some of curves, moods"),
        (["me.png", "--keys", "moods.json", "--mood", "sad"], "--mood and moods"),
    ],
)
async def test_what_cannot_be_animated_is_one_line_code_2_and_no_files(
    arguments: list[str], message: str, folder: Path
) -> None:
    (folder / "empty.png").write_bytes(b"")
    (folder / "bad.json").write_text('{"curves": [{"name": "smlie", "keys": [{"time": 0, "value": 1}]}]}')
    (folder / "moods.json").write_text('{"moods": [{"time": 0, "mood": "sad"}]}')
    before = names(folder)
    async with running(job_workers=0) as live:
        done = await run_cli("animate", *arguments, "--server", live.address, "--out", "o", cwd=folder)
        assert await media_of(live.address) == 0
    assert done.code == 2
    assert message in done.error_line
    assert names(folder) == before


async def test_a_target_that_cannot_be_written_is_refused_before_anything_is_sent(folder: Path) -> None:
    (folder / "is.mp4").mkdir()
    for target, message in (
        ("me.png", "is a file"),
        ("me.png/o.mp4", "is a file"),
        ("is.mp4", "is a folder"),
        ("o.webm", "expected FILE.mp4"),
    ):
        done = await run_cli(
            "animate", "me.png", "--smile", "0:1", "--server", "127.0.0.1:1", "--out", target, cwd=folder
        )
        assert done.code == 2, target
        assert message in done.error_line


async def test_a_photo_without_a_face_is_code_2_for_frames_and_for_videos(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: object, photo: object, *, face_box: object = None) -> None:
        raise NoFaceError("no face was found in the photo")

    monkeypatch.setattr(FakeAnimator, "open", refuse)
    before = names(folder)
    async with at_work() as desk:
        for target in ("o", "o.mp4"):
            done = await run_cli(
                "animate",
                "me.png",
                "--smile",
                "0:1",
                "--server",
                desk.live.address,
                "--out",
                target,
                cwd=folder,
            )
            assert done.code == 2
            assert "no face was found" in done.error_line
        assert await media_of(desk.live.address) == 0
    assert names(folder) == before


async def test_no_server_is_code_3(folder: Path) -> None:
    done = await run_cli(
        "animate", "me.png", "--smile", "0:1", "--server", "127.0.0.1:1", "--out", "o", cwd=folder
    )
    assert done.code == 3
    assert len(done.error_line) > 20
