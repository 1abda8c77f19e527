"""The command line, each command in a process of its own against a real server with a fake fitter."""

import asyncio
import contextlib
import hashlib
import importlib
import json
import os
import pty
import signal
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from facewright import Character, errors
from facewright.cli.output import write_folder
from facewright_models import errors as domain
from unit.server.fakes.running import environment, run_cli, running, start_cli, until
from unit.server.fakes.studio import PHOTO, FakeStudio, raising, raising_in_fit

ALL_FILES = ["character.json", "compare.png", "render.png", "report.json"]


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photos" / "me.jpg"
    path.parent.mkdir()
    path.write_bytes(PHOTO)
    return path


@pytest.fixture
def character(tmp_path: Path) -> Path:
    path = tmp_path / "character.json"
    path.write_text(Character("fake", "2.1.0", {"nose_width": 0.2}).to_json())
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def read_terminal(descriptor: int) -> str:
    """Everything a terminal was sent until its other end was closed."""
    parts = []
    try:
        while part := os.read(descriptor, 4096):
            parts.append(part)
    except OSError:  # how Linux says that the other end is closed
        pass
    os.close(descriptor)
    return b"".join(parts).decode()


async def test_fit_writes_its_four_files_and_says_how_well_it_went(photo: Path, tmp_path: Path) -> None:
    async with running() as live:
        done = await run_cli("fit", photo, "--server", live.address, "--out", tmp_path / "a" / "b")
    assert done.code == 0, done.err
    folder = tmp_path / "a" / "b"
    assert names(folder) == ALL_FILES
    assert Character.from_file(folder / "character.json").sliders["nose_width"] == 0.25
    with Image.open(folder / "compare.png") as comparison:
        assert comparison.size == (48, 16)
    assert json.loads((folder / "report.json").read_text())["seconds"]["total"] == 1.0
    assert "likeness 0.900" in done.out
    assert "GLASSES" in done.error_line
    assert names(tmp_path / "a") == ["b"]


async def test_fit_without_out_writes_below_out_by_the_name_of_the_photo(photo: Path, tmp_path: Path) -> None:
    async with running() as live:
        done = await run_cli("fit", photo, "--server", live.address, cwd=tmp_path)
    assert done.code == 0
    assert names(tmp_path / "out" / "me") == ALL_FILES


async def test_fit_json_prints_exactly_the_report(photo: Path, tmp_path: Path) -> None:
    async with running() as live:
        done = await run_cli("fit", photo, "--json", "--server", live.address, "--out", tmp_path / "o")
    assert done.out == (tmp_path / "o" / "report.json").read_text()
    assert done.err == ""
    assert list(json.loads(done.out)) == [
        "identity_cosine", "content_l1", "landmark_nme", "iterations", "seconds", "warnings", "confidence"
    ]  # fmt: skip


async def test_fit_passes_every_option_on(photo: Path, tmp_path: Path) -> None:
    async with running() as live:
        done = await run_cli(
            "fit", photo, photo, "--server", live.address, "--out", tmp_path / "o", "--rig", "other",
            "--box", "1,2,30,40", "--lock", "jaw_width=0.75", "--lock", "hair=bob", "--lock", "skin=#336699",
            "--seed", "9", "--iterations", "4", "--similarity-threshold", "0.5", "--alignment", "affine",
            "--content-norm", "l2", "--identity-weight", "0.5", "--mode", "fast",
        )  # fmt: skip
        assert done.code == 0, done.err
        seen, (subject,) = live.studio.options, live.studio.subjects
    assert (seen.seed, seen.iterations, seen.similarity_threshold, seen.alignment) == (9, 4, 0.5, "affine")
    assert (seen.content_norm, seen.identity_weight, seen.mode) == ("l2", 0.5, "fast")
    assert len(subject.photos) == 2
    assert subject.face_boxes[0].width == 30
    assert subject.face_boxes[1] is None
    made = Character.from_file(tmp_path / "o" / "character.json")
    assert (made.rig, made.sliders["jaw_width"], made.styles["hair"]) == ("other", 0.75, "bob")
    assert made.colors["skin"].blue == pytest.approx(0.6)


