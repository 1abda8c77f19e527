"""Worker processes: started for work, restarted when they die, gone with their server."""

import asyncio
import dataclasses
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from facewright_server.jobs.worker import STUDIO_VARIABLE
from unit.server.fakes.job_studio import STUDIO_NAME
from unit.server.fakes.jobs import Office, metadata_of, office, results_of
from unit.server.fakes.running import environment, until
from unit.server.test_operations_service import reason_of

# Every process imports the whole domain before it begins, which is slow on a busy machine.
PATIENCE_SECS = 90.0
pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _worker_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(STUDIO_VARIABLE, STUDIO_NAME)
    monkeypatch.setenv("PYTHONPATH", environment()["PYTHONPATH"])
    monkeypatch.setenv("FAKE_JOB_LOG", str(tmp_path / "fits.log"))


@asynccontextmanager
async def staffed(**settings: Any) -> AsyncIterator[Office]:
    async with office(job_workers=1, **settings) as desk:
        yield desk


def worker_pid(desk: Office) -> int | None:
    process = desk.live.server._desk._supervisor._slots[0]._process
    return process.pid if process is not None and process.poll() is None else None


async def test_no_worker_runs_without_work() -> None:
    async with staffed() as desk:
        await asyncio.sleep(1.5)
        assert worker_pid(desk) is None


async def test_a_job_goes_on_after_its_worker_was_killed_and_no_photo_is_fitted_twice(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FAKE_JOB_STEP_SECS", "0.2")
    async with staffed(fit_batch_size=1) as desk:
        begun = await desk.calls.batch_fit([b"photo %d" % index for index in range(8)])
        log = tmp_path / "fits.log"
        await until(lambda: log.exists() and log.read_bytes().count(b"\n") >= 2, timeout_secs=PATIENCE_SECS)
        pid = worker_pid(desk)
        assert pid is not None
        assert os.getpriority(os.PRIO_PROCESS, pid) >= 10
        os.kill(pid, signal.SIGKILL)
        ended = await desk.calls.wait(begun.name, secs=PATIENCE_SECS)
        assert [result.subject for result in results_of(ended)] == list(range(8))
        assert metadata_of(ended).attempt == 2
        assert log.read_bytes().count(b"\n") <= 9  # only the one that was being fitted comes again
        second = worker_pid(desk)
        assert second is not None
        assert second != pid
    await until(lambda: not Path(f"/proc/{second}").exists())


@pytest.mark.parametrize("photo", [b"kill 2", b"hang 2"])
async def test_a_photo_that_kills_or_hangs_its_worker_three_times_fails_alone(photo: bytes) -> None:
    async with staffed(fit_limit_secs=1.0) as desk:
        begun = await desk.calls.batch_fit([b"photo 1", photo, b"photo 3"])
        first, killer, last = results_of(await desk.calls.wait(begun.name, secs=2 * PATIENCE_SECS))
        assert reason_of(killer.error) == "ITEM_ABANDONED"
        assert first.HasField("fitted")
        assert last.HasField("fitted")


async def test_a_worker_leaves_when_its_server_was_killed_and_the_next_server_finishes_the_job(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FAKE_JOB_STEP_SECS", "0.2")
    state = tmp_path / "state"
    async with office(state_dir=str(state)) as desk:
        begun = await desk.calls.batch_fit([b"photo %d" % index for index in range(6)])
        orphan = await start_worker(desk)
        log = tmp_path / "fits.log"
        await until(lambda: log.exists(), timeout_secs=PATIENCE_SECS)
        orphan.stdin.close()  # what the system does when the server is killed
        assert await asyncio.wait_for(orphan.wait(), 10) == 0
        assert not (await desk.calls.get(begun.name)).done
    async with staffed(state_dir=str(state)) as desk:
        ended = await desk.calls.wait(begun.name, secs=PATIENCE_SECS)
        assert [result.subject for result in results_of(ended)] == list(range(6))


async def start_worker(desk: Office) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "facewright_server.jobs", stdin=asyncio.subprocess.PIPE
    )
    process.stdin.write(json.dumps(dataclasses.asdict(desk.config)).encode() + b"\n")
    await process.stdin.drain()
    return process
