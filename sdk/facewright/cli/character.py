"""``facewright character FILE.glb``: the save file back out of an exported GLB. Needs no server."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from facewright.character import Character
from facewright.cli.output import check_folder, write_folder

__all__ = ["add_to"]


def add_to(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    common: argparse.ArgumentParser,  # noqa: ARG001 - no server is asked
) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "character",
        help="get the save file back from an exported GLB",
        description="Read the character in a GLB that 'facewright export' wrote, or check a save file, and write it "
        "as a save file.",
    )
    parser.add_argument("file", type=Path, metavar="FILE.glb", help="exported GLB, or a save file")
    parser.add_argument("--out", type=Path, metavar="FILE", help="JSON to write (default: print it)")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    text = Character.from_file(arguments.file).to_json()
    if arguments.out is None:
        sys.stdout.write(text)
        return
    target: Path = arguments.out.absolute()
    check_folder(target.parent)
    write_folder(target.parent, {target.name: text.encode()})
    print(arguments.out)
