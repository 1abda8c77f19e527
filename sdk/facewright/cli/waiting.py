"""What commands that start a job share: files that go with it, and the wait for its result."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from facewright.cli.progress import ProgressBar
from facewright.client import Client
from facewright.errors import DeadlineError, FacewrightError, ServerUnavailableError
from facewright.media import TransferProgress
from facewright.operations import Operation

__all__ = ["result_of", "upload", "uploads"]

Result = TypeVar("Result")
_CANCEL_SECS = 5.0


@contextlib.contextmanager
def uploads(client: Client) -> Iterator[list[str]]:
    """A list for names of media; those that are in it at the end of the block are deleted."""
    names: list[str] = []
    try:
        yield names
    finally:
        with contextlib.suppress(FacewrightError):  # what cannot be deleted now expires by itself
            for name in names:
                client.delete_media(name)


def upload(client: Client, paths: list[Path], names: list[str], bar: ProgressBar) -> None:
    """Send files and note their names as soon as they are there."""
    total_bytes = sum(path.stat().st_size for path in paths)
    sent_bytes = 0

    def show(progress: TransferProgress) -> None:
        bar.show_bytes("upload", sent_bytes + progress.done_bytes, total_bytes)

    for path in paths:
        media = client.upload_media(path, on_progress=show)
        names.append(media.name)
        sent_bytes += media.size_bytes


def result_of(
    operation: Operation[Any, Result],
    media: list[str],
    bar: ProgressBar,
    *,
    out: str,
    timeout_secs: float | None = None,
) -> Result:
    """Wait. Ctrl-C ends the work on the server as well; a server that is gone may yet go on with it.

    `out` is what to call the target of a later wait for it.
    """
    try:
        return operation.result(timeout_secs, on_progress=bar.show_operation)
    except KeyboardInterrupt:
        with contextlib.suppress(FacewrightError):
            operation.cancel(timeout_secs=_CANCEL_SECS)
        raise
    except (ServerUnavailableError, DeadlineError) as error:
        media.clear()
        raise ServerUnavailableError(
            f"{error}; the work goes on when the server is back: facewright operation wait {operation.name} "
            f"--out {out}",
            reason=error.reason,
        ) from error
