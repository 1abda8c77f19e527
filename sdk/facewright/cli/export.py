"""``facewright export CHARACTER.json --out FILE.glb``: a character as a file for an engine."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

from facewright.character import Character
from facewright.cli.connection import connected
from facewright.cli.output import check_folder, write_folder
from facewright.cli.skin import send_skin
from facewright.cli.values import named_number
from facewright.errors import InvalidInputError

__all__ = ["add_to"]

_SUFFIXES = (".glb", ".obj")


def add_to(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "export",
        parents=[common],
        help="write a character for an engine",
        description="Write a character as binary glTF (FILE.glb: meshes, materials, facial actions as morph targets, "
        "joints of head and eyes, and the save file inside) or as OBJ (FILE.obj: a still shape, with FILE.mtl and "
        "textures beside it).",
    )
    parser.add_argument(
        "character", type=Path, metavar="CHARACTER.json", help="save file, or a GLB that was exported"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("character.glb"),
        metavar="FILE",
        help="FILE.glb or FILE.obj to write",
    )
    parser.add_argument(
        "--expression",
        type=named_number,
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME=X",
        help="facial actions in [0, 1] to bake into the shape, e.g. mouthSmileLeft=0.7",
    )
    parser.add_argument("--no-morphs", action="store_true", help="leave the morph targets out: a small GLB")
    parser.add_argument(
        "--eye-morphs",
        action="store_true",
        help="let the eyeLook morph targets move the eyeballs too, for engines that turn no joints",
    )
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    target: Path = arguments.out.absolute()
    suffix = target.suffix.lower()
    _check(suffix, arguments)
    character = Character.from_file(arguments.character)
    check_folder(target.parent)
    name = _plain(target.stem)
    with connected(arguments) as client:
        send_skin(client, character, arguments.character)
        if suffix == ".glb":
            content = client.export_glb(
                character,
                name=name,
                expression=dict(arguments.expression),
                morphs=not arguments.no_morphs,
                eye_morphs=arguments.eye_morphs,
            )
            files = {target.name: content}
        else:
            made = client.export_obj(character, name=name, expression=dict(arguments.expression))
            files = {target.name if file.endswith(".obj") else file: made[file] for file in made}
    write_folder(target.parent, files)
    paths = [str(arguments.out.parent / file) for file in files]
    if arguments.json:
        sizes = {path: len(content) for path, content in zip(paths, files.values())}
        print(json.dumps({"files": paths, "bytes": sizes}, indent=2))
    else:
        print(*paths, sep="\n")


def _check(suffix: str, arguments: argparse.Namespace) -> None:
    if suffix not in _SUFFIXES:
        raise InvalidInputError(
            f"got --out {arguments.out}; expected a name that ends in {' or '.join(_SUFFIXES)}",
            reason="BAD_OUTPUT",
        )
    if suffix == ".obj" and (arguments.no_morphs or arguments.eye_morphs):
        raise InvalidInputError(
            "an OBJ file has no morphs; leave --no-morphs and --eye-morphs out, or write a .glb",
            reason="BAD_OPTION",
        )
    if arguments.no_morphs and arguments.eye_morphs:
        raise InvalidInputError("got --no-morphs and --eye-morphs; expected one of them", reason="BAD_OPTION")


def _plain(stem: str) -> str:
    """The name without what file formats cannot refer to."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", stem).strip("._-")
    return plain[:64] or "character"
