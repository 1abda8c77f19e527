"""Spans of calls and of what happens inside them, through OpenTelemetry where it is installed and asked for.

Until `start_tracing` has succeeded every function here does nothing and costs next to nothing. Spans hold
times, names of methods and stages, and codes; never anything out of a request.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from facewright_server.errors import ConfigError

__all__ = ["CallSpan", "call_span", "current_trace_id", "past_span", "span", "start_tracing"]

_SERVICE_NAME = "facewright-server"
_CARRIER_KEYS = ("traceparent", "tracestate")
_tracer: Any = None
_CURRENT: ContextVar[Any] = ContextVar("facewright_span", default=None)
_log = logging.getLogger(__name__)


def start_tracing(otlp_endpoint: str = "", *, exporter: Any = None) -> Callable[[], None]:
    """Send spans to the OTLP collector, or to an `exporter` of one's own; returns what stops it.

    Raises `ConfigError` where the extra is not installed.
    """
    global _tracer
    try:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

        if exporter is None:
            from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

            processor: Any = BatchSpanProcessor(OTLPSpanExporter(endpoint=otlp_endpoint))
        else:
            processor = SimpleSpanProcessor(exporter)
    except ImportError as error:
        raise ConfigError(
            f"otlp_endpoint is {otlp_endpoint!r}, and spans need a package that is not installed ({error.name}); "
            "run: pip install 'facewright[tracing]', or leave otlp_endpoint empty"
        ) from error
    provider = TracerProvider(
        resource=Resource.create({"service.name": _SERVICE_NAME}), shutdown_on_exit=False
    )
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("facewright_server")
    _tracer = tracer

    def stop() -> None:
        global _tracer
        if _tracer is tracer:
            _tracer = None
        provider.shutdown()

    return stop


class CallSpan:
    """The span of one call while it runs; does nothing where there is no tracing."""

    def __init__(self, otel_span: Any) -> None:
        self._span = otel_span

    def end(self, code: int, *, reason: str = "") -> None:
        """Note the numeric status code of the call, and the reason of an error."""
        if self._span is None:
            return
        from opentelemetry.trace import Status, StatusCode

        self._span.set_attribute("rpc.grpc.status_code", code)
        if reason:
            self._span.set_attribute("error.type", reason)
        if code != 0:
            self._span.set_status(Status(StatusCode.ERROR))
        self._span.end()


def call_span(method: str, metadata: Iterable[tuple[str, Any]]) -> CallSpan:
    """Begin the span of a call, ``/package.Service/Method``; its parent is the W3C traceparent of the metadata.

    Spans that this task begins later are its children.
    """
    if _tracer is None:
        return CallSpan(None)
    from opentelemetry.trace import SpanKind
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier = {key: value for key, value in metadata if key in _CARRIER_KEYS and isinstance(value, str)}
    service, _, name = method.strip("/").partition("/")
    started = _tracer.start_span(
        f"{service}/{name}",
        context=TraceContextTextMapPropagator().extract(carrier),
        kind=SpanKind.SERVER,
        attributes={"rpc.system": "grpc", "rpc.service": service, "rpc.method": name},
    )
    _CURRENT.set(started)
    return CallSpan(started)


@contextmanager
def span(name: str, attributes: Mapping[str, str | int | float | bool] | None = None) -> Iterator[None]:
    """The block as a span below the current one; nothing outside of a call."""
    parent = _CURRENT.get()
    if _tracer is None or parent is None:
        yield
        return
    from opentelemetry.trace import Status, StatusCode, set_span_in_context

    started = _tracer.start_span(name, context=set_span_in_context(parent), attributes=dict(attributes or {}))
    token = _CURRENT.set(started)
    try:
        yield
    except BaseException as error:
        # The message may quote a request; the class does not.
        started.set_attribute("error.type", type(error).__name__)
        started.set_status(Status(StatusCode.ERROR))
        raise
    finally:
        _CURRENT.reset(token)
        started.end()


def past_span(name: str, secs: float, *, ended_secs_ago: float = 0.0) -> None:
    """A span below the current one for something that is over already and took `secs`."""
    parent = _CURRENT.get()
    if _tracer is None or parent is None:
        return
    from opentelemetry.trace import set_span_in_context

    end_ns = time.time_ns() - round(ended_secs_ago * 1e9)
    started = _tracer.start_span(
        name, context=set_span_in_context(parent), start_time=end_ns - round(secs * 1e9)
    )
    started.end(end_time=end_ns)


def current_trace_id() -> str:
    """For log lines: 32 hexadecimals, or empty."""
    current = _CURRENT.get()
    return "" if current is None else f"{current.get_span_context().trace_id:032x}"
