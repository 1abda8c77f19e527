"""The server that the commands of one user share: one, private, reused, and gone when nobody needs it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from facewright import Client, SharedServer, errors, running_server, shared_server, stop_shared_server
from facewright._processes import is_running, process_start
from facewright.shared import state_folder
from unit.server.fakes.running import environment

FAKE = [sys.executable, str(Path(__file__).with_name("light_server.py"))]
WHOLE = [sys.executable, "-m", "unit.server.fakes.serve_shared"]  # the server itself, over a fake studio
ASK = (
    "import sys, time\nfrom facewright import shared_server\n"
    f"server = shared_server(command={FAKE!r})\nprint(server.pid, flush=True)\n"
)


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A state folder for one test, whose server does not outlive it."""
    monkeypatch.setenv("FACEWRIGHT_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("PYTHONPATH", environment()["PYTHONPATH"])
    yield tmp_path / "state" / "embedded"
    stop_shared_server()


def soon(condition: Callable[[], bool], *, secs: float = 15.0) -> bool:
    deadline = time.monotonic() + secs
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def gone(server: SharedServer) -> bool:
    return not is_running(server.pid, server.process_start)


def record_of(state: Path) -> Path:
    (record,) = state.glob("server-*.json")
    return record


def test_the_first_command_starts_it_and_the_others_find_it() -> None:
    assert running_server() is None
    first = shared_server(command=FAKE)
    assert shared_server(command=["false"]) == first
    assert running_server() == first
    with Client(first.address, token=first.token) as client:
        assert client.list_rigs()


def test_ten_commands_at_once_start_one_server() -> None:
    commands = [
        subprocess.Popen([sys.executable, "-c", ASK], stdout=subprocess.PIPE, text=True) for _ in range(10)
    ]
    pids = {command.communicate(timeout=100)[0].strip() for command in commands}
    assert len(pids) == 1
    server = running_server()
    assert server is not None
    assert pids == {str(server.pid)}


def test_nobody_without_the_token_is_served_and_no_other_user_can_read_it(state: Path) -> None:
    server = shared_server(command=FAKE)
    for token in ("", "fw_another"):
        with Client(server.address, token=token) as client, pytest.raises(errors.UnauthenticatedError):
            client.list_rigs()
    assert state.stat().st_mode & 0o777 == 0o700
    secrets = [path for path in state.iterdir() if path.is_file() and path.name.startswith("server-")]
    assert len(secrets) == 4
    for path in secrets:
        assert path.stat().st_mode & 0o077 == 0, path
        assert path.suffix == ".json" or server.token not in path.read_text(), path
    assert server.token not in repr(server)


def test_it_outlives_whoever_started_it_even_one_that_was_killed() -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", ASK + "time.sleep(60)"], stdout=subprocess.PIPE, text=True
    )
    with owner:
        pid = int(owner.stdout.readline())
        owner.kill()
    server = running_server()
    assert server is not None
    assert server.pid == pid


@pytest.mark.slow
def test_it_leaves_when_nobody_has_called_for_the_idle_time(
    monkeypatch: pytest.MonkeyPatch, state: Path
) -> None:
    # Long enough that a busy machine is not taken for an idle one.
    monkeypatch.setenv("FACEWRIGHT_IDLE_EXIT_SECS", "3")
    server = shared_server(command=WHOLE)
    assert (state / "facewright.db").exists()
    with Client(server.address) as client, pytest.raises(errors.UnauthenticatedError):
        client.list_rigs()
    with Client(server.address, token=server.token) as client:
        for _ in range(10):  # longer than the idle time, never idle
            client.list_rigs()
            time.sleep(0.4)
    assert not gone(server)
    called_at = time.monotonic()
    assert soon(lambda: gone(server))
    assert 2.8 < time.monotonic() - called_at < 8
    assert running_server() is None


def test_a_record_of_a_process_that_is_gone_is_recognised(state: Path) -> None:
    first = shared_server(command=FAKE)
    os.kill(first.pid, 9)
    assert soon(lambda: gone(first))
    assert record_of(state).exists()
    second = shared_server(command=FAKE)
    assert second.pid != first.pid
    assert second.token != first.token


def test_a_record_whose_process_id_belongs_to_somebody_else_now_is_recognised(state: Path) -> None:
    first = shared_server(command=FAKE)
    entries = json.loads(record_of(state).read_text())
    record_of(state).write_text(json.dumps({**entries, "pid": os.getpid()}))
    assert running_server() is None
    # Nor is that somebody ended.
    assert stop_shared_server() is None
    os.kill(first.pid, 15)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', '{"pid": "x"}'])
def test_a_spoiled_record_is_as_good_as_none(text: str, state: Path) -> None:
    first = shared_server(command=FAKE)
    record_of(state).write_text(text)
    second = shared_server(command=FAKE)
    assert second.pid != first.pid
    os.kill(first.pid, 15)


def test_another_version_has_a_server_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    first = shared_server(command=FAKE)
    with monkeypatch.context() as other:
        other.setattr("facewright.shared.installed_version", lambda: "99.0.0")
        second = shared_server(command=FAKE)
        assert second.pid != first.pid
        assert stop_shared_server() == second
    assert running_server() == first


def test_stopping_ends_it_and_says_which() -> None:
    assert stop_shared_server() is None
    server = shared_server(command=FAKE)
    assert stop_shared_server() == server
    assert gone(server)
    assert running_server() is None


def test_a_server_that_does_not_start_says_why_and_leaves_no_record(state: Path) -> None:
    with pytest.raises(errors.ServerUnavailableError, match="no such rig"):
        shared_server(command=["sh", "-c", "echo 'no such rig' >&2; exit 3"])
    with pytest.raises(errors.ServerUnavailableError, match="cannot start /no/such"):
        shared_server(command=["/no/such"])
    assert not list(state.glob("*.json"))


def test_a_start_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    marker = tmp_path / "pid"
    with pytest.raises(errors.ServerUnavailableError, match="did not start"):
        shared_server(command=["sh", "-c", f"echo $$ > {marker}; exec sleep 60"], start_timeout_secs=0.5)
    assert not process_start(int(marker.read_text()))


def test_a_state_folder_that_cannot_be_made_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    with monkeypatch.context() as other:
        other.setenv("FACEWRIGHT_STATE_DIR", str(tmp_path / "file" / "state"))
        with pytest.raises(errors.ServerUnavailableError, match="FACEWRIGHT_STATE_DIR"):
            shared_server(command=FAKE)


def test_the_state_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as other:
        other.delenv("FACEWRIGHT_STATE_DIR")
        other.setenv("HOME", "/home/someone")
        other.setenv("XDG_STATE_HOME", "/var/state")
        assert state_folder() == Path("/var/state/facewright/embedded")
        other.setenv("XDG_STATE_HOME", "relative")
        assert state_folder() == Path("/home/someone/.local/state/facewright/embedded")
        other.delenv("XDG_STATE_HOME")
        assert state_folder() == Path("/home/someone/.local/state/facewright/embedded")