async def test_fit_replaces_its_files_in_a_folder_and_leaves_the_others(photo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "o"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    (folder / "report.json").write_text("old")
    async with running() as live:
        assert (await run_cli("fit", photo, "--server", live.address, "--out", folder)).code == 0
    assert names(folder) == sorted([*ALL_FILES, "notes.txt"])
    assert (folder / "report.json").read_text() != "old"


@pytest.mark.parametrize(
    ("content", "code", "text"),
    [
        (raising(domain.InvalidImageError), 2, "this is InvalidImageError"),
        (raising_in_fit(domain.NoFaceError), 2, "this is NoFaceError"),
        (raising_in_fit(domain.WeightsError), 4, "this is WeightsError"),
        (raising_in_fit(RuntimeError), 4, "internal error"),
        (raising_in_fit(domain.RenderUnavailableError), 3, "this is RenderUnavailableError"),
        (b"", 2, "empty"),
    ],
)
async def test_a_failing_fit_is_one_line_a_code_and_no_files(
    content: bytes, code: int, text: str, tmp_path: Path
) -> None:
    (tmp_path / "me.jpg").write_bytes(content)
    async with running() as live:
        done = await run_cli("fit", tmp_path / "me.jpg", "--server", live.address, "--out", tmp_path / "o")
    assert done.code == code
    assert text in done.error_line
    assert done.out == ""
    assert names(tmp_path) == ["me.jpg"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--rig", "nobody"], "nobody"),
        (["--lock", "nose=0.5"], "nose"),
        (["--lock", "nose_width=nan"], "nan"),
        (["--lock", "nose_width=1.5"], "1.5"),
        (["--lock", "hair=mohawk"], "mohawk"),
        (["--iterations", "0"], "iterations is 0"),
        (["--box", "99,0,9,9"], "64 x 48"),
        (["--box", "0,0,9,9", "--box", "0,0,9,9"], "2 boxes for 1 photos"),
        (["--seed", "-1"], "range"),
    ],
)
async def test_bad_values_are_one_line_and_code_2(
    arguments: list[str], text: str, photo: Path, tmp_path: Path
) -> None:
    async with running() as live:
        done = await run_cli("fit", photo, "--server", live.address, "--out", tmp_path / "o", *arguments)
    assert done.code == 2
    assert text in done.error_line
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    "arguments",
    [[], ["fly"], ["fit"], ["fit", "a.jpg", "--box", "1,2"], ["fit", "a.jpg", "--mode", "slow"],
     ["fit", "a.jpg", "--lock", "x"], ["render"], ["render", "c.json", "--passes", "colour"], ["rig"]],
    ids=" ".join,
)  # fmt: skip
async def test_a_bad_command_line_is_one_line_and_code_2(arguments: list[str]) -> None:
    done = await run_cli(*arguments)
    assert done.code == 2
    assert "--help" in done.error_line


async def test_a_photo_that_is_not_there_is_code_2_before_any_server_is_started(tmp_path: Path) -> None:
    done = await run_cli("fit", tmp_path / "no.jpg", "--out", tmp_path / "o")
    assert done.code == 2
    assert "no.jpg: No such file" in done.error_line


async def test_an_output_that_is_a_file_is_code_2_before_the_work(photo: Path) -> None:
    done = await run_cli("fit", photo, "--out", photo)
    assert done.code == 2
    assert "expected a folder" in done.error_line


@pytest.mark.parametrize("command", [["rig", "list"], ["rig", "show", "fake"]], ids=" ".join)
async def test_no_server_at_the_address_is_code_3(command: list[str]) -> None:
    done = await run_cli(*command, "--server", "127.0.0.1:1")
    assert done.code == 3
    assert "does not answer" in done.error_line


