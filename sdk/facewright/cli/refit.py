"""``facewright refit CHARACTER.json``: an edited character, the rest of it kept."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from facewright.character import Character
from facewright.cli.connection import connected
from facewright.cli.fit import add_how_to_fit, how_to_fit, print_warnings, read_photos
from facewright.cli.output import check_folder, write_folder
from facewright.cli.progress import ProgressBar
from facewright.cli.skin import SKIN_FILE, send_skin
from facewright.cli.values import face_box, kept_or_named_value, locks_of, named_color, named_style
from facewright.fitting import PRESETS, RefitResult

__all__ = ["add_to"]


def add_to(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "refit",
        parents=[common],
        help="edit a character and keep the rest",
        description="Edit a character: another style or colour, younger or older, more photos. What is not asked for "
        "stays as it is. Writes character.json, render.png, compare.png (before | after) and report.json, and the "
        "character's skin.png when it has one.",
    )
    parser.add_argument(
        "character", type=Path, metavar="CHARACTER.json", help="save file, or a GLB that was exported"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write")
    parser.add_argument("--preset", choices=PRESETS, help="move the face; the person stays recognisable")
    parser.add_argument(
        "--strength", type=float, metavar="X", help="how much of the preset, 0 to 1 (default 1)"
    )
    parser.add_argument(
        "--style",
        type=named_style,
        action="append",
        default=[],
        metavar="SLOT=OPTION",
        help="wear another style, e.g. hair=bob",
    )
    parser.add_argument(
        "--color",
        type=named_color,
        action="append",
        default=[],
        metavar="NAME=#rrggbb",
        help="have another colour, e.g. iris=#3a6ea5",
    )
    parser.add_argument(
        "--lock",
        type=kept_or_named_value,
        action="append",
        default=[],
        metavar="NAME[=VALUE]",
        help="keep a slider, colour or style; with a value, take that first",
    )
    parser.add_argument(
        "--photo",
        type=Path,
        action="append",
        default=[],
        metavar="PHOTO",
        help="fit sliders and colours on to this photo of the person; give it again for more photos",
    )
    parser.add_argument(
        "--box",
        type=face_box,
        action="append",
        default=[],
        metavar="x,y,w,h",
        help="choose a face in the photo; give it again for the second photo, and so on",
    )
    add_how_to_fit(parser)
    parser.add_argument("--timeout", type=float, metavar="SECS", help="give up after this time")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    folder: Path = arguments.out
    character = Character.from_file(arguments.character)
    photos = read_photos(arguments.photo, arguments.box)
    check_folder(folder)
    with ProgressBar(sys.stderr) as bar:
        bar.note("starting")
        with connected(arguments) as client:
            skin = send_skin(client, character, arguments.character)
            result = client.refit(
                character,
                *photos,
                preset=arguments.preset,
                strength=arguments.strength,
                styles=dict(arguments.style),
                colors=dict(arguments.color),
                keep=[name for name, value in arguments.lock if value is None],
                locks=locks_of((name, value) for name, value in arguments.lock if value is not None),
                options=how_to_fit(arguments),
                on_progress=bar.show,
                timeout_secs=arguments.timeout,
            )
    report_json = result.report.to_json()
    files = {
        "character.json": result.character.to_json().encode(),
        "render.png": result.rendered_png,
        "compare.png": result.comparison_png,
        "report.json": report_json.encode(),
    }
    if skin is not None:
        files[SKIN_FILE] = skin.read_bytes()
    write_folder(folder, files)
    if arguments.json:
        sys.stdout.write(report_json)
    else:
        _print_summary(result, [folder / name for name in files])


def _print_summary(result: RefitResult, paths: list[Path]) -> None:
    report = result.report
    print(*paths, sep="\n")
    strength = f", strength {report.strength:.2f}" if report.strength else ""
    print(
        f"distance from the person before {report.identity_distance:.3f}{strength}, {report.seconds.total:.1f} s"
    )
    print_warnings(report.warnings)
