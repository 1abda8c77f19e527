"""``facewright golden run|review|accept``: are today's frames still the ones that were accepted?"""

from __future__ import annotations

import argparse
from pathlib import Path

from facewright.cli import golden_accept, golden_run
from facewright.cli.golden_review import review

__all__ = ["add_to"]


def add_to(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "golden",
        help="compare frames with accepted references (render regression)",
        description="Compare frames, drawn by a server or written to a folder by another renderer, with accepted "
        "pictures; look at what differs; accept what is meant. Needs the extra 'testing'. docs/golden.md explains it.",
    )
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    golden_run.add_to(actions, common)
    golden_accept.add_to(actions)
    look = actions.add_parser(
        "review",
        help="show what a run found, with the command that accepts each",
        description="Opens report.html of the run where there is a screen, and lists what needs a look.",
    )
    look.add_argument("--json", action="store_true", help="print the list as JSON")
    look.add_argument(
        "--run",
        dest="run_folder",
        type=Path,
        default=golden_run.DEFAULT_OUT,
        metavar="DIR",
        help=f"folder of the run (default {golden_run.DEFAULT_OUT})",
    )
    look.add_argument("--no-open", action="store_true", help="list only, also where there is a screen")
    look.set_defaults(run=review)
