"""The numbers of `METRICS` as Prometheus metrics, and the endpoint they are read from.

Names follow Prometheus: base units (seconds, bytes), `_total` for counters. Labels come from fixed sets.
"""

import contextlib
import logging
import threading
from wsgiref.simple_server import WSGIServer

import psutil
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    start_http_server,
)
from prometheus_client.registry import Collector

from facewright_server.config import ServerConfig, split_address
from facewright_server.errors import ConfigError
from facewright_server.telemetry.metrics import METRICS

__all__ = ["MetricsEndpoint", "PrometheusSink"]

_CALL_SECS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
_FRAME_SECS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5)
_BATCH_SIZES = (1, 2, 3, 4, 6, 8, 12, 16, 32)
_log = logging.getLogger(__name__)


class PrometheusSink:
    """See `MetricsSink`. Every sink has a registry of its own: two servers in one process do not mix."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)  # process_resident_memory_bytes, CPU seconds, open files
        self._call_secs = Histogram(
            "facewright_call_duration_seconds",
            "Time from the arrival of a call to its status.",
            ("method", "code"),
            buckets=_CALL_SECS,
            registry=self.registry,
        )
        self._in_flight = self._gauge(
            "facewright_calls_in_flight", "Calls that have no status yet.", "method"
        )
        self._queue_depth = self._gauge(
            "facewright_queue_depth", "Requests that wait for their turn.", "queue"
        )
        self._batch_size = Histogram(
            "facewright_batch_size",
            "Requests that began together.",
            buckets=_BATCH_SIZES,
            registry=self.registry,
        )
        self._fit_steps = Counter(
            "facewright_fit_steps_total", "Steps of optimisation done.", registry=self.registry
        )
        self._frame_secs = Histogram(
            "facewright_frame_duration_seconds",
            "Time to draw one frame, without waiting.",
            buckets=_FRAME_SECS,
            registry=self.registry,
        )
        workers = self._gauge(
            "facewright_worker_resident_memory_bytes", "Memory of the processes that work on operations."
        )
        workers.set_function(_children_rss_bytes)

    def call_started(self, method: str) -> None:
        """See `MetricsSink`."""
        self._in_flight.labels(method).inc()

    def call_finished(self, method: str, code: str, secs: float) -> None:
        """See `MetricsSink`."""
        self._in_flight.labels(method).dec()
        self._call_secs.labels(method, code).observe(secs)

    def queue_depth(self, queue: str, depth: int) -> None:
        """See `MetricsSink`."""
        self._queue_depth.labels(queue).set(depth)

    def batch_taken(self, size: int) -> None:
        """See `MetricsSink`."""
        self._batch_size.observe(size)

    def fit_steps(self, count: int) -> None:
        """See `MetricsSink`."""
        self._fit_steps.inc(count)

    def frame_rendered(self, secs: float) -> None:
        """See `MetricsSink`."""
        self._frame_secs.observe(secs)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)


class MetricsEndpoint:
    """``GET /metrics`` on an address of its own, answered by a thread of its own. `close` when done."""

    def __init__(self, config: ServerConfig, *collectors: Collector) -> None:
        """Listens and turns `METRICS` on. With a certificate configured it speaks HTTPS with it.

        Raises `ConfigError` for an address that cannot be used.
        """
        host, port = split_address(config.metrics_listen)
        self._sink = PrometheusSink()
        for collector in collectors:
            self._sink.registry.register(collector)
        try:
            server, thread = start_http_server(
                port,
                addr=host,
                registry=self._sink.registry,
                certfile=config.tls_certificate or None,
                keyfile=config.tls_key or None,
            )
        except OSError as error:
            raise ConfigError(
                f"cannot listen on {config.metrics_listen} for metrics: {error.strerror or error}; choose "
                "another metrics_listen"
            ) from error
        self._server: WSGIServer = server
        self._thread: threading.Thread = thread
        METRICS.enable(self._sink)
        _log.info("metrics", extra={"address": self.address})

    @property
    def address(self) -> str:
        """HOST:PORT, with the port that was picked."""
        host, port = str(self._server.server_address[0]), int(self._server.server_address[1])
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def close(self) -> None:
        """Stop answering and free the port."""
        METRICS.disable(self._sink)
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)


def _children_rss_bytes() -> float:
    total = 0
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            total += child.memory_info().rss
    return float(total)
