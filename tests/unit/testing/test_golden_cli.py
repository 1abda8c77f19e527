"""`facewright golden`, from a first frame to an accepted change."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facewright.cli.main import main
from facewright.testing.pictures import encode_picture
from unit.server.fakes.running import run_cli, running, start_cli, until


@pytest.fixture
def here(tmp_path: Path, frames: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with the folder `frames` in it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def golden(*arguments: object) -> int:
    return main(["golden", *map(str, arguments)])


def files(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_a_folder_of_frames_from_the_first_look_to_an_accepted_change(
    here: Path, picture: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ("run", "--frames", "frames", "--backend", "unity", "--platform", "ps5")
    assert golden(*run) == 1
    assert "0 of 2 pictures as accepted, 2 without a reference" in capsys.readouterr().out
    assert not (here / "references").exists()

    assert golden("accept", "hero", "villain/color", "--message", "first", "--by", "ann") == 0
    assert files(here / "references") == [
        f"{scene}/unity-ps5/color.{kind}" for scene in ("hero", "villain") for kind in ("json", "png")
    ]
    assert (here / "references/hero/unity-ps5/color.png").read_bytes() == (
        here / "frames/hero.png"
    ).read_bytes()
    assert golden(*run) == 0
    assert files(here / "out/golden") == ["junit.xml", "report.html", "report.json"]

    (here / "frames/hero.png").write_bytes(encode_picture(np.roll(picture, 3, 1)))
    capsys.readouterr()
    assert golden(*run) == 1
    assert golden("review", "--no-open") == 0
    shown = capsys.readouterr().out
    assert "hero/color: different" in shown
    command = next(line for line in shown.splitlines() if line.strip().startswith("accept"))
    expected = "facewright golden accept hero/color --run out/golden --references references --message WHY"
    assert " ".join(command.split()[1:]) == expected

    assert main(command.split()[2:]) == 0
    assert golden(*run) == 0
    assert len(files(here / "references/hero")) == 4
    (here / "frames/hero.png").write_bytes(encode_picture(picture))  # the old one is still accepted
    assert golden(*run) == 0


def test_json_says_what_the_report_says(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert golden("run", "--frames", "frames", "--json") == 1
    assert json.loads(capsys.readouterr().out) == json.loads((here / "out/golden/report.json").read_text())
    assert golden("accept", "--all", "--yes", "--message", "m", "--json", "--level", "common") == 0
    assert json.loads(capsys.readouterr().out)["accepted"] == [
        "references/hero/common/color.png",
        "references/villain/common/color.png",
    ]
    assert golden("run", "--frames", "frames", "--backend", "unreal") == 0
    capsys.readouterr()
    assert golden("review", "--json") == 0
    assert json.loads(capsys.readouterr().out)["attention"] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run"], "got neither scenes nor --frames"),
        (["run", "none.toml"], "none.toml is not there"),
        (["run", "--frames", "none"], "none is no folder"),
        (["run", "--frames", "frames", "--backend", "../x"], "the backend is '../x'"),
        (["run", "--frames", "frames", "--platform", "common"], "the platform is 'common'"),
        (["run", "--frames", "frames", "--out", "frames/hero.png"], "is a file"),
        (["review"], "run 'facewright golden run' first"),
        (["accept", "hero", "--message", "m"], "run 'facewright golden run' first"),
        (["accept", "hero", "--message", " "], "empty --message"),
    ],
)
def test_bad_input_is_one_line_and_code_2(
    arguments: list[str], message: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert golden(*arguments) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert message in line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nothing to accept"),
        (["hero", "--all"], "both scenes and --all"),
        (["nobody"], "has no 'nobody'; waiting to be accepted: hero/color, villain/color"),
        (["hero", "nobody"], "has no 'nobody'"),
        (["--all"], "would accept 2 pictures and nobody can be asked"),
    ],
)
def test_nothing_is_accepted_that_was_not_named(
    arguments: list[str], message: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    golden("run", "--frames", "frames")
    capsys.readouterr()
    assert golden("accept", *arguments, "--message", "m") == 2
    assert message in capsys.readouterr().err
    assert not (here / "references").exists()


def test_a_frame_that_was_changed_after_the_run_is_not_accepted(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    golden("run", "--frames", "frames")
    (here / "out/golden/hero/color.actual.png").write_bytes((here / "frames/villain.png").read_bytes())
    assert golden("accept", "hero", "--message", "m") == 2
    assert "changed after the run" in capsys.readouterr().err
    assert not (here / "references").exists()


def test_references_of_a_run_that_are_not_here_are_not_made_anew(
    here: Path, picture: np.ndarray, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    golden("run", "--frames", "frames")
    golden("accept", "--all", "--yes", "--message", "m")
    (here / "frames/hero.png").write_bytes(encode_picture(np.roll(picture, 3, 1)))
    golden("run", "--frames", "frames")
    monkeypatch.chdir(here / "frames")
    assert golden("accept", "hero", "--run", "../out/golden", "--message", "m") == 2
    assert "name the references with --references" in capsys.readouterr().err
    assert not (here / "frames/references").exists()
    assert (
        golden("accept", "hero", "--run", "../out/golden", "--references", "../references", "--message", "m")
        == 0
    )


def test_what_passed_cannot_be_accepted_again(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    golden("run", "--frames", "frames")
    golden("accept", "hero", "--message", "m")
    golden("run", "--frames", "frames")
    assert golden("accept", "hero", "--message", "m") == 2
    assert "hero has nothing to accept: it came out as passed" in capsys.readouterr().err


def test_a_typed_yes_accepts_everything_and_anything_else_nothing(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Terminal:
        def __init__(self, line: str) -> None:
            self._line = line

        def isatty(self) -> bool:
            return True

        def readline(self) -> str:
            return self._line

    golden("run", "--frames", "frames")
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    assert golden("accept", "--all", "--message", "m") == 2
    assert not (here / "references").exists()
    monkeypatch.setattr("sys.stdin", Terminal("yes\n"))
    assert golden("accept", "--all", "--message", "m") == 0
    assert "villain/color: no accepted picture" in capsys.readouterr().err


def test_damaged_frames_and_scenes_without_frames_are_code_2_and_the_others_are_compared(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    golden("run", "--frames", "frames")
    golden("accept", "--all", "--yes", "--message", "m")
    (here / "frames/hero.png").write_bytes(b"\x89PNG\r\n\x1a\n half")
    capsys.readouterr()
    assert golden("run", "--frames", "frames") == 2
    shown = capsys.readouterr().out
    assert "error              hero/color: the frame of hero/color is no PNG" in shown
    assert "1 of 2 pictures as accepted, 1 with an error" in shown


def test_frames_and_references_that_nobody_compares_are_said(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    golden("run", "--frames", "frames")
    golden("accept", "--all", "--yes", "--message", "m")
    (here / "hero.toml").write_text("")
    capsys.readouterr()
    assert golden("run", "hero.toml", "--frames", "frames") == 0
    shown = capsys.readouterr().out
    assert "not compared: villain.png" in shown
    assert "references of scenes that were not run: villain" in shown


def test_a_scene_of_another_renderer_needs_its_frames(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "hero.toml").write_text("source = 'frames'")
    assert golden("run", "hero.toml") == 2
    assert "say with --frames where its frames lie" in capsys.readouterr().out


def test_a_reader_that_leaves_does_not_turn_a_difference_into_success(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: Any, **__: Any) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("builtins.print", gone)
    assert golden("run", "--frames", "frames") == 1


SCENES = """
[defaults]
size_px = 64
[[scenes]]
name = "plain"
passes = ["color", "labels"]
[[scenes]]
name = "drawn_by_lot"
character = { random_seed = 3 }
expression = { jawOpen = 0.5 }
[[scenes]]
name = "unknown_action"
expression = { smileBig = 0.5 }
[[scenes]]
name = "unknown_pass"
passes = ["beauty"]
[[scenes]]
name = "with_preset"
preset = "no-such-preset"
"""


async def test_a_server_draws_scenes_and_its_errors_are_those_of_one_scene(tmp_path: Path) -> None:
    (tmp_path / "scenes.toml").write_text(SCENES)
    async with running() as live:
        run = ("golden", "run", "scenes.toml", "--server", live.address)
        first = await run_cli(*run, cwd=tmp_path)
        accept = await run_cli("golden", "accept", "--all", "--yes", "--message", "m", cwd=tmp_path)
        second = await run_cli(*run, "--json", cwd=tmp_path)
    assert first.code == 2, first.err
    assert accept.code == 0, accept.err
    assert accept.out.count("accepted ") == 3
    report = json.loads(second.out)
    assert {(one["scene"], one["pass_name"]): one["status"] for one in report["passes"]} == {
        ("plain", "color"): "passed",
        ("plain", "labels"): "passed",
        ("drawn_by_lot", "color"): "passed",
        ("unknown_action", "color"): "error",
        ("unknown_pass", "beauty"): "error",
        ("with_preset", "color"): "error",
    }
    assert (second.code, "no facial action" in second.out, "a server draws color" in second.out) == (
        2,
        True,
        True,
    )
    assert {one["backend"] for one in report["passes"] if one["backend"]} == {"facewright"}


async def test_a_server_that_nobody_answers_at_is_code_3(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("")
    done = await run_cli("golden", "run", "a.toml", "--server", "127.0.0.1:9", cwd=tmp_path)
    assert done.code == 3
    assert "127.0.0.1:9" in done.error_line


async def test_ctrl_c_leaves_whole_files_and_a_report_of_what_was_done(tmp_path: Path) -> None:
    lines = [f"[[scenes]]\nname = 's{number}'\nsize_px = 512" for number in range(400)]
    (tmp_path / "many.toml").write_text("\n".join(lines))
    out = tmp_path / "out" / "golden"
    async with running() as live:
        process = await start_cli("golden", "run", "many.toml", "--server", live.address, cwd=tmp_path)
        await until(lambda: len(list(out.glob("*/color.actual.png"))) >= 3, timeout_secs=30)
        process.send_signal(signal.SIGINT)
        shown, _ = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 130
    assert b"(interrupted)" in shown
    report = json.loads((out / "report.json").read_text())
    done = [one for one in report["passes"] if one["status"] == "missing-reference"]
    assert 3 <= len(done) < 400
    assert report["was_interrupted"]
    assert len(report["passes"]) == 400
    assert not list(out.rglob(".*"))
    assert {path.parent.name for path in out.glob("*/color.actual.png")} == {one["scene"] for one in done}
    for path in out.glob("*/color.actual.png"):
        assert path.read_bytes().endswith(b"IEND\xaeB`\x82")