async def test_a_server_that_goes_away_during_a_fit_is_code_3_and_leaves_no_files(
    photo: Path, tmp_path: Path
) -> None:
    from unit.server.fakes.running import FAKE_SERVER

    server = await asyncio.create_subprocess_exec(
        *FAKE_SERVER, "0.05", tmp_path / "step", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL, env=environment(),
    )  # fmt: skip
    address = (await server.stdout.readline()).decode().split()[-1]
    command = await start_cli(
        "fit", photo, "--server", address, "--out", tmp_path / "o", "--iterations", "1000"
    )
    await until((tmp_path / "step").exists, timeout_secs=60)
    server.kill()
    out, err = await asyncio.wait_for(command.communicate(), 20)
    await server.communicate()
    assert command.returncode == 3
    assert len(err.decode().strip().splitlines()) == 1
    assert out == b""
    assert names(tmp_path) == ["photos", "step"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_of_which_grpc_makes_a_cancelled_call_is_an_interruption(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(arguments: object) -> None:
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(number)
        raise errors.CallCancelledError("the call was cancelled")

    module = importlib.import_module("facewright.cli.main")
    parser = SimpleNamespace(parse_args=lambda argv: SimpleNamespace(run=run))
    monkeypatch.setattr(module, "_parser", lambda: parser)
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    assert module.main([]) == 130
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_an_interrupted_fit_stops_the_work_and_leaves_no_files(
    number: signal.Signals, photo: Path, tmp_path: Path
) -> None:
    studio = FakeStudio(step_secs=0.02)
    async with running(studio) as live:
        command = await start_cli(
            "fit", photo, "--server", live.address, "--out", tmp_path / "o", "--iterations", "1000"
        )
        await until(lambda: studio.steps > 2)
        command.send_signal(number)
        out, err = await asyncio.wait_for(command.communicate(), 10)
        await until(lambda: studio.stopped_at is not None)
    assert command.returncode == 130
    assert (out, err) == (b"", b"facewright: interrupted\n")
    assert names(tmp_path) == ["photos"]


async def test_a_progress_bar_is_drawn_on_a_terminal_and_wiped(photo: Path, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    async with running() as live:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "facewright",
            "fit", str(photo), "--server", live.address, "--out", str(tmp_path / "o"), "--json",
            "--iterations", "7", stdout=asyncio.subprocess.PIPE, stderr=theirs, env=environment(),
        )  # fmt: skip
        os.close(theirs)
        drawing = asyncio.create_task(asyncio.to_thread(read_terminal, ours))
        out, _ = await process.communicate()
        drawn = await drawing
    assert json.loads(out)
    assert "optimise" in drawn
    assert "7/7" in drawn
    assert drawn.split("\r")[-2].strip() == ""


async def test_render_writes_one_file_per_pass_and_the_metres(character: Path, tmp_path: Path) -> None:
    async with running() as live:
        done = await run_cli(
            "render", character, "--server", live.address, "--passes", "color,labels,depth,normals",
            "--size", "64", "--yaw", "20", "--expression", "jawOpen=0.5", "mouthSmileLeft=1",
            "--out", tmp_path / "o" / "me.png", "--json",
        )  # fmt: skip
    assert done.code == 0, done.err
    assert names(tmp_path / "o") == [
        "me.depth.npy",
        "me.depth.png",
        "me.labels.png",
        "me.normals.png",
        "me.png",
    ]
    metres = np.load(tmp_path / "o" / "me.depth.npy")
    assert metres.shape == (64, 64)
    assert metres.dtype == np.float32
    report = json.loads(done.out)
    assert len(report["landmarks"]) == 68
    assert report["landmarks"][0] == {"x": 20.0, "y": 20.0, "visible": True}
    assert Path(report["files"][0]).name == "me.png"


async def test_render_of_one_pass_has_the_name_that_was_asked_for(character: Path, tmp_path: Path) -> None:
    async with running() as live:
        done = await run_cli(
            "render",
            character,
            "--server",
            live.address,
            "--passes",
            "labels",
            "--out",
            "l.png",
            cwd=tmp_path,
        )
    assert done.code == 0
    assert done.out == "l.png\n"
    with Image.open(tmp_path / "l.png") as labels:
        assert labels.mode == "P"


@pytest.mark.parametrize(
    ("text", "arguments", "message"),
    [
        ("{", [], "not a character file"),
        ('{"rig": "fake", "sliders": {"nose_width": "NaN"}}', [], "nan"),
        ('{"rig": "fake", "rigVersion": "1.0.0"}', [], "1.0.0"),
        ('{"rig": "fake", "styles": {"hat": "top"}}', [], "hat"),
        ("{}", ["--size", "5000"], "5000"),
        ("{}", ["--expression", "jawOpne=1"], "jawOpne"),
    ],
)
async def test_a_bad_render_is_one_line_code_2_and_no_file(
    text: str, arguments: list[str], message: str, tmp_path: Path
) -> None:
    (tmp_path / "c.json").write_text(text)
    async with running() as live:
        done = await run_cli("render", "c.json", "--server", live.address, *arguments, cwd=tmp_path)
    assert done.code == 2
    assert message in done.error_line
    assert names(tmp_path) == ["c.json"]


async def test_rigs_are_listed_and_shown_as_text_and_as_json() -> None:
    async with running() as live:
        listing = await run_cli("rig", "list", "--server", live.address)
        as_json = await run_cli("rig", "list", "--server", live.address, "--json")
        shown = await run_cli("rig", "show", "fake", "--server", live.address)
        shown_json = await run_cli("rig", "show", "fake", "--server", live.address, "--json")
        unknown = await run_cli("rig", "show", "nobody", "--server", live.address)
    assert listing.out.splitlines()[0].startswith("fake  2.1.0  4 parameters, 2 facial actions")
    assert [rig["name"] for rig in json.loads(as_json.out)] == ["fake", "other"]
    assert "#cc9980" in shown.out
    assert "[none bob]" in shown.out
    assert json.loads(shown_json.out)["parameters"][0]["neutral"] == 0.5
    assert unknown.code == 2


async def test_a_reader_that_leaves_early_is_no_error() -> None:
    async with running() as live:
        process = await asyncio.create_subprocess_shell(
            f"{sys.executable} -m facewright rig show fake --server {live.address} | true",
            stderr=asyncio.subprocess.PIPE,
            env=environment(),
        )
        _, err = await process.communicate()
    assert err == b""


async def test_help_and_version_work() -> None:
    for arguments in (["--help"], ["fit", "--help"], ["rig", "show", "--help"], ["--version"]):
        done = await run_cli(*arguments)
        assert done.code == 0
        assert "facewright" in done.out


def test_a_folder_appears_with_all_files_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        write_folder(tmp_path / "o", {"a": b"1", "no/such": b"2"})
    assert names(tmp_path) == []
    write_folder(tmp_path / "o", {"a": b"1"})
    with pytest.raises(OSError):
        write_folder(tmp_path / "o", {"a": b"changed", "no/such": b"2"})
    assert (tmp_path / "o" / "a").read_bytes() == b"1"
    assert names(tmp_path) == ["o"]


async def test_fit_with_texture_leaves_the_skin_and_a_new_server_gets_it_from_there(
    photo: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "o"
    async with running() as live:
        done = await run_cli("fit", photo, "--texture", "--server", live.address, "--out", folder)
        assert done.code == 0, done.err
    assert names(folder) == sorted([*ALL_FILES, "skin.png"])
    digest = hashlib.sha256((folder / "skin.png").read_bytes()).hexdigest()
    assert Character.from_file(folder / "character.json").skin_texture == digest
    (folder / "skin.png").rename(folder / "renamed.png")
    async with running() as live:
        server = ("--server", live.address)
        for command in (
            ("render", folder / "character.json", "--out", tmp_path / "a.png"),
            ("export", folder / "character.json", "--out", tmp_path / "a.glb"),
        ):
            done = await run_cli(*command, *server)
            assert done.code == 0, done.err
        worn = [texture and texture.sha256 for texture in live.studio.worn]
    assert worn == [digest] * 2


async def test_a_skin_that_is_nowhere_is_named_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "character.json"
    path.write_text(Character("fake", "2.1.0", skin_texture="a" * 64).to_json())
    async with running() as live:
        done = await run_cli("render", path, "--server", live.address, "--out", tmp_path / "a.png")
    assert done.code == 2
    assert "a" * 64 in done.error_line
    assert "beside character.json" in done.error_line
    assert not (tmp_path / "a.png").exists()
