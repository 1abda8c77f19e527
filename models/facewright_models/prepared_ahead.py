"""Training samples that a second thread prepares while the first one learns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["prepared_ahead"]

_Batch = TypeVar("_Batch")


def prepared_ahead(make: Callable[[int], _Batch], first: int, end: int) -> Iterator[tuple[int, _Batch]]:
    """Each step from `first` to before `end` with what `make` gives for it, always one step ahead.

    `make` must depend on the step alone. What it raises is raised here.
    """
    with ThreadPoolExecutor(1) as worker:
        coming = worker.submit(make, first) if first < end else None
        for step in range(first, end):
            if coming is None:
                return
            batch = coming.result()
            coming = worker.submit(make, step + 1) if step + 1 < end else None
            yield step, batch
