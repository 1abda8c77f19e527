"""A fitter that makes steps when the test lets it, and the queue of fits over it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from facewright_models.errors import FitCancelledError, NoFaceError
from facewright_models.fitting import FitOptions, FitOutcome, FitProgress, Subject
from facewright_models.photo import Photo
from facewright_server.execution import CancelToken, FitQueue, FitRequest
from unit.server.fakes.running import until


def person(name: str = "", photos: int = 1) -> Any:
    """A subject whose name the fake fitter can read."""
    pixels = np.frombuffer(name.encode().ljust(48, b"\0"), np.uint8).reshape(4, 4, 3)
    return Subject(photos=(Photo(pixels=pixels),) * photos)


def name_of(subject: Subject) -> str:
    return subject.photos[0].pixels.tobytes().rstrip(b"\0").decode()


@dataclass
class Fits:
    """Fits by name: "no face" and "crash" do what they say, everybody else takes the steps of the options."""

    may_step: threading.Event = field(default_factory=threading.Event)
    batches: list[list[str]] = field(default_factory=list)
    steps: list[list[str]] = field(default_factory=list)
    alone: list[bool] = field(default_factory=list)
    error: Exception | None = None
    running: int = 0

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
    ) -> None:
        names = [name_of(subject) for subject in subjects]
        self.batches.append(names)
        self.alone.append(is_alone)
        self.running += 1
        try:
            self._fit(names, options, on_progress, should_stop, is_abandoned, on_outcome)
        finally:
            self.running -= 1

    def _fit(
        self,
        names: list[str],
        options: FitOptions,
        on_progress: Callable[[FitProgress], None],
        should_stop: Callable[[], bool],
        is_abandoned: Callable[[int], bool],
        on_outcome: Callable[[int, Any], None],
    ) -> None:
        if self.error is not None:
            raise self.error
        left = set(range(len(names)))
        for index in sorted(left):
            if names[index] == "no face":
                on_outcome(index, NoFaceError("nobody", field=f"subjects[{index}].photos[0]"))
                left.discard(index)
            if names[index] == "crash":
                raise ZeroDivisionError
        for step in range(1, options.iterations + 1):
            while not self.may_step.wait(0.005):
                left = self._still(left, should_stop, is_abandoned)
            left = self._still(left, should_stop, is_abandoned)
            self.steps.append([names[index] for index in sorted(left)])
            for index in sorted(left):
                on_progress(
                    FitProgress(
                        iteration=step,
                        iterations=options.iterations,
                        stage="optimise",
                        loss=0.0,
                        similarity=0.0,
                        subject=index,
                    )
                )
        for index in sorted(left):
            on_outcome(index, f"result of {names[index]}")

    def _still(
        self, left: set[int], should_stop: Callable[[], bool], is_abandoned: Callable[[int], bool]
    ) -> set[int]:
        staying = {index for index in left if not is_abandoned(index)}
        if should_stop() or not staying:
            raise FitCancelledError("stopped")
        return staying


@asynccontextmanager
async def queue_of(fits: Fits, **settings: Any) -> AsyncIterator[FitQueue]:
    queue = FitQueue(
        fits, **{"workers": 1, "queue_depth": 8, "batch_size": 4, "gather_secs": 0.0, **settings}
    )
    try:
        yield queue
    finally:
        queue.stop()
        await asyncio.to_thread(queue.close)


def request(*names: str, **changes: Any) -> FitRequest:
    values = {
        "rig_name": "fake",
        "subjects": tuple(person(name) for name in names),
        "options": FitOptions(iterations=2),
        "token": CancelToken(timeout_secs=30),
        "on_progress": lambda progress: None,
    }
    return FitRequest(**{**values, **changes})


async def ask(queue: FitQueue, *names: str, **changes: Any) -> asyncio.Task[Any]:
    """Stand in line, and be there before this returns."""
    task = asyncio.create_task(queue.fit(request(*names, **changes)))
    await asyncio.sleep(0)
    return task


async def busy(queue: FitQueue, fits: Fits) -> asyncio.Task[Any]:
    """Something that keeps the one worker until steps are allowed."""
    task = await ask(queue, "first")
    await until(lambda: fits.running == 1)
    return task
