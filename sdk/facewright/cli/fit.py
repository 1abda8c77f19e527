"""``facewright fit PHOTO...``: the character that looks like the person in the photos."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from facewright.cli.connection import connected
from facewright.cli.output import check_folder, write_folder
from facewright.cli.progress import ProgressBar
from facewright.cli.skin import SKIN_FILE
from facewright.cli.values import face_box, locks_of, named_value
from facewright.errors import InvalidInputError
from facewright.fitting import FaceBox, FitOptions, FitResult, Notice, Photo

__all__ = [
    "add_fit_options",
    "add_how_to_fit",
    "add_to",
    "fit_options",
    "how_to_fit",
    "print_warnings",
    "read_photos",
]


def add_to(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "fit",
        parents=[common],
        help="fit a character to the photos of one person",
        description="Fit a character to one person. Writes character.json, render.png, compare.png "
        "(photo | imitator | render) and report.json; with --texture also skin.png.",
    )
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO", help="photos of one person")
    parser.add_argument("--rig", default="", metavar="NAME", help="rig (default: the server's)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder (default: out/NAME-OF-PHOTO)")
    parser.add_argument(
        "--box",
        type=face_box,
        action="append",
        default=[],
        metavar="x,y,w,h",
        help="choose a face in the photo; give it again for the second photo, and so on",
    )
    add_fit_options(parser)
    parser.add_argument("--timeout", type=float, metavar="SECS", help="give up after this time")
    parser.set_defaults(run=_run)


def add_fit_options(parser: argparse.ArgumentParser) -> None:
    """The options of fitting itself; `fit_options` reads them."""
    parser.add_argument(
        "--lock",
        type=named_value,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="keep a slider (0.3), a colour (#c08060) or a style (bob)",
    )
    parser.add_argument(
        "--texture",
        action="store_true",
        help="also bake the person's own skin, as skin.png, which belongs beside character.json",
    )
    add_how_to_fit(parser)


def add_how_to_fit(parser: argparse.ArgumentParser) -> None:
    """The numbers and names of fitting; `how_to_fit` reads them."""
    group = parser.add_argument_group("how to fit (defaults are the server's)")
    group.add_argument(
        "--mode", choices=("refine", "fast"), help="refine adjusts step by step, fast is read at a glance"
    )
    group.add_argument("--seed", type=int, metavar="N", help="same seed, same result")
    group.add_argument("--iterations", type=int, metavar="N", help="most steps")
    group.add_argument("--similarity-threshold", type=float, metavar="X", help="stop at this likeness")
    group.add_argument("--alignment", choices=("similarity", "affine"), help="how the photo is aligned")
    group.add_argument("--content-norm", choices=("l1", "l2"), help="norm of the content loss")
    for name in ("content", "identity", "landmark"):
        group.add_argument(f"--{name}-weight", type=float, metavar="X", help=f"weight of the {name} loss")


def _run(arguments: argparse.Namespace) -> None:
    folder: Path = arguments.out or Path("out") / arguments.photos[0].stem
    photos = read_photos(arguments.photos, arguments.box)
    check_folder(folder)
    with ProgressBar(sys.stderr) as bar:
        bar.note("starting")
        with connected(arguments) as client:
            result = client.fit(
                *photos,
                rig=arguments.rig,
                options=fit_options(arguments),
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
    if result.skin_texture_png:
        files[SKIN_FILE] = result.skin_texture_png
    write_folder(folder, files)
    if arguments.json:
        sys.stdout.write(report_json)
    else:
        _print_summary(result, [folder / name for name in files])


def read_photos(paths: list[Path], boxes: list[FaceBox]) -> list[Photo]:
    """Each with its box, if it has one. Raises `InvalidInputError`, `OSError`."""
    if len(boxes) > len(paths):
        raise InvalidInputError(
            f"got {len(boxes)} boxes for {len(paths)} photos; expected at most one --box per photo",
            reason="TOO_MANY_BOXES",
        )
    padded: list[FaceBox | None] = [*boxes, *[None] * (len(paths) - len(boxes))]
    return [Photo.from_file(path, face_box=box) for path, box in zip(paths, padded)]


def fit_options(arguments: argparse.Namespace) -> FitOptions:
    """What the command line says about how to fit, and what is locked and baked."""
    return replace(how_to_fit(arguments), locks=locks_of(arguments.lock), texture=arguments.texture)


def how_to_fit(arguments: argparse.Namespace) -> FitOptions:
    """The numbers and names alone."""
    return FitOptions(
        iterations=arguments.iterations,
        similarity_threshold=arguments.similarity_threshold,
        seed=arguments.seed,
        content_weight=arguments.content_weight,
        identity_weight=arguments.identity_weight,
        landmark_weight=arguments.landmark_weight,
        content_norm=arguments.content_norm,
        alignment=arguments.alignment,
        mode=arguments.mode,
    )


def _print_summary(result: FitResult, paths: list[Path]) -> None:
    report = result.report
    for path in paths:
        print(path)
    print(
        f"likeness {report.identity_cosine:.3f}, landmark error {report.landmark_nme:.3f}, "
        f"{report.iterations} steps, {report.seconds.total:.1f} s"
    )
    print_warnings(report.warnings)


def print_warnings(warnings: Iterable[Notice]) -> None:
    """One line each, on stderr."""
    for notice in warnings:
        print(f"facewright: warning: {notice.message} ({notice.code})", file=sys.stderr)
