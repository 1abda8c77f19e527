"""``facewright-server parse PHOTO --out LABELS.png``: the 11 classes of a photo, as an index image."""

import argparse
from pathlib import Path

from facewright_server.cli.output import write_whole

__all__ = ["add_to"]


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = commands.add_parser("parse", help="label the parts of a face in a photo", description=__doc__)
    parser.add_argument("photo", type=Path, metavar="PHOTO", help="image file")
    parser.add_argument("--out", type=Path, required=True, metavar="LABELS.png", help="PNG file to write")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    from facewright_models.parsing import parse_photo
    from facewright_models.photo import decode_photo
    from facewright_server.pictures import labels_png

    photo = decode_photo(arguments.photo.read_bytes())
    write_whole(arguments.out, labels_png(parse_photo(photo)))
