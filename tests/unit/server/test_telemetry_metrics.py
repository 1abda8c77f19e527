"""Metrics: named and labelled as Prometheus wants, counted once, readable over HTTP, silent unless asked for."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import grpc
import pytest
from prometheus_client.parser import text_string_to_metric_families

from facewright_server.app import Server
from facewright_server.config import ServerConfig
from facewright_server.errors import ConfigError, StorageError
from facewright_server.jobs.tables import OPERATIONS
from facewright_server.persistence import Database
from facewright_server.telemetry.metrics import METRICS
from facewright_server.telemetry.prometheus import MetricsEndpoint, PrometheusSink
from facewright_server.telemetry.stored import StoredCollector
from unit.server.fakes.access import make_certificate
from unit.server.fakes.echo import echoing, method, text
from unit.server.fakes.running import running, until
from unit.server.fakes.studio import FakeStudio

UNITS = re.compile(
    r"_(seconds|bytes|total|info|in_flight|depth|size|operations|fds)$|^facewright_operations$"
)
SECRET = "SECRETMARKER"  # noqa: S105


def fetch(address: str, *, scheme: str = "http", context: ssl.SSLContext | None = None) -> str:
    with urllib.request.urlopen(f"{scheme}://{address}/metrics", timeout=10, context=context) as answer:  # noqa: S310
        return str(answer.read().decode())


def value(exposition: str, name: str, **labels: str) -> float | None:
    for family in text_string_to_metric_families(exposition):
        for sample in family.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                return float(sample.value)
    return None


@pytest.fixture
def endpoint() -> Any:
    endpoint = MetricsEndpoint(ServerConfig(metrics_listen="127.0.0.1:0"))
    yield endpoint
    endpoint.close()


def test_nothing_happens_until_metrics_are_enabled() -> None:
    METRICS.call_started("/a")
    METRICS.call_finished("/a", "OK", 1.0)
    METRICS.queue_depth("fit", 1)
    METRICS.batch_taken(2)
    METRICS.fit_steps(3)
    METRICS.frame_rendered(0.1)


def test_every_number_arrives_under_its_name(endpoint: MetricsEndpoint) -> None:
    METRICS.call_started("/a/B")
    METRICS.call_started("/a/B")
    METRICS.call_finished("/a/B", "OK", 0.2)
    METRICS.queue_depth("fit", 3)
    METRICS.batch_taken(4)
    METRICS.fit_steps(10)
    METRICS.fit_steps(5)
    METRICS.frame_rendered(0.04)
    page = fetch(endpoint.address)
    expected = {
        ("facewright_call_duration_seconds_count", "method=/a/B,code=OK"): 1,
        ("facewright_call_duration_seconds_sum", "method=/a/B,code=OK"): 0.2,
        ("facewright_calls_in_flight", "method=/a/B"): 1,
        ("facewright_queue_depth", "queue=fit"): 3,
        ("facewright_batch_size_sum", ""): 4,
        ("facewright_fit_steps_total", ""): 15,
        ("facewright_frame_duration_seconds_sum", ""): 0.04,
    }
    for (name, labels), number in expected.items():
        assert value(page, name, **dict(pair.split("=") for pair in labels.split(",") if pair)) == number, (
            name
        )


def test_memory_is_told_of_this_process_and_of_its_workers(endpoint: MetricsEndpoint) -> None:
    page = fetch(endpoint.address)
    assert value(page, "process_resident_memory_bytes") > 1e6
    assert value(page, "facewright_worker_resident_memory_bytes") >= 0


def test_names_carry_units_and_labels_come_from_fixed_sets() -> None:
    for family in PrometheusSink().registry.collect():
        name = family.name + ("_total" if family.type == "counter" else "")
        assert UNITS.search(name) or name.startswith("process_"), name
        assert family.documentation
    sink = PrometheusSink()
    sink.call_started("m")
    sink.queue_depth("fit", 1)
    labels = {
        label for family in sink.registry.collect() for sample in family.samples for label in sample.labels
    }
    assert labels <= {"method", "code", "queue", "le"}


async def test_calls_are_counted_with_their_codes(endpoint: MetricsEndpoint) -> None:
    async with echoing() as echo, grpc.aio.insecure_channel(echo.address) as channel:
        call = channel.unary_unary(method("UnaryUnary"))
        await call(text("a"), timeout=5)
        for word in ("refuse", "break", "abort"):
            with pytest.raises(grpc.aio.AioRpcError):
                await call(text(word), timeout=5)
        with pytest.raises(grpc.aio.AioRpcError):
            await call(b"\xff", timeout=5)
        with pytest.raises(grpc.aio.AioRpcError):
            await channel.unary_unary(f"/{SECRET}/x")(b"", timeout=5)
        waiting = call(text("wait"), timeout=5)
        await until(lambda: "wait" in echo.seen)
        page = await asyncio.to_thread(fetch, endpoint.address)
        assert value(page, "facewright_calls_in_flight", method=method("UnaryUnary")) == 1
        echo.gate.set()
        await waiting
        await until(lambda: echo.interceptor.activity.in_flight == 0)
    page = await asyncio.to_thread(fetch, endpoint.address)
    count = "facewright_call_duration_seconds_count"
    for code, number in {"OK": 2, "INVALID_ARGUMENT": 2, "INTERNAL": 1, "NOT_FOUND": 1}.items():
        assert value(page, count, method=method("UnaryUnary"), code=code) == number
    assert value(page, count, method="unknown", code="UNIMPLEMENTED") == 1
    assert value(page, "facewright_calls_in_flight", method=method("UnaryUnary")) == 0
    assert SECRET not in page


async def test_a_server_opens_and_closes_its_endpoint() -> None:
    async with running(metrics_listen="127.0.0.1:0") as live:
        address = live.server.metrics_address
        page = await asyncio.to_thread(fetch, address)
        assert "facewright_fit_steps_total" in page
        assert value(page, "facewright_operations", state="running") == 0
        assert value(page, "facewright_media_stored_bytes") == 0
    with pytest.raises(urllib.error.URLError):
        await asyncio.to_thread(fetch, address)


async def test_an_endpoint_in_use_is_refused_by_name() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        config = ServerConfig(listen="127.0.0.1:0", default_rig="fake", metrics_listen=f"127.0.0.1:{port}")
        server = Server(config, FakeStudio())
        with pytest.raises(ConfigError, match="metrics_listen"):
            await server.start()
        await server.stop()


def test_a_second_endpoint_takes_over_and_the_first_one_closing_changes_nothing() -> None:
    config = ServerConfig(metrics_listen="127.0.0.1:0")
    first, second = MetricsEndpoint(config), MetricsEndpoint(config)
    first.close()
    METRICS.fit_steps(2)
    assert value(fetch(second.address), "facewright_fit_steps_total") == 2
    second.close()


def test_with_a_certificate_the_endpoint_speaks_https(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    endpoint = MetricsEndpoint(
        ServerConfig(metrics_listen="127.0.0.1:0", tls_certificate=certificate, tls_key=key)
    )
    try:
        trusted = ssl.create_default_context(cafile=certificate)
        assert "facewright" in fetch(endpoint.address, scheme="https", context=trusted)
        with pytest.raises(OSError):
            fetch(endpoint.address)
    finally:
        endpoint.close()


def add_operation(database: Database, name: str, state: str) -> None:
    with database.transaction() as connection:
        connection.execute(
            OPERATIONS.insert().values(
                name=name,
                owner="a",
                kind="k",
                request_digest="",
                spec=b"",
                state=state,
                item_count=1,
                create_secs=0,
            )
        )


def test_operations_are_counted_by_state_when_somebody_looks(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'f.db'}")
    endpoint = MetricsEndpoint(ServerConfig(metrics_listen="127.0.0.1:0"), StoredCollector(database))
    try:
        for name, state in (("1", "running"), ("2", "waiting"), ("3", "waiting")):
            add_operation(database, name, state)
        page = fetch(endpoint.address)
        assert value(page, "facewright_operations", state="waiting") == 2
        assert value(page, "facewright_operations", state="running") == 1
        add_operation(database, "4", "running")
        assert value(fetch(endpoint.address), "facewright_operations", state="running") == 2
    finally:
        endpoint.close()
        database.close()


def test_a_database_that_cannot_be_read_leaves_the_other_metrics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(f"sqlite:///{tmp_path / 'f.db'}")

    def refuse() -> Any:
        raise StorageError("the disk is gone")

    monkeypatch.setattr(database, "snapshot", refuse)
    endpoint = MetricsEndpoint(ServerConfig(metrics_listen="127.0.0.1:0"), StoredCollector(database))
    try:
        page = fetch(endpoint.address)
        assert value(page, "facewright_operations", state="running") is None
        assert value(page, "facewright_fit_steps_total") == 0
    finally:
        endpoint.close()
        database.close()
