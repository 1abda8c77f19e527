"""A worker whose disk is full, whose models are missing, whose time is over."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from google.rpc import code_pb2

from facewright_models.errors import WeightsError
from facewright_server.errors import StorageError
from facewright_server.jobs.leases import Claims
from facewright_server.jobs.tables import ITEMS, OPERATIONS
from unit.server.fakes import job_studio
from unit.server.fakes.jobs import metadata_of, office, results_of, working
from unit.server.fakes.running import until
from unit.server.test_operations_service import reason_of

PHOTOS = [b"photo 1", b"photo 2", b"photo 3"]


class FullDisk:
    """Stands before a method and lets it through when there is room again."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, *, refusals: int) -> None:
        self.refusals = refusals
        behind = getattr(owner, name)

        def method(*args: Any, **kwargs: Any) -> Any:
            if self.refusals > 0:
                self.refusals -= 1
                raise StorageError("database or disk is full")
            return behind(*args, **kwargs)

        monkeypatch.setattr(owner, name, method)


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_JOB_STEP_SECS", "0.005")


@pytest.mark.parametrize("method", ["claim", "start_items", "renew", "commit_item", "outcomes", "end"])
async def test_a_job_goes_on_when_a_full_disk_has_room_again(
    monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    disk = FullDisk(monkeypatch, Claims, method, refusals=3)
    async with office(lease_secs=1.0) as desk, working(desk.config):
        begun = await desk.calls.batch_fit(PHOTOS)
        ended = await desk.calls.wait(begun.name)
        assert [result.subject for result in results_of(ended)] == [0, 1, 2]
        assert metadata_of(ended).attempt == 1
        assert metadata_of(ended).done_count == 3
    if method != "renew":  # so short a job may end before its first sign of life
        assert disk.refusals == 0


async def test_a_job_can_be_cancelled_while_it_waits_for_room(monkeypatch: pytest.MonkeyPatch) -> None:
    disk = FullDisk(monkeypatch, Claims, "commit_item", refusals=10**6)
    async with office() as desk, working(desk.config):
        begun = await desk.calls.batch_fit(PHOTOS)
        await until(lambda: disk.refusals < 10**6)
        await desk.calls.cancel(begun.name)
        ended = await desk.calls.wait(begun.name)
        assert ended.error.code == code_pb2.CANCELLED


async def test_pictures_wait_for_room_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    from facewright_server.media.store import MediaStore

    disk = FullDisk(monkeypatch, MediaStore, "put_blocking", refusals=2)
    async with office() as desk, working(desk.config):
        begun = await desk.calls.batch_fit(PHOTOS, pictures=[1])
        results = results_of(await desk.calls.wait(begun.name))
        assert len({result.fitted.pictures["rendered"] for result in results}) == 3
    assert disk.refusals == 0


async def test_missing_models_end_the_operation_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: object, rig_name: str, *, torch_threads: int) -> None:
        raise WeightsError("a.safetensors: wrong sha256")

    monkeypatch.setattr(job_studio.JobStudio, "open_fitter", refuse)
    async with office() as desk, working(desk.config):
        begun = await desk.calls.batch_fit(PHOTOS)
        ended = await desk.calls.wait(begun.name)
        assert reason_of(ended.error) == "WEIGHTS_UNUSABLE"


async def test_an_operation_that_was_cancelled_after_a_crash_ends_without_loading_models(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(self: object, rig_name: str, *, torch_threads: int) -> None:
        raise WeightsError("nobody should ask for models")

    monkeypatch.setattr(job_studio.JobStudio, "open_fitter", refuse)
    async with office() as desk:
        begun = await desk.calls.batch_fit(PHOTOS)
        with desk.live.server._database.transaction() as connection:  # a worker had it, and is no more
            connection.execute(OPERATIONS.update().values(state="running", holder=None))
        await desk.calls.cancel(begun.name)
        assert not (await desk.calls.get(begun.name)).done
        async with working(desk.config):
            ended = await desk.calls.wait(begun.name)
        assert ended.error.code == code_pb2.CANCELLED


async def test_an_exception_nobody_expected_ends_the_operation_without_its_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(self: object, rig_name: str, *, torch_threads: int) -> None:
        raise RuntimeError("a secret of the server")

    monkeypatch.setattr(job_studio.JobStudio, "open_fitter", refuse)
    async with office() as desk, working(desk.config):
        begun = await desk.calls.batch_fit(PHOTOS)
        ended = await desk.calls.wait(begun.name)
        assert reason_of(ended.error) == "INTERNAL"
        assert "secret" not in str(ended)


async def test_photos_that_take_too_long_fail_with_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_JOB_STEPS", "100000")
    async with office() as desk:
        async with working(replace(desk.config, fit_limit_secs=0.1)):
            begun = await desk.calls.batch_fit(PHOTOS)
            ended = await desk.calls.wait(begun.name)
        assert {reason_of(result.error) for result in results_of(ended)} == {"TIME_LIMIT"}
        assert metadata_of(ended).failed_count == 3


async def test_a_worker_that_leaves_gives_its_operation_back_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_JOB_STEPS", "100000")
    async with office() as desk:
        begun = await desk.calls.batch_fit(PHOTOS)
        async with working(desk.config):
            while metadata_of(await desk.calls.get(begun.name)).attempt == 0:  # noqa: ASYNC110 - over the wire
                await asyncio.sleep(0.02)
            await asyncio.sleep(0.2)
        with desk.live.server._database.transaction() as connection:
            assert connection.scalar(sa.select(OPERATIONS.c.state)) == "waiting"
            assert set(connection.scalars(sa.select(ITEMS.c.start_count))) == {0}
        monkeypatch.setenv("FAKE_JOB_STEPS", "1")
        async with working(desk.config):
            ended = await desk.calls.wait(begun.name)
        assert metadata_of(ended).done_count == 3
        assert metadata_of(ended).attempt == 2


async def test_progress_counts_what_is_done_and_a_part_of_what_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_JOB_STEPS", "9")
    monkeypatch.setenv("FAKE_JOB_STEP_SECS", "0.1")
    seen = set()
    async with office(lease_secs=1.0) as desk, working(desk.config):
        begun = await desk.calls.batch_fit(PHOTOS)
        while not (operation := await desk.calls.get(begun.name)).done:
            seen.add(round(metadata_of(operation).progress, 3))
            await asyncio.sleep(0.05)
    assert len(seen) > 4  # more than 0, 1/3, 2/3 and 1
    assert min(seen) == 0.0
