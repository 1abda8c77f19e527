"""What is known of an operation, as values."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["ItemInput", "ItemOutcome", "NewOperation", "OperationRecord", "OperationState"]


class OperationState(StrEnum):
    """`WAITING` and `RUNNING` are open; the others are final."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_done(self) -> bool:
        """Whether nothing will change any more."""
        return self not in OPEN_STATES


OPEN_STATES = (OperationState.WAITING, OperationState.RUNNING)


@dataclass(frozen=True, kw_only=True)
class NewOperation:
    """What a client asked for. `inputs` has one entry per item; `spec` is what all items share."""

    owner: str
    kind: str
    request_id: str
    request_digest: str
    spec: bytes = field(repr=False)
    inputs: Sequence[bytes] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class OperationRecord:
    """One row. Times are seconds since 1970; `result` is a serialised Any, or Status where it did not succeed."""

    sequence: int
    name: str
    owner: str
    kind: str
    state: OperationState
    cancel_requested: bool
    item_count: int
    done_count: int
    failed_count: int
    partial_items: float
    attempt: int
    create_secs: float
    start_secs: float | None
    end_secs: float | None
    result: bytes | None = field(repr=False)

    @property
    def progress(self) -> float:
        """Share of the work that is done, in [0, 1]."""
        finished = self.done_count + self.failed_count
        return min(1.0, (finished + self.partial_items) / max(1, self.item_count))


@dataclass(frozen=True, kw_only=True)
class ItemInput:
    """One item to work on. `start_count` says how often it was started, this time included."""

    index: int
    start_count: int
    content: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class ItemOutcome:
    """What became of an item: a serialised message of the job's kind."""

    index: int
    is_failed: bool
    content: bytes = field(repr=False)
