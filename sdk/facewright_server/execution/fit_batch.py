"""Several requests fitted as one, on a compute thread, each with its own progress, errors and end."""

import asyncio
import logging
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol

from facewright_models.errors import FacewrightError, FitCancelledError
from facewright_models.fitting import FitOptions, FitOutcome, FitProgress, Subject
from facewright_server.errors import ShuttingDownError
from facewright_server.execution.fit_requests import Answer, Ticket
from facewright_server.telemetry.metrics import METRICS

__all__ = ["FitBatch", "RunBatch", "shutting_down"]

_log = logging.getLogger(__name__)
_PLACE = re.compile(r"^subjects\[\d+\]")


class RunBatch(Protocol):
    """Fits subjects together on the calling thread, as `Fitter.fit_each` does, with the models of a rig."""

    def __call__(
        self,
        rig_name: str,
        subjects: Sequence[Subject],
        *,
        options: FitOptions,
        on_progress: Callable[[FitProgress], None],
        should_stop: Callable[[], bool],
        is_abandoned: Callable[[int], bool],
        on_outcome: Callable[[int, FitOutcome], None],
        is_alone: bool,
    ) -> object:
        """`is_alone`: nothing else was running or waiting when it began, the whole machine is free for it.

        Raises `FitCancelledError`, and what concerns everybody.
        """
        ...


class FitBatch:
    """Made on the event loop, run on a compute thread; answers go back to the loop as they come."""

    def __init__(
        self,
        tickets: Sequence[Ticket],
        run_batch: RunBatch,
        is_stopping: Callable[[], bool],
        loop: asyncio.AbstractEventLoop,
        *,
        is_alone: bool,
    ) -> None:
        self._tickets = tickets
        self._run_batch = run_batch
        self._is_stopping = is_stopping
        self._loop = loop
        self._is_alone = is_alone
        self._result_count = 0
        self.started = time.monotonic()
        self.work = max(1, sum(ticket.request.work for ticket in tickets))

    @property
    def is_whole(self) -> bool:
        """Whether everybody stayed to the end and got a result."""
        return self._result_count == sum(ticket.request.size for ticket in self._tickets)

    @property
    def is_turn(self) -> bool:
        """Whether it is a part of work that has begun before."""
        return self._tickets[0].request.is_turn

    def run(self) -> None:
        """Answer every ticket. An exception that nobody expected is not everybody's: one photo may cause it."""
        try:
            self._fit(self._tickets)
        except FacewrightError as error:
            self._fail(self._tickets, error)
        except Exception as error:  # noqa: BLE001 - handed on to those who asked
            if len(self._tickets) == 1:
                self._fail(self._tickets, error)
                return
            _log.warning("a batch of %d fits failed; fitting one by one", len(self._tickets), exc_info=error)
            for ticket in self._tickets:
                self._fit_alone(ticket)

    def _fit_alone(self, ticket: Ticket) -> None:
        if ticket.is_abandoned():
            return
        try:
            self._fit([ticket])
        except Exception as error:  # noqa: BLE001 - handed on to the one who asked
            self._fail([ticket], error)

    def _fit(self, tickets: Sequence[Ticket]) -> None:
        owners = [(ticket, index) for ticket in tickets for index in range(ticket.request.size)]
        request = tickets[0].request
        failed: set[Ticket] = set()

        def tell(progress: FitProgress) -> None:
            if progress.stage == "optimise" and progress.iteration > 0:
                METRICS.fit_steps(1)
            ticket, index = owners[progress.subject]
            self._loop.call_soon_threadsafe(ticket.tell, replace(progress, subject=index))

        def settle(place: int, outcome: Answer) -> None:
            ticket, index = owners[place]
            if isinstance(outcome, FacewrightError):
                if outcome.field is not None:
                    outcome.field = _PLACE.sub(f"subjects[{index}]", outcome.field)
                failed.add(ticket)
                self._fail([ticket], outcome)
            else:
                self._result_count += 1
                self._loop.call_soon_threadsafe(ticket.keep, index, outcome)

        def is_abandoned(place: int) -> bool:
            ticket = owners[place][0]
            return ticket in failed or ticket.is_abandoned()

        if request.own_work is not None:  # it has come alone
            should_stop = partial(_any, self._is_stopping, tickets[0].is_abandoned)
            result = request.own_work(on_progress=tell, should_stop=should_stop, is_alone=self._is_alone)
            settle(0, result)
            return
        self._run_batch(
            request.rig_name,
            [ticket.request.subjects[index] for ticket, index in owners],
            options=request.options,
            on_progress=tell,
            should_stop=self._is_stopping,
            is_abandoned=is_abandoned,
            on_outcome=settle,
            is_alone=self._is_alone,
        )

    def _fail(self, tickets: Sequence[Ticket], error: Exception) -> None:
        if isinstance(error, FitCancelledError) and self._is_stopping():
            error = shutting_down()
        for ticket in tickets:
            self._loop.call_soon_threadsafe(ticket.fail, error)


def _any(*questions: Callable[[], bool]) -> bool:
    return any(question() for question in questions)


def shutting_down() -> ShuttingDownError:
    """What is told to everybody whose work the end of the server cuts short."""
    return ShuttingDownError("the server is shutting down; try again when it is back")
