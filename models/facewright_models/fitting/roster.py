"""Who is still being fitted: results, errors and people whose caller has left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from facewright_models.errors import FacewrightError, FitCancelledError
from facewright_models.fitting.types import FitOutcome, StopQuery

__all__ = ["Roster"]


class Roster:
    """One entry per subject of a call, in its order. An entry is closed once, with a result or an error.

    `check` is what long pieces of work call between their parts; it costs microseconds.
    """

    def __init__(
        self,
        count: int,
        *,
        should_stop: StopQuery,
        is_abandoned: Callable[[int], bool],
        on_outcome: Callable[[int, FitOutcome], None],
    ) -> None:
        self._outcomes: dict[int, FitOutcome] = {}
        self._count = count
        self._should_stop = should_stop
        self._is_abandoned = is_abandoned
        self._on_outcome = on_outcome

    def close(self, index: int, outcome: FitOutcome) -> None:
        """Note what became of a subject and tell the listener."""
        self._outcomes[index] = outcome
        self._on_outcome(index, outcome)

    @contextmanager
    def own_error(self, index: int) -> Iterator[None]:
        """What the domain refuses in the block is the outcome of this subject alone."""
        try:
            yield
        except FitCancelledError:
            raise
        except FacewrightError as error:
            self.close(index, error)

    def check(self) -> None:
        """Raise FitCancelledError when the call is to end: it was stopped, or nobody waits for who is left."""
        if self._should_stop():
            raise FitCancelledError("the fit was cancelled by its caller")
        left = [index for index in range(self._count) if index not in self._outcomes]
        if left and all(self._is_abandoned(index) for index in left):
            raise _abandoned()

    def is_open(self, index: int) -> bool:
        """Whether the subject is still to be fitted. One that was abandoned is closed by this."""
        if index not in self._outcomes and self._is_abandoned(index):
            self.close(index, _abandoned())
        return index not in self._outcomes

    def open_subjects(self) -> list[int]:
        """Those still to be fitted, in order. Raises like `check`."""
        self.check()
        return [index for index in range(self._count) if self.is_open(index)]

    def end(self) -> list[FitOutcome]:
        """What became of everyone; who is still open was abandoned. Raises when that is all of them."""
        if self._should_stop() and len(self._outcomes) < self._count:
            raise FitCancelledError("the fit was cancelled by its caller")
        for index in range(self._count):
            if index not in self._outcomes:
                self.close(index, _abandoned())
        outcomes = [self._outcomes[index] for index in range(self._count)]
        if all(isinstance(outcome, FitCancelledError) for outcome in outcomes):
            raise _abandoned()
        return outcomes


def _abandoned() -> FitCancelledError:
    return FitCancelledError("the fit was abandoned by its caller")
