"""What both clients have in common: a call as a value, and methods as procedures that yield calls.

A method of a client is written once, as a function that returns a `Procedure`: a `Call`, or a generator that yields
steps and gets their answers back. It knows nothing of threads or event loops; `facewright._blocking` and
`facewright._awaited` each carry the steps out in their way::

    def get_rig(name: str = "", *, timeout_secs: float | None = None) -> Call[Rig]:
        return Call("rig.GetRig", GetRigRequest(name=name), read=..., kind="rig", timeout_secs=timeout_secs)


    def find_rig(name: str) -> Steps[Rig]:
        for summary in (yield from list_rigs()):
            if summary.name == name:
                return (yield from get_rig(name))
        raise UnknownRigError(name)
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import Any, Callable, Generic, Literal, Protocol, TypeVar, Union

__all__ = ["Call", "CallKind", "EachEvent", "Pause", "Procedure", "Step", "Steps", "StreamCall"]

Answer = TypeVar("Answer")
Answer_co = TypeVar("Answer_co", covariant=True)
Event_co = TypeVar("Event_co", covariant=True)
Result_co = TypeVar("Result_co", covariant=True)

# Which of the `Timeouts` a call has when it names none.
CallKind = Literal["fit", "render", "clip", "export", "rig", "server", "media", "transfer", "operation"]


@dataclass(frozen=True)
class Call(Generic[Answer_co]):
    """A call with one answer. `method` is ``stub.Method``, a stub by its name in `Stubs`.

    `read` makes the value of the answer's message. Only idempotent calls are tried again. With `parts` the
    request is a stream, made anew for every attempt.
    """

    method: str
    request: Any
    read: Callable[[Any], Answer_co]
    kind: CallKind
    timeout_secs: float | None = None
    is_idempotent: bool = True
    parts: Callable[[], Iterable[Any]] | None = None

    def __iter__(self) -> Generator[Step, Any, Answer_co]:
        """For ``yield from``."""
        answer: Answer_co = yield self
        return answer


@dataclass(frozen=True)
class StreamCall(Generic[Event_co]):
    """A call whose answer is a stream of events.

    It is tried again only while it is idempotent, has given no event, and the connection was all that failed.
    """

    method: str
    request: Any
    read: Callable[[Any], Event_co]
    kind: CallKind
    timeout_secs: float | None = None
    is_idempotent: bool = True


@dataclass(frozen=True)
class EachEvent:
    """Step: run a stream to its end and give every event to `take`."""

    call: StreamCall[Any]
    take: Callable[[Any], None]


@dataclass(frozen=True)
class Pause:
    """Step: wait."""

    secs: float


Step = Union[Call[Any], EachEvent, Pause]
# A procedure of several steps.
Steps = Generator[Step, Any, Answer]


class Procedure(Protocol[Result_co]):
    """A `Call` or `Steps`: something to be carried out that gives a result."""

    def __iter__(self) -> Generator[Step, Any, Result_co]: ...
