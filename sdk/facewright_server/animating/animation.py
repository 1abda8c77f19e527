"""Joins the animator with the threads of the fits: photos are opened there once, and drawn in turns."""

import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from functools import partial
from typing import Any

import numpy as np

from facewright_models.fitting import FitOptions
from facewright_server.animating.sources import FaceSource, OpenedSource, open_source
from facewright_server.animating.turns import FrameTurns
from facewright_server.config import ServerConfig
from facewright_server.errors import QueueFullError
from facewright_server.execution import CancelToken, FitPlace, FitQueue, FitRequest, OwnWork
from facewright_server.processors import ProcessorWatch
from facewright_server.studio import FaceAnimator, Studio

__all__ = ["Animation"]

_FIRST_GUESS_SECS = 0.1


class Animation:
    """Made and used on the event loop.

    An opened face waits for its next turn in the queue of the fits. A turn ends when the reader is behind, or after a
    second, so a slow reader holds no thread, and a long stream leaves the others theirs.
    """

    def __init__(
        self,
        studio: Studio,
        config: ServerConfig,
        *,
        fitting: FitQueue,
        processors: ProcessorWatch,
        code: Callable[[Callable[[], bytes]], Coroutine[Any, Any, bytes]],
    ) -> None:
        """`code` runs a short job off the event loop."""
        self._studio = studio
        self._config = config
        self._fitting = fitting
        self._processors = processors
        self._code = code
        self._place_count = 0
        self._streams: set[FrameTurns] = set()
        self._usual_secs = _FIRST_GUESS_SECS  # of one frame

    @contextmanager
    def reserve(self) -> Iterator[FitPlace]:
        """Room for one stream, and a place in the queue for the opening of its photo.

        Raises `QueueFullError`, `ShuttingDownError`. Asked for before the photo is read.
        """
        most = self._config.max_expression_streams
        if self._place_count >= most:
            raise QueueFullError(
                f"{self._place_count} photos are animated live, and {most} may be; try again later",
                retry_delay_secs=self._secs_until_room(),
            )
        self._place_count += 1
        try:
            with self._fitting.reserve() as place:
                yield place
        finally:
            self._place_count -= 1

    async def open(self, source: FaceSource, place: FitPlace) -> OpenedSource:
        """The photo with its face found. Raises like `FitQueue.fit` and `open_source`."""

        def work(*, should_stop: Callable[[], bool], is_alone: bool, **_: object) -> OpenedSource:
            return open_source(self._animator(is_alone=is_alone), source, should_stop=should_stop)

        answer = await self._taken(work, place=place)
        if not isinstance(answer, OpenedSource):
            raise TypeError(f"the opening of a photo was answered with {type(answer).__name__}")
        return answer

    async def frames(
        self,
        opened: OpenedSource,
        degrees: Sequence[Mapping[str, float]],
        *,
        encode: Callable[[np.ndarray], bytes],
    ) -> AsyncGenerator[bytes, None]:
        """Frames of these degrees, encoded, in order. At most `clip_frames_ahead` are drawn and not yet taken."""
        turns = FrameTurns(
            partial(self._draw, opened, degrees),
            frame_count=len(degrees),
            most_ahead=self._config.clip_frames_ahead,
            take_turn=self._next_turn,
            encode=lambda pixels: self._code(partial(encode, pixels)),
        )
        self._streams.add(turns)
        try:
            async with aclosing(turns.contents()) as contents:
                async for content in contents:
                    yield content
        finally:
            self._streams.discard(turns)

    async def _next_turn(self, work: OwnWork) -> object:
        def prepared(*, is_alone: bool, **rest: Any) -> object:
            self._animator(is_alone=is_alone)  # the thread computes as it may beside the others
            return work(is_alone=is_alone, **rest)

        return await self._taken(prepared, is_turn=True)

    async def _taken(self, work: OwnWork, *, place: FitPlace | None = None, is_turn: bool = False) -> object:
        request = FitRequest(
            rig_name="",
            subjects=(),
            options=FitOptions(),
            token=CancelToken(),  # a deadline of the caller ends the call, and that the work
            on_progress=lambda _: None,
            own_work=work,
            is_turn=is_turn,
        )
        (answer,) = await self._fitting.fit(request, place)
        return answer

    def _animator(self, *, is_alone: bool) -> FaceAnimator:
        """On a compute thread; with all threads of tensor operations when nobody else computes."""
        threads = self._config.torch_threads
        if not is_alone:
            threads = max(1, threads // self._config.fit_workers)
        return self._studio.open_animator(torch_threads=self._processors.usable_threads(threads))

    def _draw(self, opened: OpenedSource, degrees: Sequence[Mapping[str, float]], index: int) -> np.ndarray:
        """On a compute thread."""
        started = time.monotonic()
        pixels: np.ndarray = opened.face.frame(degrees[index])
        self._usual_secs = 0.9 * self._usual_secs + 0.1 * (time.monotonic() - started)
        return pixels

    def _secs_until_room(self) -> float:
        """How long the stream that ends first still takes, when its reader keeps pace."""
        fewest = min((turns.left_count for turns in self._streams), default=1)
        return max(1, fewest) * self._usual_secs * max(1, len(self._streams))
