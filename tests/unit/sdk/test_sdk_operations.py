"""Operation objects of both clients against a real server with a fake studio."""

import asyncio
from typing import Any

import pytest

from facewright import operations
from facewright._awaited import AsyncWire, awaited
from facewright._blocking import Wire, blocking
from facewright._channel import Connection
from facewright.batch_fitting import BatchFitProgress, batch_fit
from facewright.errors import (
    DeadlineError,
    FacewrightError,
    InvalidInputError,
    NoFaceError,
    OperationCancelledError,
    RequestReusedError,
    UnknownOperationError,
)
from facewright.fitting import Photo, Subject
from facewright_models import errors as domain
from unit.server.fakes.jobs import new_request_id, office, working
from unit.server.fakes.studio import raising_in_fit

PHOTOS = [b"photo 1", b"photo 2"]


class BlockingCalls:
    """As much of a client as operations need."""

    def __init__(self, address: str) -> None:
        self._wire = Wire(Connection(address=address))

    batch_fit = operations.blocking_operation(batch_fit)
    get_operation = operations.blocking_operation(operations.get_operation)
    list_operations = blocking(operations.list_operations)


class AwaitedCalls:
    def __init__(self, address: str) -> None:
        self._wire = AsyncWire(Connection(address=address))

    batch_fit = operations.awaited_operation(batch_fit)
    get_operation = operations.awaited_operation(operations.get_operation)
    list_operations = awaited(operations.list_operations)


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_JOB_STEP_SECS", "0.005")


async def test_a_batch_is_started_waited_for_and_its_items_are_values() -> None:
    async with office() as desk, working(desk.config):
        client = AwaitedCalls(desk.live.address)
        people = [PHOTOS[0], Photo(b"photo 2"), Subject((Photo(raising_in_fit(domain.NoFaceError)),))]
        operation = await client.batch_fit(people, pictures=["rendered"])
        assert operation.name in repr(operation)
        first, second, third = await operation.result(20)
        assert operation.done
        assert first.character is not None
        assert first.character.sliders["nose_width"] == pytest.approx(0.001)
        assert first.report is not None
        assert first.report.identity_cosine == pytest.approx(0.9)
        assert first.pictures["rendered"].startswith("media/")
        assert (second.subject, second.error) == (1, None)
        assert isinstance(third.error, NoFaceError)
        assert third.character is None
        metadata = operation.metadata
        assert metadata is not None
        assert (metadata.subject_count, metadata.done_count, metadata.failed_count) == (3, 2, 1)
        assert metadata.end_time is not None
        await client._wire.close()


async def test_the_blocking_objects_do_the_same() -> None:
    async with office() as desk, working(desk.config):

        def use() -> None:
            client = BlockingCalls(desk.live.address)
            told: list[BatchFitProgress] = []
            operation = client.batch_fit(PHOTOS)
            found = client.get_operation(operation.name)
            assert [item.subject for item in found.result(20, on_progress=told.append)] == [0, 1]
            assert told[-1].progress == 1.0
            operation.refresh()
            assert operation.done
            assert operation.wait(1)
            assert [line.name for line in client.list_operations(filter_text="done = true")] == [
                operation.name
            ]
            operation.cancel()  # changes nothing: it is done
            operation.delete()
            with pytest.raises(UnknownOperationError):
                operation.refresh()
            client._wire.close()

        await asyncio.to_thread(use)


async def test_a_result_that_takes_longer_than_the_caller_waits_goes_on() -> None:
    async with office() as desk:
        client = AwaitedCalls(desk.live.address)
        operation = await client.batch_fit(PHOTOS)
        with pytest.raises(DeadlineError, match="goes on"):
            await operation.result(0.3)
        assert not await operation.wait(0.1)
        async with working(desk.config):
            again = await client.get_operation(operation.name)
            assert len(await again.result(20)) == 2
        await client._wire.close()


async def test_the_result_of_a_cancelled_operation_is_an_error() -> None:
    async with office() as desk:
        client = AwaitedCalls(desk.live.address)
        operation = await client.batch_fit(PHOTOS)
        await operation.cancel()
        with pytest.raises(OperationCancelledError) as caught:
            await operation.result(5)
        assert caught.value.reason == "OPERATION_CANCELLED"
        await client._wire.close()


async def test_a_request_id_can_be_chosen() -> None:
    async with office() as desk:
        client = AwaitedCalls(desk.live.address)
        request_id = new_request_id()
        first = await client.batch_fit(PHOTOS, request_id=request_id)
        assert (await client.batch_fit(PHOTOS, request_id=request_id)).name == first.name
        with pytest.raises(RequestReusedError):
            await client.batch_fit(PHOTOS[:1], request_id=request_id)
        assert (await client.batch_fit(PHOTOS)).name != first.name
        await client._wire.close()


async def test_a_server_that_restarts_is_waited_for(tmp_path: Any, unused_tcp_port: int) -> None:
    settings: dict[str, Any] = {"state_dir": str(tmp_path), "listen": f"127.0.0.1:{unused_tcp_port}"}
    async with office(**settings) as desk:
        client = AwaitedCalls(desk.live.address)
        operation = await client.batch_fit(PHOTOS)
        result = asyncio.create_task(operation.result(30))
        await asyncio.sleep(0.3)
    await asyncio.sleep(0.3)
    assert not result.done()
    async with office(**settings) as desk, working(desk.config):
        assert len(await result) == 2
    await client._wire.close()


async def test_an_unknown_picture_is_refused_before_anything_is_sent() -> None:
    client = AwaitedCalls("127.0.0.1:1")
    with pytest.raises(InvalidInputError, match="rendered, comparison"):
        await client.batch_fit(PHOTOS, pictures=["cartoon"])
    await client._wire.close()


def test_methods_have_the_signature_and_the_text_of_their_description() -> None:
    import inspect

    assert str(inspect.signature(AwaitedCalls.get_operation)).startswith("(self, /, name: 'str'")
    assert BlockingCalls.batch_fit.__doc__ == batch_fit.__doc__
    assert issubclass(OperationCancelledError, FacewrightError)
