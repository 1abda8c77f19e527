"""The video of an expression in worker processes that are killed."""

import os
import signal
from pathlib import Path

import pytest

from facewright import AsyncClient, Curve, Motion, errors
from facewright_server.jobs.worker import STUDIO_VARIABLE
from unit.server.fakes.job_studio import STUDIO_NAME
from unit.server.fakes.running import environment, until
from unit.server.fakes.studio import PHOTO
from unit.server.test_jobs_worker import PATIENCE_SECS, staffed, worker_pid

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _worker_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(STUDIO_VARIABLE, STUDIO_NAME)
    monkeypatch.setenv("PYTHONPATH", environment()["PYTHONPATH"])
    monkeypatch.setenv("FAKE_JOB_LOG", str(tmp_path / "frames.log"))


def smile(frame_count: int) -> Motion:
    return Motion([Curve.through("smile", 0, 1)], frame_count=frame_count)


async def test_the_video_of_a_killed_worker_is_made_again_and_no_half_of_it_stays(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FAKE_JOB_STEP_SECS", "0.1")
    log, state = tmp_path / "frames.log", tmp_path / "state"
    async with staffed(state_dir=str(state)) as desk, AsyncClient(desk.live.address) as client:
        operation = await client.generate_expression_video(PHOTO, smile(20))
        await until(lambda: log.exists() and log.read_bytes().count(b"\n") >= 10, timeout_secs=PATIENCE_SECS)
        pid = worker_pid(desk)
        assert pid is not None
        assert list((state / "scratch").rglob("*.part"))
        os.kill(pid, signal.SIGKILL)
        made = await operation.result(PATIENCE_SECS)
        assert operation.metadata is not None
        assert operation.metadata.attempt == 2
        assert made.video.video is not None
        assert made.video.video.frame_count == 20
        assert [media.name for media in await client.list_media()] == [made.video.name]
        assert log.read_bytes().count(b"\n") >= 30  # from the beginning
        assert list((state / "scratch").iterdir()) == []


async def test_a_photo_that_kills_its_worker_three_times_is_given_up() -> None:
    async with staffed() as desk, AsyncClient(desk.live.address) as client:
        operation = await client.generate_expression_video(b"kill", smile(5))
        with pytest.raises(errors.ServerError, match="3 times") as caught:
            await operation.result(3 * PATIENCE_SECS)
        assert caught.value.reason == "ITEM_ABANDONED"
        assert await client.list_media() == ()
