"""Commands about servers: `server info`, `embedded`, `media`, and the ways to reach a server."""

import hashlib
import json
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facewright import shared_server, stop_shared_server
from facewright_server.security.tokens import make_token, token_table
from unit.server.fakes.running import run_cli, running

LIGHT = [sys.executable, str(Path(__file__).with_name("light_server.py"))]


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("FACEWRIGHT_STATE_DIR", str(tmp_path / "state"))
    yield tmp_path / "state" / "embedded"
    stop_shared_server()


def picture(path: Path) -> Path:
    buffer = BytesIO()
    Image.fromarray(np.zeros((24, 32, 3), np.uint8)).save(buffer, "PNG")
    path.write_bytes(buffer.getvalue())
    return path


async def test_server_info_says_what_the_server_is() -> None:
    async with running() as live:
        shown = await run_cli("server", "info", "--server", live.address)
        as_json = await run_cli("server", "info", "--server", live.address, "--json")
    assert shown.code == 0, shown.err
    assert "people in a fit     8, with 8 photos each" in shown.out
    info = json.loads(as_json.out)
    assert sorted(info["rigs"]) == ["fake", "other"]
    assert "fit" in info["capabilities"]
    assert info["limits"]["max_message_bytes"] == 32 * 1024 * 1024


async def test_embedded_status_and_stop_tell_whether_it_runs_and_never_the_token(state: Path) -> None:
    before = await run_cli("embedded", "status", "--json")
    assert json.loads(before.out) == {
        "running": False, "address": None, "pid": None, "version": None, "state_folder": str(state)
    }  # fmt: skip
    server = shared_server(command=LIGHT)
    status = await run_cli("embedded", "status")
    assert f"running at {server.address}, process {server.pid}" in status.out
    as_json = await run_cli("embedded", "status", "--json")
    assert json.loads(as_json.out)["pid"] == server.pid
    assert server.token not in status.out + as_json.out
    stopped = await run_cli("embedded", "stop")
    assert stopped.out == f"stopped process {server.pid}\n"
    assert (await run_cli("embedded", "stop")).out == "was not running\n"


async def test_a_command_without_server_uses_the_shared_one(state: Path) -> None:
    shared_server(command=LIGHT)
    done = await run_cli("rig", "list")
    assert done.code == 0, done.err
    assert done.out.startswith("light")


async def test_the_token_comes_from_a_file_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = make_token()
    (tmp_path / "tokens.toml").write_text(token_table("studio", token))
    (tmp_path / "tokens.toml").chmod(0o600)
    (tmp_path / "token").write_text(token + "\n")
    async with running(tokens_file=str(tmp_path / "tokens.toml")) as live:
        refused = await run_cli("rig", "list", "--server", live.address)
        from_file = await run_cli("rig", "list", "--server", live.address, "--token-file", tmp_path / "token")
        monkeypatch.setenv("FACEWRIGHT_TOKEN", token)
        from_environment = await run_cli("rig", "list", "--server", live.address)
        in_the_clear = await run_cli("rig", "list", "--server", "games.example.com:443")
    assert refused.code == 2
    assert "token" in refused.error_line.lower() or "Bearer" in refused.error_line
    assert (from_file.code, from_environment.code) == (0, 0)
    assert in_the_clear.code == 2
    assert "without TLS" in in_the_clear.error_line


@pytest.mark.parametrize(
    "arguments",
    [["--tls"], ["--token-file", "no-such-file"], ["--server", "127.0.0.1:1", "--token-file", "no-such-file"],
     ["--server", "127.0.0.1:1", "--root-certificates", "no-such-file"]],
    ids=" ".join,
)  # fmt: skip
async def test_options_that_do_not_fit_are_one_line_and_code_2(arguments: list[str], state: Path) -> None:
    done = await run_cli("rig", "list", *arguments)
    assert done.code == 2
    assert "--server" in done.error_line or "no-such-file" in done.error_line
    assert not state.exists()  # noqa: ASYNC240


async def test_media_are_sent_listed_fetched_and_deleted(tmp_path: Path) -> None:
    photo = picture(tmp_path / "me.png")
    async with running() as live:
        where = ("--server", live.address)
        sent = await run_cli("media", "upload", photo, *where)
        assert sent.code == 0, sent.err
        name = sent.out.strip()
        assert name.startswith("media/")
        listed = await run_cli("media", "list", *where)
        as_json = await run_cli("media", "list", *where, "--json")
        fetched = await run_cli("media", "download", name, *where, "--out", tmp_path / "a" / "copy.png")
        deleted = await run_cli("media", "delete", name, *where)
        again = await run_cli("media", "download", name, *where, "--out", tmp_path / "b.png")
        nothing = await run_cli("media", "list", *where, "--json")
    assert "image/png" in listed.out
    assert "me.png" in listed.out
    (media,) = json.loads(as_json.out)
    assert media["sha256"] == hashlib.sha256(photo.read_bytes()).hexdigest()
    assert (media["image"]["width"], media["image"]["height"]) == (32, 24)
    assert fetched.code == 0, fetched.err
    assert (tmp_path / "a" / "copy.png").read_bytes() == photo.read_bytes()
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["copy.png"]
    assert deleted.code == 0
    assert again.code == 2
    assert name in again.error_line
    assert not (tmp_path / "b.png").exists()
    assert json.loads(nothing.out) == []


async def test_several_files_are_sent_or_none(tmp_path: Path) -> None:
    photo = picture(tmp_path / "me.png")
    async with running() as live:
        failed = await run_cli("media", "upload", photo, tmp_path / "no.png", "--server", live.address)
        listed = await run_cli("media", "list", "--server", live.address, "--json")
    assert failed.code == 2
    assert "no.png: No such file" in failed.error_line
    assert json.loads(listed.out) == []


async def test_a_file_that_is_no_picture_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a picture")
    async with running() as live:
        done = await run_cli("media", "upload", tmp_path / "notes.txt", "--server", live.address)
    assert done.code == 2
    assert len(done.error_line) > 20


@pytest.mark.parametrize("time", ["0", "-1s", "soon", "inf", "1w"])
async def test_a_time_to_keep_that_is_none_is_code_2(time: str, tmp_path: Path) -> None:
    done = await run_cli("media", "upload", picture(tmp_path / "me.png"), f"--keep={time}")
    assert done.code == 2
    assert "expected a time like" in done.error_line
