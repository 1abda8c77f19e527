"""Whom the running call belongs to."""

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

__all__ = ["LOCAL_CLIENT", "ClientIdentity", "current_client", "set_current_client"]


@dataclass(frozen=True, kw_only=True)
class ClientIdentity:
    """A client as the tokens file names it. The name is what media and operations are owned by."""

    name: str
    max_media_bytes: int | None = None
    """Of all its media; None: the server's limit."""
    max_operations: int | None = None
    """That are not done, likewise."""


# Everybody, on a server without tokens.
LOCAL_CLIENT: Final = ClientIdentity(name="local")

_CURRENT: ContextVar[ClientIdentity] = ContextVar("facewright_client", default=LOCAL_CLIENT)


def current_client() -> ClientIdentity:
    """The client of the call that this task or thread context works for; `LOCAL_CLIENT` outside of calls.

    A context variable follows `await`, `asyncio.create_task` and `asyncio.to_thread`, not
    `loop.run_in_executor`: read it before work goes to another thread.
    """
    return _CURRENT.get()


def set_current_client(client: ClientIdentity) -> None:
    """Called by the interceptor before the handler runs; a call has a context of its own."""
    _CURRENT.set(client)
