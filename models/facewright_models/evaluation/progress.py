"""What an evaluation says while it runs: it takes minutes, and who stops it should know where it was."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

__all__ = ["counted"]

logger = logging.getLogger(__name__)

_Case = TypeVar("_Case")


def counted(cases: Sequence[_Case], what: str) -> Iterator[_Case]:
    """The cases one by one; after each a line in the log with their number and how long it took."""
    for number, case in enumerate(cases, 1):
        started = time.monotonic()
        yield case
        logger.info("%s %d of %d, %.1f s", what, number, len(cases), time.monotonic() - started)
