"""``facewright-server``: serve, and the heavy work done away from a server. One file per command."""

from facewright_server.cli.main import main

__all__ = ["main"]
