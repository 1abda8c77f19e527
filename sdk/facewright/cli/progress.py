"""A progress bar, for a terminal only."""

from __future__ import annotations

import contextlib
from types import TracebackType
from typing import TextIO

from facewright.batch_fitting import BatchFitProgress
from facewright.cli.values import bytes_text
from facewright.fitting import FitProgress
from facewright.operations import OperationProgress

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
        steps = f"{progress.iteration}/{progress.iterations}"
        self.show_share(progress.stage, done, f"{steps:>7}  likeness {progress.similarity:.3f}")

    def show_bytes(self, label: str, done_bytes: int, total_bytes: int) -> None:
        """Show where an upload or a download stands."""
        done = done_bytes / total_bytes if total_bytes else 1.0
        self.show_share(label, done, f"{bytes_text(done_bytes)} of {bytes_text(total_bytes)}")

    def show_operation(self, progress: OperationProgress) -> None:
        """Show where a job stands."""
        if isinstance(progress, BatchFitProgress):
            self._show_batch(progress)
        else:
            self.show_share("animate", progress.progress, f"{progress.progress:.0%}")

    def show_share(self, label: str, done: float, text: str) -> None:
        """Show that the share `done` of something is done."""
        filled = round(_WIDTH * min(1.0, max(0.0, done)))
        self._draw(f"{label:<9} {'█' * filled}{'░' * (_WIDTH - filled)} {text}")

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

    def _show_batch(self, progress: BatchFitProgress) -> None:
        failed = f", {progress.failed_count} failed" if progress.failed_count else ""
        text = f"{progress.done_count}/{progress.subject_count}{failed}"
        self.show_share("fit", progress.progress, text)

    def _draw(self, text: str) -> None:
        if self._is_shown:
            self._write("\r" + text.ljust(self._last_length))
            self._last_length = len(text)

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError, UnicodeEncodeError):  # a bar is not worth failing for
            self._stream.write(text)
            self._stream.flush()
