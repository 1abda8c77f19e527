"""``facewright-server sheet characters|expressions|parsing|landmarks|fits|animations``: contact sheets to look at."""

import argparse
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from facewright_server.cli.arguments import add_seed, existing_folder, positive_int
from facewright_server.cli.output import write_whole

if TYPE_CHECKING:
    from facewright_models.photo import Photo

__all__ = ["add_to"]


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command and one sub-command per sheet."""
    parser = commands.add_parser("sheet", help="make a contact sheet", description=__doc__)
    sheets = parser.add_subparsers(title="sheets", required=True, metavar="SHEET")

    characters = sheets.add_parser("characters", help="characters drawn at random")
    characters.add_argument("--count", type=positive_int, default=24, help="characters (default 24)")
    add_seed(characters)
    expressions = sheets.add_parser("expressions", help="every facial action of a rig")
    for sheet in (characters, expressions):
        sheet.add_argument("--rig", default="anny", metavar="NAME", help="rig to draw (default anny)")

    parsing = sheets.add_parser("parsing", help="photos beside their labels")
    landmarks = sheets.add_parser("landmarks", help="faces in photos with their points drawn")
    fits = sheets.add_parser("fits", help="photos beside their characters")
    animations = sheets.add_parser("animations", help="photos whose faces take on expressions")
    animations.add_argument(
        "--show", default="smile", metavar="WHAT", help="smile, eyes, brows, mouth or moods (default smile)"
    )
    animations.add_argument(
        "--data",
        type=existing_folder,
        metavar="DIR",
        help="instead of photos: 12 people of all skin tones, from the test data",
    )
    for sheet in (parsing, landmarks, fits, animations):
        count = "*" if sheet is animations else "+"
        sheet.add_argument("photos", type=Path, nargs=count, metavar="PHOTO", help="image files")

    for name, sheet in (
        ("characters", characters),
        ("expressions", expressions),
        ("parsing", parsing),
        ("landmarks", landmarks),
        ("fits", fits),
        ("animations", animations),
    ):
        sheet.add_argument("--out", type=Path, required=True, metavar="PNG", help="file to write")
        sheet.set_defaults(run=_run, sheet=name)


def _run(arguments: argparse.Namespace) -> None:
    from facewright_models.photo import decode_photo
    from facewright_server.pictures import color_png

    module = import_module(f"facewright_models.sheets.{arguments.sheet}")
    make = getattr(module, f"{arguments.sheet}_sheet")
    if arguments.sheet == "characters":
        image = make(rig_name=arguments.rig, count=arguments.count, seed=arguments.seed)
    elif arguments.sheet == "expressions":
        image = make(rig_name=arguments.rig)
    elif arguments.sheet == "animations":
        image = make(_people(arguments), arguments.show)
    else:
        image = make([decode_photo(path.read_bytes()) for path in arguments.photos])
    write_whole(arguments.out, color_png(image))


def _people(arguments: argparse.Namespace) -> "list[Photo]":
    from facewright_models.evaluation.skin_tones import people_of_all_tones
    from facewright_models.photo import decode_photo

    if arguments.data is not None and not arguments.photos:
        return people_of_all_tones(arguments.data)
    return [decode_photo(path.read_bytes()) for path in arguments.photos]
