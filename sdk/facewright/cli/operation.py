"""``facewright operation list|show|wait|cancel|delete``: jobs on the server, found again by name."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Callable

from facewright.batch_fitting import BatchFitItem, BatchFitProgress
from facewright.cli.batch_results import report_batch, write_results
from facewright.cli.connection import connected
from facewright.cli.expression_results import check_target, say, video_target, write_video
from facewright.cli.progress import ProgressBar
from facewright.client import Client
from facewright.expression_videos import ExpressionVideo
from facewright.operations import OperationProgress

__all__ = ["add_to"]


def add_to(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    """Register the command."""
    parser = commands.add_parser("operation", help="look at jobs on the server, wait for them, end them")
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    listing = actions.add_parser("list", parents=[common], help="list your operations, newest first")
    listing.add_argument("--filter", default="", metavar="TEXT", help="for example 'done = false'")
    listing.set_defaults(run=_list)
    for name, run, help_text in (
        ("show", _show, "say how an operation stands"),
        ("wait", _wait, "wait for an operation and write its results"),
        ("cancel", _cancel, "end an operation; it has no result then"),
        ("delete", _delete, "forget an operation that is done, and its result"),
    ):
        action = actions.add_parser(name, parents=[common], help=help_text)
        action.add_argument("name", metavar="NAME", help="as 'batch --detach' and 'operation list' print it")
        if run is _wait:
            action.add_argument(
                "--out",
                type=Path,
                required=True,
                metavar="DIR",
                help="folder to write, or FILE.mp4 of a video",
            )
            action.add_argument(
                "--timeout", type=float, metavar="SECS", help="give up after this time; it goes on"
            )
        action.set_defaults(run=run)


def _list(arguments: argparse.Namespace) -> None:
    with connected(arguments) as client:
        found = client.list_operations(filter_text=arguments.filter)
    if arguments.json:
        print(json.dumps([_report(one.name, one.metadata, is_done=one.done) for one in found], indent=2))
        return
    for one in found:
        print(_line(one.name, one.metadata, is_done=one.done))


def _show(arguments: argparse.Namespace) -> None:
    with connected(arguments) as client:
        found = client.get_operation(arguments.name)
    if arguments.json:
        print(json.dumps(_report(found.name, found.metadata, is_done=found.done), indent=2))
    else:
        print(_line(found.name, found.metadata, is_done=found.done))


def _wait(arguments: argparse.Namespace) -> None:
    """Ctrl-C ends the waiting only: somebody else started this work."""
    check_target(arguments.out)
    with connected(arguments) as client, ProgressBar(sys.stderr) as bar:
        operation = client.get_operation(arguments.name)
        result = operation.result(arguments.timeout, on_progress=bar.show_operation)
        tell = _write(client, result, arguments, bar)
    tell()


def _write(
    client: Client, result: object, arguments: argparse.Namespace, bar: ProgressBar
) -> Callable[[], None]:
    """Write the results of any kind of operation; what then says how it went."""
    if isinstance(result, ExpressionVideo):
        written = write_video(client, result, video_target(arguments.out), bar=bar)
        return lambda: say(written, as_json=arguments.json)
    items: tuple[BatchFitItem, ...] = result  # type: ignore[assignment]
    # The operation knows its photos by number only.
    names = [f"{index + 1:0{len(str(len(items)))}d}" for index in range(len(items))]
    write_results(client, items, arguments.out, names=names, bar=bar)
    return lambda: report_batch(items, names, arguments.out, as_json=arguments.json)


def _cancel(arguments: argparse.Namespace) -> None:
    with connected(arguments) as client:
        operation = client.get_operation(arguments.name)
        operation.cancel()
        operation.refresh()
    if arguments.json:
        print(json.dumps(_report(operation.name, operation.metadata, is_done=operation.done), indent=2))


def _delete(arguments: argparse.Namespace) -> None:
    with connected(arguments) as client:
        client.get_operation(arguments.name).delete()
    if arguments.json:
        print(json.dumps({"deleted": arguments.name}))


def _line(name: str, progress: OperationProgress | None, *, is_done: bool) -> str:
    if progress is None:
        return f"{name}  {'done' if is_done else 'running'}"
    open_state = "running" if progress.start_time is not None else "waiting"
    state = "done" if is_done else open_state
    return f"{name}  {state:<7}  {_done_of(progress)}  since {progress.create_time:%Y-%m-%d %H:%M} UTC"


def _done_of(progress: OperationProgress) -> str:
    if not isinstance(progress, BatchFitProgress):
        return f"{progress.progress:.0%} of a video"
    failed = f", {progress.failed_count} failed" if progress.failed_count else ""
    return f"{progress.done_count} of {progress.subject_count} fitted{failed}"


def _report(name: str, progress: OperationProgress | None, *, is_done: bool) -> dict[str, object]:
    entries: dict[str, object] = {"name": name, "done": is_done}
    for key, value in (asdict(progress) if progress is not None else {}).items():
        entries[key] = value.isoformat() if isinstance(value, datetime) else value
    return entries
