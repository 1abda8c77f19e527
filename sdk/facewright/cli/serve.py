"""``facewright serve``: run the server in the foreground."""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys

from facewright.errors import ServerUnavailableError

__all__ = ["add_to"]

_PACKAGE = "facewright_server"


def add_to(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], _common: argparse.ArgumentParser
) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "serve",
        help="run the server",
        description="Run the server until Ctrl-C. More: facewright-server serve --help",
    )
    parser.add_argument(
        "--listen", metavar="HOST:PORT", help="where to listen (default 127.0.0.1:50051); port 0 picks one"
    )
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    if importlib.util.find_spec(_PACKAGE) is None:
        raise ServerUnavailableError(
            "the server is not installed here; pip install 'facewright[server]'", reason="NOT_INSTALLED"
        )
    command = [sys.executable, "-m", _PACKAGE, "serve"]
    if arguments.listen:
        command += ["--listen", arguments.listen]
    os.execv(sys.executable, command)  # noqa: S606 - this process becomes the server, signals and all
