"""`facewright batch` and `facewright operation`: a folder in, characters out, and what happens on the way."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facewright import AsyncClient, Character
from unit.server.fakes.jobs import Office, office, working
from unit.server.fakes.running import run_cli, start_cli, until

FILES = ["character.json", "compare.png", "render.png", "report.json"]


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_JOB_STEP_SECS", "0.005")


@pytest.fixture
def people(tmp_path: Path) -> Path:
    folder = tmp_path / "people"
    folder.mkdir()
    for name in ("ann.png", "Ben.PNG"):
        picture(folder / name)
    (folder / "notes.txt").write_text("no photo")
    return folder


def picture(path: Path, *, text: bytes = b"") -> Path:
    """A PNG; the fake studio reads what follows its last byte as a wish for an error."""
    buffer = BytesIO()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(buffer, "PNG")
    path.write_bytes(buffer.getvalue())
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@asynccontextmanager
async def at_work() -> AsyncIterator[Office]:
    async with office() as desk, working(desk.config):
        yield desk


async def media_of(desk: Office) -> int:
    async with AsyncClient(desk.live.address) as client:
        return len(await client.list_media())


async def test_a_folder_of_photos_becomes_a_folder_of_characters(people: Path, tmp_path: Path) -> None:
    async with at_work() as desk:
        done = await run_cli("batch", people, "--server", desk.live.address, "--out", tmp_path / "o")
        left = await media_of(desk)
    assert done.code == 0, done.err
    assert names(tmp_path / "o") == ["Ben", "ann", "batch.json"]
    for name in ("ann", "Ben"):
        assert names(tmp_path / "o" / name) == FILES
        assert Character.from_file(tmp_path / "o" / name / "character.json").rig == "fake"
        assert (tmp_path / "o" / name / "render.png").read_bytes().startswith(b"\x89PNG")
    entries = json.loads((tmp_path / "o" / "batch.json").read_text())
    assert [(entry["name"], entry["error"]) for entry in entries] == [("Ben", None), ("ann", None)]
    assert done.out.count("likeness 0.900") == 2
    assert names(tmp_path) == ["o", "people"]
    assert left == 4  # the pictures, which expire with the operation; the photos are gone


async def test_photos_of_one_name_get_folders_of_their_own_and_json_is_printed(
    people: Path, tmp_path: Path
) -> None:
    picture(tmp_path / "ann.png")
    async with at_work() as desk:
        done = await run_cli(
            "batch", people, tmp_path / "ann.png", "--server", desk.live.address, "--no-pictures", "--json",
            "--out", tmp_path / "o",
        )  # fmt: skip
    assert done.code == 0, done.err
    assert [entry["name"] for entry in json.loads(done.out)] == ["Ben", "ann", "ann-2"]
    assert names(tmp_path / "o" / "ann-2") == ["character.json", "report.json"]


async def test_a_detached_batch_is_found_again_by_name(people: Path, tmp_path: Path) -> None:
    async with at_work() as desk:
        where = ("--server", desk.live.address)
        started = await run_cli("batch", people, "--detach", *where)
        assert started.code == 0, started.err
        name = started.out.strip()
        waited = await run_cli("operation", "wait", name, "--out", tmp_path / "o", *where)
        shown = await run_cli("operation", "show", name, *where)
        listed = await run_cli("operation", "list", "--json", *where)
        open_ones = await run_cli("operation", "list", "--filter", "done = false", *where)
        deleted = await run_cli("operation", "delete", name, *where)
        gone = await run_cli("operation", "show", name, *where)
    assert name.startswith("operations/")
    assert waited.code == 0, waited.err
    assert names(tmp_path / "o") == ["1", "2", "batch.json"]
    assert "done" in shown.out
    assert "2 of 2 fitted" in shown.out
    assert [(one["name"], one["done"]) for one in json.loads(listed.out)] == [(name, True)]
    assert open_ones.out == ""
    assert deleted.code == 0
    assert gone.code == 2
    assert name in gone.error_line


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_an_interrupted_batch_is_cancelled_on_the_server(
    number: signal.Signals, people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_JOB_STEPS", "100000")
    async with at_work() as desk, AsyncClient(desk.live.address) as client:
        command = await start_cli("batch", people, "--server", desk.live.address, "--out", tmp_path / "o")
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
    assert names(tmp_path) == ["people"]
    assert left == ()


async def test_an_operation_is_cancelled_by_name(
    people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_JOB_STEPS", "100000")
    async with at_work() as desk:
        where = ("--server", desk.live.address)
        name = (await run_cli("batch", people, "--detach", *where)).out.strip()
        running = await run_cli("operation", "delete", name, *where)
        late = await run_cli("operation", "wait", name, "--timeout", "0.5", "--out", tmp_path / "o", *where)
        cancelled = await run_cli("operation", "cancel", name, *where)
        waited = await run_cli("operation", "wait", name, "--out", tmp_path / "o", *where)
    assert running.code == 2
    assert late.code == 3
    assert "it goes on" in late.error_line
    assert cancelled.code == 0, cancelled.err
    assert waited.code == 3
    assert "cancel" in waited.error_line
    assert not (tmp_path / "o").exists()


async def test_one_bad_photo_does_not_spoil_the_others_and_is_code_2(
    people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture(people / "zoe.png")
    from facewright_models.errors import NoFaceError
    from unit.server.fakes.studio import FakeFitter

    plain = FakeFitter.fit
    seen: list[int] = []

    def third_fails(self: FakeFitter, *arguments: object, **options: object) -> object:
        seen.append(1)
        if len(seen) == 3:
            raise NoFaceError("no face was found")
        return plain(self, *arguments, **options)

    monkeypatch.setattr(FakeFitter, "fit", third_fails)
    async with at_work() as desk:
        done = await run_cli("batch", people, "--server", desk.live.address, "--out", tmp_path / "o")
    assert done.code == 2
    assert "1 of 3 photos could not be fitted" in done.error_line
    assert "zoe: no face was found" in done.error_line
    assert names(tmp_path / "o") == ["Ben", "ann", "batch.json"]
    assert json.loads((tmp_path / "o" / "batch.json").read_text())[2]["error"]["reason"] == "NO_FACE"


async def test_a_folder_without_photos_and_a_file_that_is_not_there_are_code_2(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    empty = await run_cli("batch", tmp_path / "empty", "--out", tmp_path / "o", "--server", "127.0.0.1:1")
    absent = await run_cli("batch", tmp_path / "no.png", "--out", tmp_path / "o", "--server", "127.0.0.1:1")
    neither = await run_cli("batch", tmp_path / "empty")
    assert (empty.code, absent.code, neither.code) == (2, 2, 2)
    assert "has no photos" in empty.error_line
    assert "no.png: No such file" in absent.error_line
    assert names(tmp_path) == ["empty"]


async def test_a_file_among_the_photos_that_is_none_ends_the_batch_and_leaves_nothing(
    people: Path, tmp_path: Path
) -> None:
    async with at_work() as desk:
        done = await run_cli(
            "batch", people, people / "notes.txt", "--server", desk.live.address, "--out", tmp_path / "o"
        )
        await until(lambda: True)
        left = await media_of(desk)
    assert done.code == 2
    assert len(done.error_line) > 20
    assert left == 0
    assert names(tmp_path) == ["people"]
