"""How both clients connect: encryption, token, message limits, and the terms of every call."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import Any, Callable

import grpc

from facewright._calls import Call, StreamCall
from facewright._messages import MAX_MESSAGE_BYTES
from facewright._retry import Attempts, Retry, Timeouts
from facewright._stubs import Stubs
from facewright.errors import InvalidInputError

__all__ = ["DEFAULT_ADDRESS", "Connection", "is_loopback"]

DEFAULT_ADDRESS = "127.0.0.1:50051"


@dataclass(frozen=True)
class Connection:
    """What a client was made with. Raises `InvalidInputError` for a token that would travel in the clear."""

    address: str
    token: str = field(default="", repr=False)
    uses_tls: bool = False
    root_certificates: bytes | None = field(default=None, repr=False)
    timeouts: Timeouts = field(default_factory=Timeouts)
    retry: Retry = field(default_factory=Retry)

    def __post_init__(self) -> None:
        if self.token and not self.uses_tls and not is_loopback(self.address):
            raise InvalidInputError(
                f"got a token for {self.address} without TLS, where others could read it; pass tls=True, or "
                "root_certificates where the server's certificate is one's own",
                reason="TOKEN_WITHOUT_TLS",
            )
        if not all("!" <= character <= "~" for character in self.token):
            raise InvalidInputError(
                "the token has spaces, line ends or other characters that no token has; expected visible ASCII",
                reason="BAD_TOKEN",
            )

    def open_channel(self, library: Any) -> Any:
        """A channel of `grpc` or of `grpc.aio`."""
        options = self._options()
        if not self.uses_tls:
            return library.insecure_channel(self.address, options=options)
        credentials = grpc.ssl_channel_credentials(self.root_certificates)
        return library.secure_channel(self.address, credentials, options=options)

    def methods(self, channel: Any) -> Callable[[str], Any]:
        """Finds what calls ``stub.Method``."""
        stubs = Stubs(channel)

        def find(name: str) -> Any:
            stub, _, method = name.partition(".")
            return getattr(getattr(stubs, stub), method)

        return find

    def attempts(self, call: Call[Any] | StreamCall[Any]) -> Attempts:
        """The attempts at one call."""
        return Attempts(call, self.retry, self.timeouts)

    def terms(self, attempts: Attempts) -> dict[str, Any]:
        """Deadline and token of one attempt."""
        terms: dict[str, Any] = {"timeout": attempts.remaining_secs()}
        if self.token:
            terms["metadata"] = (("authorization", f"Bearer {self.token}"),)
        return terms

    def _options(self) -> list[tuple[str, str | int]]:
        # Which calls are repeated, and when, is decided in _retry: the policies of gRPC's service config know neither
        # the delay that a busy server asks for nor whether the caller wants to wait for it.
        options: list[tuple[str, str | int]] = [
            ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            # Shorter than the pause before a retry, which otherwise would find the channel still waiting.
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.min_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 1000),
        ]
        if is_loopback(self.address):
            options.append(("grpc.enable_http_proxy", 0))  # gRPC would ask the proxy for 127.0.0.1 as well
        return options


def is_loopback(address: str) -> bool:
    """Whether HOST:PORT stays on this machine."""
    host = address.rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
