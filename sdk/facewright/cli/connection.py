"""A client for one command: of the server that was named, or of the one that the user's commands share."""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from facewright._retry import Retry
from facewright.client import Client
from facewright.errors import InvalidInputError
from facewright.shared import shared_server

__all__ = ["add_options", "connected"]

_TOKEN_VARIABLE = "FACEWRIGHT_TOKEN"  # noqa: S105 - its name, not a token


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that say which server, and how to reach it."""
    group = parser.add_argument_group("server")
    group.add_argument(
        "--server",
        metavar="HOST:PORT",
        help="use this server (default: the one that your commands share, started when it is not running)",
    )
    group.add_argument(
        "--token-file",
        type=Path,
        metavar="FILE",
        help=f"file with the bearer token for --server (default: ${_TOKEN_VARIABLE})",
    )
    group.add_argument("--tls", action="store_true", help="encrypt, and trust the system's certificates")
    group.add_argument(
        "--root-certificates",
        type=Path,
        metavar="FILE",
        help="encrypt, and trust the certificates in this PEM file",
    )


@contextlib.contextmanager
def connected(arguments: argparse.Namespace, *, retry: Retry | None = None) -> Iterator[Client]:
    """`retry` replaces the client's own.

    Raises `ServerUnavailableError` when no server can be started, `OSError` for files that cannot be read.
    """
    with _client(arguments, retry) as client:
        yield client


def _client(arguments: argparse.Namespace, retry: Retry | None) -> Client:
    if not arguments.server:
        if arguments.tls or arguments.root_certificates or arguments.token_file:
            raise InvalidInputError(
                "got --tls, --root-certificates or --token-file without --server; they belong to a server that is "
                "named with --server HOST:PORT",
                reason="NO_SERVER_NAMED",
            )
        server = shared_server()
        return Client(server.address, token=server.token, retry=retry)
    certificates: Path | None = arguments.root_certificates
    return Client(
        arguments.server,
        token=_token(arguments.token_file),
        tls=arguments.tls,
        root_certificates=certificates.read_bytes() if certificates else None,
        retry=retry,
    )


def _token(file: Path | None) -> str:
    """Never from the command line, which every user of the machine can read."""
    if file is not None:
        return file.read_text(encoding="utf-8").strip()
    return os.environ.get(_TOKEN_VARIABLE, "").strip()
