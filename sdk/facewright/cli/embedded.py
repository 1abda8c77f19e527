"""``facewright embedded status|stop``: the server that commands without ``--server`` share."""

from __future__ import annotations

import argparse
import json

from facewright.shared import SharedServer, running_server, state_folder, stop_shared_server

__all__ = ["add_to"]


def add_to(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], _common: argparse.ArgumentParser
) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "embedded",
        help="look at the server that your commands share, or stop it",
        description="Commands without --server share one server, which the first of them starts and which leaves "
        "when nobody has used it for a while.",
    )
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    for name, run, help_text in (
        ("status", _status, "say whether it runs, and where it keeps its state"),
        ("stop", _stop, "stop it; operations that are not done go on with the next one"),
    ):
        action = actions.add_parser(name, help=help_text)
        action.add_argument("--json", action="store_true", help="print the answer as JSON")
        action.set_defaults(run=run)


def _status(arguments: argparse.Namespace) -> None:
    server = running_server()
    if arguments.json:
        print(json.dumps(_report(server, is_running=server is not None), indent=2))
    elif server is None:
        print(f"not running; its state is in {state_folder()}")
    else:
        print(f"running at {server.address}, process {server.pid}, version {server.version}")
        print(f"its state is in {state_folder()}")


def _stop(arguments: argparse.Namespace) -> None:
    server = stop_shared_server()
    if arguments.json:
        print(json.dumps(_report(server, is_running=False), indent=2))
    else:
        print("was not running" if server is None else f"stopped process {server.pid}")


def _report(server: SharedServer | None, *, is_running: bool) -> dict[str, object]:
    """Everything but the token."""
    return {
        "running": is_running,
        "address": server.address if server else None,
        "pid": server.pid if server else None,
        "version": server.version if server else None,
        "state_folder": str(state_folder()),
    }
