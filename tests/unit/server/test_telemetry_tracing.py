"""Spans: one per call under the caller's trace, others below it, none without the extra."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import grpc
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from facewright import AsyncClient, Character
from facewright_server.app import Server
from facewright_server.config import ServerConfig
from facewright_server.errors import ConfigError
from facewright_server.telemetry import tracing
from facewright_server.telemetry.tracing import call_span, past_span, span, start_tracing
from unit.server.fakes.echo import SERVICE, echoing, method, text
from unit.server.fakes.running import running, until
from unit.server.fakes.studio import PHOTO, FakeStudio

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def exporter() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    stop = start_tracing(exporter=exporter)
    yield exporter
    stop()


async def spans(exporter: InMemorySpanExporter, count: int) -> tuple[Any, ...]:
    await until(lambda: len(exporter.get_finished_spans()) >= count)
    assert len(exporter.get_finished_spans()) == count
    return exporter.get_finished_spans()


async def test_a_call_is_one_span_with_the_attributes_of_rpc(exporter: InMemorySpanExporter) -> None:
    async with echoing() as echo, grpc.aio.insecure_channel(echo.address) as channel:
        await channel.unary_unary(method("UnaryUnary"))(text("a"), timeout=5)
    (found,) = await spans(exporter, 1)
    assert found.name == f"{SERVICE}/UnaryUnary"
    assert found.kind is SpanKind.SERVER
    assert dict(found.attributes) == {
        "rpc.system": "grpc",
        "rpc.service": SERVICE,
        "rpc.method": "UnaryUnary",
        "rpc.grpc.status_code": 0,
    }
    assert found.parent is None
    assert found.end_time > found.start_time


async def test_the_trace_of_the_caller_goes_on(exporter: InMemorySpanExporter) -> None:
    async with echoing() as echo, grpc.aio.insecure_channel(echo.address) as channel:
        await channel.unary_unary(method("UnaryUnary"))(
            text("a"), timeout=5, metadata=(("traceparent", f"00-{TRACE}-{PARENT}-01"),)
        )
    (found,) = await spans(exporter, 1)
    assert f"{found.context.trace_id:032x}" == TRACE
    assert f"{found.parent.span_id:016x}" == PARENT


@pytest.mark.parametrize("header", ["", "nonsense", "00-0-0-01", f"00-{'0' * 32}-{PARENT}-01"])
async def test_a_traceparent_that_is_none_begins_a_trace(exporter: InMemorySpanExporter, header: str) -> None:
    async with echoing() as echo, grpc.aio.insecure_channel(echo.address) as channel:
        await channel.unary_unary(method("UnaryUnary"))(
            text("a"), timeout=5, metadata=(("traceparent", header),)
        )
    (found,) = await spans(exporter, 1)
    assert found.parent is None


@pytest.mark.parametrize(
    ("word", "code", "reason"),
    [("refuse", 3, "INVALID_REQUEST"), ("break", 13, "INTERNAL"), ("abort", 5, None)],
)
async def test_a_failed_call_has_code_and_reason_and_no_words(
    exporter: InMemorySpanExporter, word: str, code: int, reason: str | None
) -> None:
    async with echoing() as echo, grpc.aio.insecure_channel(echo.address) as channel:
        with pytest.raises(grpc.aio.AioRpcError):
            await channel.unary_unary(method("UnaryUnary"))(text(word), timeout=5)
    (found,) = await spans(exporter, 1)
    assert found.attributes["rpc.grpc.status_code"] == code
    assert found.attributes.get("error.type") == reason
    assert found.status.status_code is StatusCode.ERROR
    assert "secret" not in found.to_json()


async def test_a_cancelled_call_ends_its_span(exporter: InMemorySpanExporter) -> None:
    async with echoing() as echo, grpc.aio.insecure_channel(echo.address) as channel:
        running_call = channel.unary_stream(method("UnaryStream"))(text("wait"), timeout=5)
        await until(lambda: echo.seen)
        running_call.cancel()
        (found,) = await spans(exporter, 1)
    assert found.attributes["rpc.grpc.status_code"] == grpc.StatusCode.CANCELLED.value[0]


async def test_spans_inside_a_call_are_below_it_and_below_each_other(exporter: InMemorySpanExporter) -> None:
    call = call_span("/s/M", ())
    with span("queue wait", {"queue": "fit"}):
        past_span("align", 0.25)
    with pytest.raises(ValueError), span("render"):
        raise ValueError("secret")
    call.end(0)
    align, wait, render, top = await spans(exporter, 4)
    assert [each.name for each in (align, wait, render, top)] == ["align", "queue wait", "render", "s/M"]
    assert align.parent.span_id == wait.context.span_id
    assert wait.parent.span_id == render.parent.span_id == top.context.span_id
    assert align.end_time - align.start_time == pytest.approx(250e6, rel=0.01)
    assert wait.attributes["queue"] == "fit"
    assert render.attributes["error.type"] == "ValueError"
    assert not render.events  # an event of an exception would hold its words


async def test_a_fit_shows_its_wait_and_its_stages_and_a_frame_its_drawing(
    exporter: InMemorySpanExporter,
) -> None:
    async with running(FakeStudio(step_secs=0.001)) as live, AsyncClient(live.address) as client:
        await client.fit(PHOTO)
        await client.render(Character())
        await until(
            lambda: len([each for each in exporter.get_finished_spans() if each.kind is SpanKind.SERVER]) == 2
        )
    found = {each.name: each for each in exporter.get_finished_spans()}
    call, fit = found["facewright.v1.FittingService/Fit"], found["fit"]
    assert fit.parent.span_id == call.context.span_id
    stages = [
        each
        for each in exporter.get_finished_spans()
        if each.parent and each.parent.span_id == fit.context.span_id
    ]
    assert [each.name for each in stages][:1] == ["fit wait"]
    assert "fit optimise" in [each.name for each in stages]
    for before, after in pairwise(stages):
        assert after.start_time == pytest.approx(before.end_time, abs=5e6)
    frame = found["facewright.v1.RenderService/Render"]
    assert found["render"].parent.span_id == frame.context.span_id


async def test_calls_at_the_same_time_do_not_mix(exporter: InMemorySpanExporter) -> None:
    async def one(name: str) -> None:
        call = call_span(f"/s/{name}", ())
        await asyncio.sleep(0.01)
        with span(f"inside {name}"):
            await asyncio.sleep(0.01)
        call.end(0)

    await asyncio.gather(*(asyncio.create_task(one(name)) for name in "abc"))
    found = {each.name: each for each in await spans(exporter, 6)}
    for name in "abc":
        assert found[f"inside {name}"].parent.span_id == found[f"s/{name}"].context.span_id


async def test_without_tracing_nothing_is_imported_or_recorded() -> None:
    assert tracing._tracer is None
    call = call_span("/s/M", (("traceparent", f"00-{TRACE}-{PARENT}-01"),))
    with span("a"):
        past_span("b", 1.0)
    call.end(0)
    assert tracing.current_trace_id() == ""


async def test_asking_for_spans_without_the_extra_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    config = ServerConfig(listen="127.0.0.1:0", default_rig="fake", otlp_endpoint="http://127.0.0.1:4317")
    server = Server(config, FakeStudio())
    with pytest.raises(ConfigError, match=r"pip install 'facewright\[tracing\]'"):
        await server.start()
    await server.stop()
