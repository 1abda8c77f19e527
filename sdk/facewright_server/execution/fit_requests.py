"""Requests for fits while they wait and while they run, and the rule by which they are taken."""

import asyncio
import enum
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from facewright_models.fitting import FitOptions, FitProgress, Subject
from facewright_server.execution.tokens import CancelToken

__all__ = ["Answer", "FitRequest", "OwnWork", "Priority", "Ticket", "next_batch"]

Answer = object
"""A `FitResult`, or what own work gives."""

# A step takes about as long for each photo; finding faces and trying styles take about as long as ten.
_STEPS_BEFORE_THE_FIRST = 10


class Priority(enum.IntEnum):
    """Who is taken first, smallest first."""

    INTERACTIVE = 0
    BATCH = 1


class OwnWork(Protocol):
    """Work for one caller alone, on a compute thread; it has one answer."""

    def __call__(
        self,
        *,
        on_progress: Callable[[FitProgress], None],
        should_stop: Callable[[], bool],
        is_alone: bool,
    ) -> Answer:
        """`is_alone` as in `RunBatch`. Raises `FitCancelledError` soon after `should_stop()` is true."""
        ...


@dataclass(frozen=True, kw_only=True)
class FitRequest:
    """What one caller wants. `on_progress` is called on the event loop with the caller's own numbering.

    With `own_work` that is done in the place of fits; the subjects then only say how much it is. A turn is a part of
    work that has begun before, such as some more frames of a stream: it is never refused, and says nothing about how
    long fits take.
    """

    rig_name: str
    subjects: tuple[Subject, ...]
    options: FitOptions
    token: CancelToken
    on_progress: Callable[[FitProgress], None]
    priority: Priority = Priority.INTERACTIVE
    own_work: OwnWork | None = None
    is_turn: bool = False

    @property
    def size(self) -> int:
        """Answers that it gets."""
        return len(self.subjects) if self.own_work is None else 1

    @property
    def work(self) -> int:
        """How much it is, in steps of one photo, at most."""
        photos = sum(len(subject.photos) for subject in self.subjects)
        own = 0 if self.own_work is None else _STEPS_BEFORE_THE_FIRST
        return photos * (self.options.iterations + _STEPS_BEFORE_THE_FIRST) + own


@dataclass(eq=False, kw_only=True)
class Ticket:
    """A request in the queue. Its fields change on the event loop only; `is_abandoned` is asked on any thread."""

    request: FitRequest
    answer: "asyncio.Future[list[Answer]]"
    since: float = field(default_factory=time.monotonic)
    results: dict[int, Answer] = field(default_factory=dict)

    def is_abandoned(self) -> bool:
        """Whether nobody waits for it any more, or its time is over."""
        return self.answer.done() or self.request.token.should_stop()

    def tell(self, progress: FitProgress) -> None:
        """Hand a step on to the caller."""
        if not self.answer.done():
            self.request.on_progress(progress)

    def keep(self, index: int, result: Answer) -> None:
        """Note the result of one subject; the last one is the answer."""
        self.results[index] = result
        count = self.request.size
        if len(self.results) == count and not self.answer.done():
            self.answer.set_result([self.results[place] for place in range(count)])

    def fail(self, error: Exception) -> None:
        """Nothing is answered for any subject when one of them fails."""
        if not self.answer.done():
            self.answer.set_exception(error)

    def fits_with(self, other: "Ticket") -> bool:
        """Whether the two can be optimised together."""
        mine, its = self.request, other.request
        if mine.own_work is not None or its.own_work is not None:
            return False
        return mine.rig_name == its.rig_name and mine.options == its.options


def next_batch(waiting: Sequence[Ticket], *, batch_size: int, aging_secs: float, now: float) -> list[Ticket]:
    """The tickets to take next: the first in line, and those that can be optimised with it.

    Interactive requests go before batch requests, older before younger. A batch request that has waited for
    `aging_secs` stands among the interactive ones by its age, so that it is taken when those before it have
    been. Companions come from the same side of the line: nobody interactive is slowed down by batch work. A
    request of more than `batch_size` subjects runs alone.
    """

    def rank(ticket: Ticket) -> Priority:
        has_aged = now - ticket.since >= aging_secs
        return Priority.INTERACTIVE if has_aged else ticket.request.priority

    line = sorted(waiting, key=lambda ticket: (rank(ticket), ticket.since))
    taken: list[Ticket] = []
    room = batch_size
    for ticket in line:
        size = ticket.request.size
        is_companion = bool(taken) and rank(ticket) == rank(taken[0]) and ticket.fits_with(taken[0])
        if not taken or (is_companion and size <= room):
            taken.append(ticket)
            room -= size
    return taken
