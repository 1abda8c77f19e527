"""How operations of one kind are read; shared by the operation objects and by what starts them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Callable, Generic, TypeVar

__all__ = ["OperationKind", "StartedOperation", "moment"]

Metadata = TypeVar("Metadata")
Result = TypeVar("Result")


@dataclass(frozen=True)
class OperationKind(Generic[Metadata, Result]):
    """How the messages of one kind of operation are read."""

    metadata_message: Any
    response_message: Any
    read_metadata: Callable[[Any], Metadata]
    read_result: Callable[[Any], Result]


@dataclass(frozen=True)
class StartedOperation(Generic[Metadata, Result]):
    """An operation as the server told of it, before it is bound to a client."""

    message: Any
    kind: OperationKind[Metadata, Result]


def moment(message: Any, name: str) -> datetime | None:
    """A field of time, None where it is unset."""
    if not message.HasField(name):
        return None
    found: datetime = getattr(message, name).ToDatetime(timezone.utc)
    return found
