"""A progress bar, for a terminal only."""

from __future__ import annotations

import contextlib
from types import TracebackType
from typing import TextIO

from facewright.fitting import FitProgress

__all__ = ["ProgressBar"]

_WIDTH = 28


class ProgressBar:
    """Draws on one line of `stream` and wipes it at the end; does nothing when `stream` is no terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_shown = stream.isatty()
        self._last_length = 0

    def note(self, text: str) -> None:
        """Show a text without a bar."""
        self._draw(text)

    def show(self, progress: FitProgress) -> None:
        """Show where a fit stands."""
        done = progress.iteration / progress.iterations if progress.iterations else 0.0
        if progress.stage == "render":
            done = 1.0
        filled = round(_WIDTH * min(1.0, max(0.0, done)))
        bar = "█" * filled + "░" * (_WIDTH - filled)
        steps = f"{progress.iteration}/{progress.iterations}"
        self._draw(f"{progress.stage:<9} {bar} {steps:>7}  likeness {progress.similarity:.3f}")

    def __enter__(self) -> ProgressBar:  # noqa: PYI034 - Self is newer than the oldest Python
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._draw("")
        if self._is_shown:
            self._write("\r")

    def _draw(self, text: str) -> None:
        if self._is_shown:
            self._write("\r" + text.ljust(self._last_length))
            self._last_length = len(text)

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError, UnicodeEncodeError):  # a bar is not worth failing for
            self._stream.write(text)
            self._stream.flush()
