"""A client for one command: of the server that was named, or of one started for the command."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator

from facewright.client import Client
from facewright.embedded import EmbeddedServer

__all__ = ["connected"]


@contextlib.contextmanager
def connected(arguments: argparse.Namespace) -> Iterator[Client]:
    """Raises `ServerUnavailableError` when no server can be started."""
    if arguments.server:
        with Client(arguments.server) as client:
            yield client
    else:
        with EmbeddedServer() as server, Client(server.address) as client:
            yield client
