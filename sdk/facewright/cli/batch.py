"""``facewright batch PHOTO_OR_FOLDER...``: a character for every photo, as a job on the server."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from facewright.batch_fitting import PICTURES
from facewright.cli.batch_results import report_batch, write_results
from facewright.cli.connection import connected
from facewright.cli.fit import add_fit_options, fit_options
from facewright.cli.output import check_folder
from facewright.cli.progress import ProgressBar
from facewright.cli.waiting import result_of, upload, uploads
from facewright.errors import InvalidInputError
from facewright.fitting import Photo

__all__ = ["add_to"]

# What a folder is searched for; a file that is named is sent whatever it is called.
_SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})


def add_to(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "batch",
        parents=[common],
        help="fit a character to each of many photos",
        description="Fit a character to every photo, one person each. Writes batch.json and, for every photo, a "
        "folder of its name with character.json, report.json, render.png and compare.png. Photos that cannot be "
        "fitted are named in batch.json and on stderr, and the exit code is then 2. Ctrl-C cancels the job.",
    )
    parser.add_argument(
        "sources", nargs="+", type=Path, metavar="PHOTO_OR_FOLDER", help="photos, folders of them"
    )
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--out", type=Path, metavar="DIR", help="folder to write")
    target.add_argument(
        "--detach",
        action="store_true",
        help="print the operation's name and leave; see 'facewright operation'",
    )
    parser.add_argument("--no-pictures", action="store_true", help="characters and reports only")
    parser.add_argument("--rig", default="", metavar="NAME", help="rig (default: the server's)")
    add_fit_options(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    photos = _photos(arguments.sources)
    if arguments.out:
        check_folder(arguments.out)
    with connected(arguments) as client, ProgressBar(sys.stderr) as bar:
        bar.note("starting")
        with uploads(client) as media:
            upload(client, list(photos.values()), media, bar)
            operation = client.batch_fit(
                [Photo.from_media(name) for name in media],
                rig=arguments.rig,
                options=fit_options(arguments),
                pictures=() if arguments.no_pictures else PICTURES,
            )
            if arguments.detach:
                media.clear()  # the operation needs them; they expire by themselves
                print(json.dumps({"operation": operation.name}) if arguments.json else operation.name)
                return
            items = result_of(operation, media, bar, out="DIR")
        write_results(client, items, arguments.out, names=list(photos), bar=bar)
    report_batch(items, list(photos), arguments.out, as_json=arguments.json)


def _photos(sources: list[Path]) -> dict[str, Path]:
    """Photos by the name of the folder that their character gets. Raises `InvalidInputError`, `OSError`."""
    paths: list[Path] = []
    for source in sources:
        if source.is_dir():
            found = sorted(
                path for path in source.iterdir() if path.suffix.lower() in _SUFFIXES and path.is_file()
            )
            if not found:
                raise InvalidInputError(
                    f"{source} has no photos; expected files named {' '.join(sorted(_SUFFIXES))}",
                    reason="NO_PHOTOS",
                )
            paths += found
        else:
            source.open("rb").close()
            paths.append(source)
    named: dict[str, Path] = {}
    for path in paths:
        name, count = path.stem or path.name, 1
        while name in named:
            count += 1
            name = f"{path.stem}-{count}"
        named[name] = path
    return named
