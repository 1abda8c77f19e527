"""Every kind of call passes the interceptor; whatever goes wrong there has a code, a reason and one log line."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from typing import Any

import grpc
import pytest

from facewright_server.calls import REQUEST_ID_HEADER
from unit.server.fakes.echo import Echo, details_of, echoing, method, reason_of, text
from unit.server.fakes.running import until

UNARY_REQUEST = ["UnaryUnary", "UnaryStream"]
STREAM_REQUEST = ["StreamUnary", "StreamStream"]
KINDS = UNARY_REQUEST + STREAM_REQUEST


async def stream(messages: Iterable[bytes]) -> AsyncIterator[bytes]:
    for message in messages:
        yield message


async def call(channel: grpc.aio.Channel, name: str, *messages: bytes, **options: Any) -> list[bytes]:
    """All answers of a method, whatever its kind."""
    options = {"timeout": 10, **options}
    if name in ("UnaryUnary", "Unknown"):
        return [await channel.unary_unary(method(name))(messages[0], **options)]
    if name in ("UnaryStream", "Writer"):
        return [answer async for answer in channel.unary_stream(method(name))(messages[0], **options)]
    if name == "StreamUnary":
        return [await channel.stream_unary(method(name))(stream(messages), **options)]
    return [answer async for answer in channel.stream_stream(method(name))(stream(messages), **options)]


async def failure(channel: grpc.aio.Channel, name: str, *messages: bytes, **options: Any) -> Any:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(channel, name, *messages, **options)
    return caught.value


async def call_lines(caplog: pytest.LogCaptureFixture, count: int = 1) -> list[Any]:
    def lines() -> list[Any]:
        return [record for record in caplog.records if record.message == "call"]

    await until(lambda: len(lines()) >= count)
    assert len(lines()) == count
    return lines()


def our_errors(caplog: pytest.LogCaptureFixture) -> list[Any]:
    """grpcio sometimes complains through asyncio about the event loop of the test before."""
    return [
        record
        for record in caplog.records
        if record.levelno >= logging.ERROR and record.name.startswith(("facewright", "grpc"))
    ]


@pytest.mark.parametrize(
    ("name", "answers"),
    [
        ("UnaryUnary", ["A"]),
        ("UnaryStream", ["A"] * 3),
        ("StreamUnary", ["A,B"]),
        ("StreamStream", ["A", "B"]),
        ("Writer", ["A"]),
    ],
)
async def test_every_kind_of_call_is_answered_and_logged_once(
    name: str, answers: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with echoing() as echo, grpc.aio.insecure_channel(echo.address) as channel:
        sent = [text("a"), text("b")] if name in STREAM_REQUEST else [text("a")]
        assert await call(channel, name, *sent) == [text(answer) for answer in answers]
        (line,) = await call_lines(caplog)
    assert (line.method, line.code, line.client) == (method(name), "OK", "local")
    assert line.request_bytes == len(b"".join(sent))
    assert line.ms >= 0
    if name != "Writer":
        assert line.answer_bytes == sum(len(text(answer)) for answer in answers)
        assert line.answers == len(answers)
    assert set(echo.clients) == {"local"}


@pytest.mark.parametrize("name", KINDS)
async def test_the_request_id_comes_back_before_the_answer(name: str) -> None:
    async with echoing() as echo, grpc.aio.insecure_channel(echo.address) as channel:
        kinds = {"UnaryUnary": channel.unary_unary, "UnaryStream": channel.unary_stream}
        kinds |= {"StreamUnary": channel.stream_unary, "StreamStream": channel.stream_stream}
        if name == "UnaryUnary":  # the client's library hands out everything together
            echo.gate.set()
        request = stream([text("wait")]) if name in STREAM_REQUEST else text("wait")
        running = kinds[name](method(name))(request, metadata=((REQUEST_ID_HEADER, "game-1"),), timeout=10)
        assert dict(await running.initial_metadata())[REQUEST_ID_HEADER] == "game-1"
        echo.gate.set()


@pytest.mark.parametrize("name", KINDS)
async def test_bytes_that_are_no_message_are_bad_input_with_a_reason(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with echoing() as echo, grpc.aio.insecure_channel(echo.address) as channel:
        error = await failure(channel, name, b"\xff\xff\xff not protobuf")
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert reason_of(error) == "INVALID_REQUEST"
        assert "protobuf" in error.details()
        (line,) = await call_lines(caplog)
        assert (line.code, line.reason) == ("INVALID_ARGUMENT", "INVALID_REQUEST")
    assert echo.seen == []


async def test_a_bad_message_in_the_middle_of_a_stream_ends_it_with_a_reason() -> None:
    async with echoing() as echo, grpc.aio.insecure_channel(echo.address) as channel:
        error = await failure(channel, "StreamUnary", text("a"), b"\xff\xff")
        assert reason_of(error) == "INVALID_REQUEST"
    assert echo.seen == ["a"]


async def test_text_that_is_not_utf8_is_bad_input_with_a_reason() -> None:
    async with echoing() as echo, grpc.aio.insecure_channel(echo.address) as channel:
        assert reason_of(await failure(channel, "UnaryUnary", b"\x0a\x02\xff\xfe")) == "INVALID_REQUEST"


async def test_a_call_without_its_message_is_bad_input_with_a_reason() -> None:
    async with echoing() as echo, grpc.aio.insecure_channel(echo.address) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await channel.stream_unary(method("UnaryUnary"))(stream([]), timeout=10)
        assert reason_of(caught.value) == "INVALID_REQUEST"
        assert "no message" in caught.value.details()


@pytest.mark.parametrize("name", ["/facewright.test.EchoService/Unknown", "/no.such.Service/Method", "/x"])
async def test_an_unknown_method_is_unimplemented_with_a_reason(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with echoing() as echo, grpc.aio.insecure_channel(echo.address) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await channel.unary_unary(name)(b"", timeout=10)
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
        assert reason_of(caught.value) == "UNKNOWN_METHOD"
        (line,) = await call_lines(caplog)
        assert line.method == "unknown"  # what callers make up is no name for a metric


@pytest.mark.parametrize("name", KINDS)
async def test_a_message_over_the_limit_is_refused_with_both_sizes(name: str) -> None:
    async with echoing() as echo, grpc.aio.insecure_channel(echo.address) as channel:
        error = await failure(channel, name, text("x" * 70_000))
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert reason_of(error) == "REQUEST_TOO_LARGE"
        assert details_of(error)["ErrorInfo"].metadata["max_bytes"] == str(64 * 1024)
        assert len((await call(channel, name, text("x" * 60_000)))[0]) > 60_000
    assert all(len(value) == 60_000 for value in echo.seen)


async def test_a_message_far_over_the_limit_is_refused_by_grpc_before_it_is_kept() -> None:
    async with echoing() as echo, grpc.aio.insecure_channel(echo.address) as channel:
        error = await failure(channel, "UnaryUnary", text("x" * 1_000_000))
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert await call(channel, "UnaryUnary", text("a")) == [text("A")]
    assert echo.seen == ["a"]


@pytest.mark.parametrize("name", KINDS)
async def test_an_answer_over_the_limit_is_an_error_with_a_reason(name: str) -> None:
    async with echoing() as echo, grpc.aio.insecure_channel(echo.address) as channel:
        assert reason_of(await failure(channel, name, text("grow"))) == "ANSWER_TOO_LARGE"


@pytest.mark.parametrize("name", KINDS)
async def test_an_error_of_the_domain_is_its_row_of_the_table(name: str) -> None:
    async with echoing() as echo, grpc.aio.insecure_channel(echo.address) as channel:
        error = await failure(channel, name, text("refuse"), metadata=((REQUEST_ID_HEADER, "r1"),))
        details = details_of(error)
        assert details["BadRequest"].field_violations[0].field == "value"
        assert details["RequestInfo"].request_id == "r1"


@pytest.mark.parametrize("name", KINDS)
async def test_an_unexpected_exception_tells_the_caller_where_to_look_and_nothing_else(name: str) -> None:
    async with echoing() as echo, grpc.aio.insecure_channel(echo.address) as channel:
        error = await failure(channel, name, text("break"))
        assert (error.code(), reason_of(error)) == (grpc.StatusCode.INTERNAL, "INTERNAL")
        assert "secret" not in str(error)


@pytest.mark.parametrize(("word", "code"), [("abort", "NOT_FOUND"), ("code", "DATA_LOSS")])
@pytest.mark.parametrize("name", KINDS)
async def test_a_code_that_the_handler_chose_is_kept_and_logged(
    name: str, word: str, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with echoing() as echo, grpc.aio.insecure_channel(echo.address) as channel:
        assert (await failure(channel, name, text(word))).code().name == code
        (line,) = await call_lines(caplog)
        assert line.code == code
    assert not our_errors(caplog)


@pytest.mark.parametrize("name", KINDS)
async def test_a_call_that_is_cancelled_is_logged_as_such_and_counted_out(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with echoing() as echo, grpc.aio.insecure_channel(echo.address) as channel:
        running = asyncio.create_task(call(channel, name, text("wait")))
        await until(lambda: echo.seen)
        assert echo.interceptor.activity.in_flight == 1
        assert echo.interceptor.activity.idle_secs() == 0
        running.cancel()
        (line,) = await call_lines(caplog)
        assert line.code == "CANCELLED"
        assert echo.interceptor.activity.in_flight == 0
        await asyncio.sleep(0.01)
        assert echo.interceptor.activity.idle_secs() > 0
    assert not our_errors(caplog)


async def test_a_call_whose_deadline_passes_is_logged_as_such(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with echoing() as echo, grpc.aio.insecure_channel(echo.address) as channel:
        error = await failure(channel, "UnaryUnary", text("wait"), timeout=0.3)
        assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        (line,) = await call_lines(caplog)
        assert line.code == "DEADLINE_EXCEEDED"


async def test_the_generator_of_a_stream_is_closed_when_its_reader_leaves() -> None:
    async with echoing() as echo, grpc.aio.insecure_channel(echo.address) as channel:
        running = channel.unary_stream(method("UnaryStream"))(text("wait"), timeout=10)
        await until(lambda: echo.seen)
        running.cancel()
        await until(lambda: echo.closed == 1)


async def busy(echo: Echo, channel: grpc.aio.Channel, count: int) -> list[asyncio.Task[Any]]:
    tasks = [asyncio.create_task(call(channel, "UnaryUnary", text("wait"))) for _ in range(count)]
    await until(lambda: len(echo.seen) == count)
    return tasks


@pytest.mark.parametrize("name", KINDS)
async def test_one_call_too_many_at_a_time_is_refused_at_once(name: str) -> None:
    async with echoing(max_client_calls=2) as echo, grpc.aio.insecure_channel(echo.address) as channel:
        tasks = await busy(echo, channel, 2)
        error = await failure(channel, name, text("a"))
        assert (error.code(), reason_of(error)) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "QUOTA")
        tasks[0].cancel()
        await until(lambda: echo.interceptor.activity.in_flight == 1)
        assert await call(channel, name, text("a"))
        echo.gate.set()
        await tasks[1]


async def test_calls_over_the_rate_are_refused_with_the_time_to_wait() -> None:
    async with (
        echoing(max_client_calls=1, client_calls_per_sec=0.5) as echo,
        grpc.aio.insecure_channel(echo.address) as channel,
    ):
        await call(channel, "UnaryUnary", text("a"))
        error = await failure(channel, "UnaryUnary", text("a"))
        assert reason_of(error) == "RATE_LIMIT"
        assert 1.0 < details_of(error)["RetryInfo"].retry_delay.ToMilliseconds() / 1000 <= 2.0
    assert echo.seen == ["a"]


@pytest.mark.parametrize("name", KINDS)
async def test_a_refusal_does_not_wait_for_the_body(name: str) -> None:
    async with echoing(max_client_calls=1) as echo, grpc.aio.insecure_channel(echo.address) as channel:
        (task,) = await busy(echo, channel, 1)
        silent = channel.stream_stream(method(name))(timeout=10)  # opens the call and sends nothing
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await asyncio.wait_for(silent.read(), 5)
        assert reason_of(caught.value) == "QUOTA"
        echo.gate.set()
        await task


async def test_a_caller_that_never_sends_its_body_takes_a_place_of_its_own_only() -> None:
    async with echoing(max_client_calls=1) as echo, grpc.aio.insecure_channel(echo.address) as channel:
        silent = channel.stream_stream(method("UnaryUnary"))(timeout=10)
        await until(lambda: echo.interceptor.activity.in_flight == 1)
        assert reason_of(await failure(channel, "UnaryUnary", text("a"))) == "QUOTA"
        silent.cancel()
        await until(lambda: echo.interceptor.activity.in_flight == 0)
        assert await call(channel, "UnaryUnary", text("a")) == [text("A")]
