"""The frames of one stream, drawn in turns on a compute thread and encoded beside it."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from typing import Any

import numpy as np

from facewright_models.errors import FitCancelledError
from facewright_server.execution import OwnWork

__all__ = ["TURN_SECS", "FrameTurns"]

# So long a stream keeps its thread while others may be waiting for it.
TURN_SECS = 1.0


class FrameTurns:
    """Draws as long as there is room for what is drawn and not yet read; then the thread is free for others.

    Everything but `_work` happens on the event loop.
    """

    def __init__(
        self,
        draw: Callable[[int], np.ndarray],
        *,
        frame_count: int,
        most_ahead: int,
        take_turn: Callable[[OwnWork], Coroutine[Any, Any, object]],
        encode: Callable[[np.ndarray], Awaitable[bytes]],
    ) -> None:
        """`draw` makes the frame of a number, on a compute thread; `take_turn` has work done there."""
        self._draw = draw
        self._frame_count = frame_count
        self._most_ahead = most_ahead
        self._take_turn = take_turn
        self._encode = encode
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._encoding: deque[asyncio.Task[bytes]] = deque()
        self._turn: asyncio.Task[object] | None = None
        self._error: BaseException | None = None
        self._is_closed = False
        self._drawn_count = 0
        self._read_count = 0

    @property
    def left_count(self) -> int:
        """Frames that are not drawn yet."""
        return self._frame_count - self._drawn_count

    async def contents(self) -> AsyncGenerator[bytes, None]:
        """Encoded frames in their order; closing the generator ends the drawing within a frame.

        Raises what drawing and encoding raise, after the frames before it.
        """
        try:
            while self._read_count < self._frame_count:
                self._draw_on()
                while not self._encoding:
                    if self._error is not None:
                        raise self._error
                    await self._news.wait()
                    self._news.clear()
                content = await self._encoding.popleft()
                self._read_count += 1
                self._draw_on()
                yield content
        finally:
            self._is_closed = True
            tasks = [*self._encoding, *([self._turn] if self._turn is not None else [])]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _draw_on(self) -> None:
        """Begin a turn where none runs and there is room."""
        if self._turn is None and self._error is None and not self._is_closed and self._has_room():
            self._turn = asyncio.create_task(self._take_turn(self._work))
            self._turn.add_done_callback(self._end_turn)

    def _end_turn(self, turn: "asyncio.Task[object]") -> None:
        self._turn = None
        if not turn.cancelled():
            self._error = turn.exception()
            self._draw_on()
        self._news.set()

    def _has_room(self) -> bool:
        return self.left_count > 0 and self._drawn_count - self._read_count < self._most_ahead

    def _work(self, *, should_stop: Callable[[], bool], **_: object) -> None:
        """See `OwnWork`."""
        end = time.monotonic() + TURN_SECS
        while self._has_room() and time.monotonic() < end:
            if should_stop():
                raise FitCancelledError("nobody reads the frames any more")
            pixels = self._draw(self._drawn_count)
            self._drawn_count += 1
            self._loop.call_soon_threadsafe(self._take, pixels)

    def _take(self, pixels: np.ndarray) -> None:
        if not self._is_closed:
            self._encoding.append(asyncio.create_task(_awaited(self._encode(pixels))))
            self._news.set()


async def _awaited(content: Awaitable[bytes]) -> bytes:
    return await content
