"""What the server counts. `METRICS` may be called from anywhere at any time; it does nothing until enabled.

No label holds the name of a client, of a file or of an operation: labels come from small fixed sets.
"""

from typing import Final, Protocol

__all__ = ["METRICS", "Metrics", "MetricsSink"]


class MetricsSink(Protocol):
    """Where the numbers go. All methods are thread-safe and return at once."""

    def call_started(self, method: str) -> None:
        """A call has arrived: ``/package.Service/Method``."""

    def call_finished(self, method: str, code: str, secs: float) -> None:
        """A call that was started has ended with the name of a status code, ``OK`` included."""

    def queue_depth(self, queue: str, depth: int) -> None:
        """How many wait in a queue now; queues are named by kind of work: ``fit``, ``render``, ``export``."""

    def batch_taken(self, size: int) -> None:
        """So many waiting requests begin together."""

    def fit_steps(self, count: int) -> None:
        """So many steps of optimisation were done since the last time."""

    def frame_rendered(self, secs: float) -> None:
        """One frame was drawn, in this time."""


class Metrics:
    """The one object everybody calls; hands on to a sink while there is one."""

    def __init__(self) -> None:
        self._sink: MetricsSink | None = None

    def enable(self, sink: MetricsSink) -> None:
        """From now on numbers go to `sink`."""
        self._sink = sink

    def disable(self, sink: MetricsSink) -> None:
        """From now on numbers go nowhere, unless another sink has taken the place of `sink`."""
        if self._sink is sink:
            self._sink = None

    def call_started(self, method: str) -> None:
        """See `MetricsSink`."""
        if self._sink is not None:
            self._sink.call_started(method)

    def call_finished(self, method: str, code: str, secs: float) -> None:
        """See `MetricsSink`."""
        if self._sink is not None:
            self._sink.call_finished(method, code, secs)

    def queue_depth(self, queue: str, depth: int) -> None:
        """See `MetricsSink`."""
        if self._sink is not None:
            self._sink.queue_depth(queue, depth)

    def batch_taken(self, size: int) -> None:
        """See `MetricsSink`."""
        if self._sink is not None:
            self._sink.batch_taken(size)

    def fit_steps(self, count: int) -> None:
        """See `MetricsSink`."""
        if self._sink is not None:
            self._sink.fit_steps(count)

    def frame_rendered(self, secs: float) -> None:
        """See `MetricsSink`."""
        if self._sink is not None:
            self._sink.frame_rendered(secs)


METRICS: Final = Metrics()
