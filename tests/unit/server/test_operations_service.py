"""BatchFit and google.longrunning.Operations over the wire; the worker is a thread of the test."""

import asyncio
import time
from typing import Any

import grpc
import pytest
from google.rpc import code_pb2, error_details_pb2, status_pb2

from facewright.v1 import fitting_pb2
from facewright_models import errors as domain
from unit.server.fakes.jobs import (
    batch_request,
    metadata_of,
    new_request_id,
    office,
    results_of,
    working,
)
from unit.server.fakes.running import until
from unit.server.fakes.studio import raising, raising_in_fit

PHOTOS = [b"photo 1", b"photo 2", b"photo 3"]


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_JOB_STEP_SECS", "0.005")


def reason_of(error: grpc.aio.AioRpcError | status_pb2.Status) -> str:
    if isinstance(error, status_pb2.Status):
        status = error
    else:
        trailers = dict(error.trailing_metadata())
        status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    for packed in status.details:
        info = error_details_pb2.ErrorInfo()
        if packed.Unpack(info):
            return str(info.reason)
    raise AssertionError(f"no ErrorInfo in {status}")


async def refusal(call: Any) -> tuple[grpc.StatusCode, str, str]:
    """Code, reason and message of a call that has to fail."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value.code(), reason_of(caught.value), caught.value.details()


async def test_a_batch_gives_one_character_per_photo_in_the_order_of_the_request() -> None:
    async with office() as desk:
        begun = await desk.calls.batch_fit(PHOTOS)
        assert begun.name.startswith("operations/")
        assert not begun.done
        assert metadata_of(begun).subject_count == 3
        async with working(desk.config):
            ended = await desk.calls.wait(begun.name)
        results = results_of(ended)
        assert [result.subject for result in results] == [0, 1, 2]
        noses = [result.fitted.character.sliders["nose_width"] for result in results]
        assert noses == pytest.approx([0.001, 0.002, 0.003])
        assert results[0].fitted.report.identity_cosine == pytest.approx(0.9)
        assert dict(results[0].fitted.pictures) == {}
        metadata = metadata_of(ended)
        assert (metadata.done_count, metadata.failed_count, metadata.progress) == (3, 0, 1.0)
        assert metadata.create_time.ToMicroseconds() <= metadata.start_time.ToMicroseconds()
        assert metadata.start_time.ToMicroseconds() <= metadata.end_time.ToMicroseconds()


async def test_pictures_that_were_asked_for_are_media_of_the_client() -> None:
    pictures = [fitting_pb2.RESULT_PICTURE_RENDERED, fitting_pb2.RESULT_PICTURE_COMPARISON]
    async with office() as desk, working(desk.config):
        begun = await desk.calls.batch_fit(PHOTOS[:1], pictures=pictures)
        (result,) = results_of(await desk.calls.wait(begun.name))
        names = dict(result.fitted.pictures)
        assert set(names) == {"rendered", "comparison"}
        media = desk.live.server._media
        for name in names.values():
            assert (await media.read(name, owner="local", max_bytes=10**6)).startswith(b"\x89PNG")


async def test_a_photo_can_be_a_file_that_was_uploaded_before() -> None:
    async with office() as desk, working(desk.config):
        png = await uploaded(desk, b"\x89PNG 77")
        request = batch_request([])
        request.subjects.add().photos.add(media=png)
        (result,) = results_of(await desk.calls.wait((await desk.calls.send(request)).name))
        assert result.fitted.character.sliders["nose_width"] == pytest.approx(0.077)


async def uploaded(desk: Any, content: bytes, content_type: str = "image/png") -> str:
    record = await desk.live.server._media.put(
        content, owner="local", display_name="x", content_type=content_type
    )
    return str(record.name)


async def test_a_file_that_is_gone_before_its_turn_is_the_error_of_its_photo_alone() -> None:
    async with office() as desk:
        name = await uploaded(desk, b"\x89PNG 1")
        request = batch_request(PHOTOS[:1])
        request.subjects.add().photos.add(media=name)
        begun = await desk.calls.send(request)
        await desk.live.server._media.delete(name, owner="local")
        async with working(desk.config):
            fitted, missing = results_of(await desk.calls.wait(begun.name))
        assert fitted.HasField("fitted")
        assert reason_of(missing.error) == "UNKNOWN_MEDIA"


@pytest.mark.parametrize(
    ("photo", "reason"),
    [
        (raising(domain.InvalidImageError), "INVALID_IMAGE"),
        (raising_in_fit(domain.NoFaceError), "NO_FACE"),
        (raising_in_fit(RuntimeError), "INTERNAL"),
    ],
)
async def test_one_bad_photo_does_not_spoil_the_others(photo: bytes, reason: str) -> None:
    async with office() as desk, working(desk.config):
        begun = await desk.calls.batch_fit([PHOTOS[0], photo, PHOTOS[1]])
        ended = await desk.calls.wait(begun.name)
        first, bad, last = results_of(ended)
        assert reason_of(bad.error) == reason
        assert "secret" not in str(bad.error)
        metadata = metadata_of(ended)
        assert (metadata.done_count, metadata.failed_count) == (2, 1)
        assert first.HasField("fitted")
        assert last.HasField("fitted")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"photos": []}, "subjects"),
        ({"photos": [b"x"] * 6}, "subjects"),
        ({"photos": [b""]}, "subjects[0].photos[0].content"),
        ({"photos": [b"x"], "request_id": "not a uuid"}, "request_id"),
        ({"photos": [b"x"], "pictures": [7]}, "pictures[0]"),
        ({"photos": [b"x"], "options": fitting_pb2.FitOptions(iterations=0)}, "options.iterations"),
        (
            {"photos": [b"x"], "options": fitting_pb2.FitOptions(content_weight=float("nan"))},
            "options.content_weight",
        ),
    ],
)
async def test_what_can_be_refused_is_refused_when_the_call_comes(fields: dict[str, Any], field: str) -> None:
    async with office(max_batch_photos=5) as desk:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await desk.calls.batch_fit(**fields)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        trailers = dict(caught.value.trailing_metadata())
        status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
        violations = error_details_pb2.BadRequest()
        assert any(packed.Unpack(violations) for packed in status.details)
        assert violations.field_violations[0].field == field
        assert not (await desk.calls.list()).operations


async def test_photos_count_together_against_the_limit() -> None:
    async with office(max_batch_photos=5) as desk:
        request = fitting_pb2.BatchFitRequest()
        for _ in range(2):
            subject = request.subjects.add()
            for _ in range(3):
                subject.photos.add(content=b"x")
        code, _, message = await refusal(desk.calls.send(request))
        assert code is grpc.StatusCode.INVALID_ARGUMENT
        assert "6 photos" in message


async def test_an_unknown_rig_is_refused_when_the_call_comes() -> None:
    async with office() as desk:
        code, reason, _ = await refusal(desk.calls.batch_fit(PHOTOS, rig="none"))
        assert (code, reason) == (grpc.StatusCode.NOT_FOUND, "UNKNOWN_RIG")


async def test_media_that_are_unknown_or_no_image_are_refused_when_the_call_comes() -> None:
    async with office() as desk:
        for name, expected in (
            ("media/" + "0" * 32, (grpc.StatusCode.NOT_FOUND, "UNKNOWN_MEDIA")),
            (
                await uploaded(desk, b"RIFF", "video/mp4"),
                (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST"),
            ),
        ):
            request = fitting_pb2.BatchFitRequest()
            request.subjects.add().photos.add(media=name)
            assert (await refusal(desk.calls.send(request)))[:2] == expected


async def test_repeating_a_request_id_gives_the_same_operation_also_when_calls_race() -> None:
    request_id = new_request_id()
    async with office() as desk:
        made = await asyncio.gather(
            *(desk.calls.batch_fit(PHOTOS, request_id=request_id) for _ in range(5)),
            desk.calls.batch_fit(PHOTOS, request_id=request_id.upper()),
        )
        assert len({operation.name for operation in made}) == 1
        code, reason, _ = await refusal(desk.calls.batch_fit(PHOTOS[:2], request_id=request_id))
        assert (code, reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")


async def test_two_servers_on_one_database_share_request_ids_and_work(tmp_path: Any) -> None:
    request_id = new_request_id()
    async with office(state_dir=str(tmp_path)) as first, office(state_dir=str(tmp_path)) as second:
        made = await asyncio.gather(
            *(desk.calls.batch_fit(PHOTOS, request_id=request_id) for desk in (first, second) * 3)
        )
        assert len({operation.name for operation in made}) == 1
        async with working(first.config), working(second.config):
            others = [await desk.calls.batch_fit(PHOTOS) for desk in (first, second) * 2]
            for operation in (made[0], *others):
                ended = await second.calls.wait(operation.name)
                assert [result.subject for result in results_of(ended)] == [0, 1, 2]
                assert metadata_of(ended).attempt == 1


async def test_a_client_with_many_operations_is_told_so() -> None:
    async with office(max_client_operations=1) as desk:
        await desk.calls.batch_fit(PHOTOS)
        code, reason, _ = await refusal(desk.calls.batch_fit(PHOTOS))
        assert (code, reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "QUOTA")


async def test_waiting_ends_with_its_time_and_answers_how_things_stand() -> None:
    async with office() as desk:
        begun = await desk.calls.batch_fit(PHOTOS)
        started = time.monotonic()
        assert not (await desk.calls.wait(begun.name, secs=0.3)).done
        assert 0.25 < time.monotonic() - started < 3


async def test_waiting_answers_before_the_deadline_of_the_call() -> None:
    from google.longrunning import operations_pb2

    async with office() as desk:
        begun = await desk.calls.batch_fit(PHOTOS)
        request = operations_pb2.WaitOperationRequest(name=begun.name)
        answer = await desk.calls.operations.WaitOperation(request, timeout=1.0)
        assert not answer.done


def calls_in(desk: Any) -> int:
    """How many calls the server works on."""
    return int(desk.live.server.interceptor.activity.in_flight)


async def test_many_who_wait_are_all_answered_when_it_is_done_and_hold_no_thread() -> None:
    async with office(max_client_calls=300) as desk:
        begun = await desk.calls.batch_fit(PHOTOS)
        waits = [asyncio.create_task(desk.calls.wait(begun.name)) for _ in range(60)]
        await until(lambda: calls_in(desk) == len(waits))
        assert (await desk.calls.get(begun.name)).name == begun.name
        async with working(desk.config):
            assert all([(await wait).done for wait in waits])


async def test_a_server_that_stops_does_not_keep_those_who_wait() -> None:
    async with office(shutdown_grace_secs=5.0) as desk:
        begun = await desk.calls.batch_fit(PHOTOS)
        wait = asyncio.create_task(desk.calls.wait(begun.name))
        await until(lambda: calls_in(desk) == 1)
        started = time.monotonic()
        await desk.live.server.stop()
        assert not (await wait).done
        assert time.monotonic() - started < 3


async def test_cancelling_one_that_waits_ends_it_at_once() -> None:
    async with office() as desk:
        begun = await desk.calls.batch_fit(PHOTOS)
        await desk.calls.cancel(begun.name)
        ended = await desk.calls.get(begun.name)
        assert ended.done
        assert ended.error.code == code_pb2.CANCELLED
        assert reason_of(ended.error) == "OPERATION_CANCELLED"


async def test_cancelling_one_that_runs_stops_it_within_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_JOB_STEP_SECS", "0.05")
    monkeypatch.setenv("FAKE_JOB_STEPS", "1000")
    async with office() as desk, working(desk.config):
        begun = await desk.calls.batch_fit(PHOTOS)
        while metadata_of(await desk.calls.get(begun.name)).attempt == 0:  # noqa: ASYNC110 - over the wire
            await asyncio.sleep(0.02)
        started = time.monotonic()
        await desk.calls.cancel(begun.name)
        ended = await desk.calls.wait(begun.name)
        assert ended.error.code == code_pb2.CANCELLED
        assert time.monotonic() - started < 2  # 0.2 s to see it, a step, 0.2 s to see the end; slow machines
        (free,) = results_of(await finish_quickly(desk, monkeypatch))
        assert free.HasField("fitted")


async def finish_quickly(desk: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("FAKE_JOB_STEPS", "1")
    return await desk.calls.wait((await desk.calls.batch_fit(PHOTOS[:1])).name)


async def test_only_a_done_operation_can_be_deleted() -> None:
    async with office() as desk:
        begun = await desk.calls.batch_fit(PHOTOS)
        code, reason, _ = await refusal(desk.calls.delete(begun.name))
        assert (code, reason) == (grpc.StatusCode.FAILED_PRECONDITION, "OPERATION_NOT_DONE")
        await desk.calls.cancel(begun.name)
        await desk.calls.delete(begun.name)
        for call in (desk.calls.get, desk.calls.cancel, desk.calls.delete, desk.calls.wait):
            assert (await refusal(call(begun.name)))[:2] == (grpc.StatusCode.NOT_FOUND, "UNKNOWN_OPERATION")


async def test_pages_are_stable_while_operations_come() -> None:
    async with office() as desk:
        made = [(await desk.calls.batch_fit(PHOTOS)).name for _ in range(5)]
        seen: list[str] = []
        token = ""
        while True:
            page = await desk.calls.list(page_size=2, page_token=token, name="operations")
            seen += [operation.name for operation in page.operations]
            await desk.calls.batch_fit(PHOTOS)
            token = page.next_page_token
            if not token:
                break
        assert seen == made[::-1]


async def test_the_list_is_filtered() -> None:
    async with office() as desk:
        done, waiting = await desk.calls.batch_fit(PHOTOS), await desk.calls.batch_fit(PHOTOS)
        await desk.calls.cancel(done.name)
        for text, expected in (
            ("done = true", [done.name]),
            ("done=false", [waiting.name]),
            (
                'metadata.@type = "type.googleapis.com/facewright.v1.BatchFitMetadata"',
                [waiting.name, done.name],
            ),
            ("metadata.@type = facewright.v1.OtherMetadata", []),
            (f'name = "{done.name}" AND done = true', [done.name]),
        ):
            listed = (await desk.calls.list(filter=text)).operations
            assert [operation.name for operation in listed] == expected, text


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"filter": "done"}, "filter"),
        ({"filter": "age > 3"}, "filter"),
        ({"page_size": -1}, "page_size"),
        ({"page_token": "bm9uc2Vuc2U="}, "page_token"),
        ({"page_token": "é"}, "page_token"),
        ({"name": "media"}, "name"),
    ],
)
async def test_a_list_request_that_is_not_understood_is_refused(fields: dict[str, Any], field: str) -> None:
    async with office() as desk:
        code, reason, message = await refusal(desk.calls.list(**fields))
        assert (code, reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
        assert field in message


async def test_a_page_token_belongs_to_its_filter() -> None:
    async with office() as desk:
        for _ in range(3):
            await desk.calls.batch_fit(PHOTOS)
        page = await desk.calls.list(page_size=1, filter="done = false")
        code, _, message = await refusal(
            desk.calls.list(page_size=1, filter="done = true", page_token=page.next_page_token)
        )
        assert code is grpc.StatusCode.INVALID_ARGUMENT
        assert "another filter" in message
