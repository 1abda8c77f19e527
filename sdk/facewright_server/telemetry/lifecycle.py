"""Turns on what the configuration asks for, and off again."""

from collections.abc import Callable

from facewright_server.config import ServerConfig
from facewright_server.persistence import Database
from facewright_server.telemetry.prometheus import MetricsEndpoint
from facewright_server.telemetry.stored import StoredCollector
from facewright_server.telemetry.tracing import start_tracing

__all__ = ["Telemetry"]


class Telemetry:
    """`close` when the server has stopped, before its database is closed."""

    def __init__(self, config: ServerConfig, database: Database) -> None:
        """Raises `ConfigError` for an address in use and for spans without the package they need."""
        self._stop_tracing: Callable[[], None] | None = None
        self._metrics: MetricsEndpoint | None = None
        if config.otlp_endpoint:
            self._stop_tracing = start_tracing(config.otlp_endpoint)
        try:
            if config.metrics_listen:
                self._metrics = MetricsEndpoint(config, StoredCollector(database))
        except BaseException:
            self.close()
            raise

    @property
    def metrics_address(self) -> str:
        """HOST:PORT, empty where there are no metrics."""
        return "" if self._metrics is None else self._metrics.address

    def close(self) -> None:
        """Send what is left of the spans, free the port. Blocks for some seconds where the collector is silent."""
        if self._metrics is not None:
            self._metrics.close()
        if self._stop_tracing is not None:
            self._stop_tracing()
