"""The clients when the server is not what one hopes for, and what importing them costs."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from facewright import AsyncClient, Character, Client, EmbeddedServer, FitOptions, Photo, Subject, errors
from unit.server.fakes.running import FAKE_SERVER, ROOT, environment, running, until
from unit.server.fakes.studio import PHOTO


@pytest.fixture(autouse=True)
def _child_processes_find_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", environment()["PYTHONPATH"])


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_nobody_at_the_address_is_server_unavailable() -> None:
    with Client("127.0.0.1:1") as client:
        for ask in (client.list_rigs, lambda: client.fit(PHOTO)):
            with pytest.raises(errors.ServerUnavailableError, match="does not answer"):
                ask()


async def test_an_idempotent_call_is_tried_again_while_the_server_comes_up() -> None:
    async with running() as live:
        address = live.address
    async with AsyncClient(address) as client:
        question = asyncio.create_task(client.list_rigs())
        await asyncio.sleep(0.05)
        async with running(listen=address):
            assert len(await question) == 2


def test_a_server_killed_during_a_fit_is_server_unavailable() -> None:
    with EmbeddedServer(command=[*FAKE_SERVER, "0.02"]) as server, Client(server.address) as client:
        events = client.fit_people([Subject((Photo(PHOTO),))], options=FitOptions(iterations=1000))
        next(events)
        os.killpg(server.pid, signal.SIGKILL)
        with pytest.raises(errors.ServerUnavailableError, match="went away"):
            list(events)


def test_a_deadline_that_passes_is_a_deadline_error() -> None:
    with (
        EmbeddedServer(command=[*FAKE_SERVER, "0.05"]) as server,
        Client(server.address) as client,
        pytest.raises(errors.DeadlineError),
    ):
        client.fit(PHOTO, options=FitOptions(iterations=1000), timeout_secs=0.5)


def test_an_embedded_server_is_gone_after_the_block() -> None:
    with EmbeddedServer(command=FAKE_SERVER) as server, Client(server.address) as client:
        assert client.render(Character()).size_px == 512
        pid = server.pid
        assert is_alive(pid)
    assert not is_alive(pid)
    server.stop()


def test_an_embedded_server_leaves_when_its_owner_is_killed() -> None:
    program = (
        "import sys, time\nfrom facewright import EmbeddedServer\n"
        f"server = EmbeddedServer(command={FAKE_SERVER!r})\nprint(server.pid, flush=True)\ntime.sleep(60)"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, env=environment(), text=True
    )
    with owner:
        pid = int(owner.stdout.readline())
        assert is_alive(pid)
        owner.kill()
    deadline = time.monotonic() + 10
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_alive(pid)


async def test_a_client_killed_during_a_fit_stops_the_work() -> None:
    program = (
        "import sys\nfrom facewright import Client, FitOptions\n"
        "Client(sys.argv[1]).fit(b'a photo', options=FitOptions(iterations=1000), timeout_secs=60)"
    )
    from unit.server.fakes.studio import FakeStudio

    studio = FakeStudio(step_secs=0.02)
    async with running(studio) as live:
        client = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, live.address, env=environment()
        )
        await until(lambda: studio.steps > 2)
        client.kill()
        await client.wait()
        killed_at = time.monotonic()
        await until(lambda: studio.stopped_at is not None)
    assert studio.stopped_at - killed_at < 1


def test_without_an_installed_server_the_message_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "facewright").symlink_to(ROOT / "sdk" / "facewright")
    program = "from facewright import EmbeddedServer\nEmbeddedServer()"
    bare = {**environment(), "PYTHONPATH": str(tmp_path)}
    site = [path for path in sys.path if path.endswith("site-packages")]
    # -S leaves out editable installs, which would bring the server back.
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path += {site!r}\n{program}"],
        env=bare,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "pip install 'facewright[server]'" in done.stderr


def test_importing_the_client_and_its_command_line_loads_nothing_heavy() -> None:
    program = (
        "import sys, facewright, facewright.cli\n"
        "heavy = {'numpy', 'PIL', 'torch', 'cv2', 'facewright_server', 'facewright_models', 'grpc_status'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_sources_compile_on_the_oldest_python_they_promise() -> None:
    import ast

    for path in (ROOT / "sdk" / "facewright").rglob("*.py"):
        ast.parse(path.read_text(), feature_version=(3, 9))


def test_generated_code_is_up_to_date() -> None:
    pytest.importorskip("grpc_tools", reason="grpcio-tools is not installed")
    done = subprocess.run(
        [sys.executable, ROOT / "proto" / "generate.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
