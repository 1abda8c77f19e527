"""``facewright``: the command line of the client. One file per command."""

from facewright.cli.main import main

__all__ = ["main"]
