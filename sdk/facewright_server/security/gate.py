"""Decides about a call before its body is read: whose it is, and whether there is room for it."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from facewright_server.config import ServerConfig
from facewright_server.errors import UnauthenticatedError
from facewright_server.security.identity import LOCAL_CLIENT, ClientIdentity, set_current_client
from facewright_server.security.limits import CallLimits, ClientLimiter
from facewright_server.security.tokens import Client, TokenRegistry

__all__ = ["Gate"]

_HEADER = "authorization"
_SCHEME = "bearer"


class Gate:
    """One per server."""

    def __init__(self, config: ServerConfig) -> None:
        """Raises `ConfigError` for a tokens file that cannot be used."""
        self._tokens = TokenRegistry(Path(config.tokens_file)) if config.tokens_file else None
        self._limiter = ClientLimiter()
        self._max_calls = config.max_client_calls
        self._calls_per_sec = config.client_calls_per_sec

    @property
    def has_tokens(self) -> bool:
        """Whether a call needs a token."""
        return self._tokens is not None

    def reload(self) -> None:
        """Read the tokens file again."""
        if self._tokens is not None:
            self._tokens.reload()

    @contextmanager
    def admit(self, metadata: Iterable[tuple[str, Any]]) -> Iterator[ClientIdentity]:
        """For the length of the block the call counts as its client's, which `current_client` gives.

        Raises `UnauthenticatedError`, `QuotaError`, `RateLimitError`.
        """
        client = self._authenticate(metadata)
        identity = LOCAL_CLIENT
        if client is not None:
            identity = ClientIdentity(
                name=client.name,
                max_media_bytes=client.max_media_bytes,
                max_operations=client.max_operations,
            )
        with self._limiter.admit(identity.name, self._limits(client)):
            set_current_client(identity)
            yield identity

    def _authenticate(self, metadata: Iterable[tuple[str, Any]]) -> Client | None:
        if self._tokens is None:
            return None
        header = next((value for key, value in metadata if key == _HEADER), None)
        if not isinstance(header, str) or not header.strip():
            raise UnauthenticatedError(
                "this server wants to know who calls; send the metadata authorization: Bearer TOKEN"
            )
        scheme, _, token = header.strip().partition(" ")
        if scheme.lower() != _SCHEME or not token.strip():
            raise UnauthenticatedError("the metadata authorization has another form; expected Bearer TOKEN")
        client = self._tokens.find(token.strip())
        if client is None:
            raise UnauthenticatedError(
                "the token is not known to this server; ask whoever runs it for a valid one"
            )
        return client

    def _limits(self, client: Client | None) -> CallLimits:
        own_calls = client.max_calls if client is not None else None
        own_rate = client.calls_per_sec if client is not None else None
        return CallLimits(
            max_calls=self._max_calls if own_calls is None else own_calls,
            calls_per_sec=self._calls_per_sec if own_rate is None else own_rate,
        )
