"""``facewright render CHARACTER.json``: one frame of a character."""

from __future__ import annotations

import argparse
import json
import struct
from pathlib import Path

from facewright.character import Character
from facewright.cli.connection import connected
from facewright.cli.output import check_folder, write_folder
from facewright.cli.values import named_number
from facewright.rendering import PASSES, RenderedFrame, View

__all__ = ["add_to"]


def add_to(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "render",
        parents=[common],
        help="draw a character",
        description="Draw a character. One pass goes to FILE; of several, color goes to FILE, the others "
        "beside it, as NAME.labels.png and so on. The depth pass also writes metres, as NAME.depth.npy.",
    )
    parser.add_argument(
        "character", type=Path, metavar="CHARACTER.json", help="save file, or a GLB that was exported"
    )
    parser.add_argument(
        "--expression",
        type=named_number,
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME=X",
        help="facial actions in [0, 1], e.g. mouthSmileLeft=0.7",
    )
    parser.add_argument("--yaw", type=float, default=0.0, metavar="DEGREES", help="-90 to 90 (default 0)")
    parser.add_argument("--pitch", type=float, default=0.0, metavar="DEGREES", help="-60 to 60 (default 0)")
    parser.add_argument("--size", type=int, metavar="PX", help="width and height, 16 to 2048 (default 512)")
    parser.add_argument(
        "--passes", type=_passes, default=["color"], metavar="LIST", help=f"of {','.join(PASSES)}"
    )
    parser.add_argument("--out", type=Path, default=Path("render.png"), metavar="FILE", help="PNG to write")
    parser.set_defaults(run=_run)


def _passes(text: str) -> list[str]:
    names = list(dict.fromkeys(part.strip() for part in text.split(",")))
    unknown = [name for name in names if name not in PASSES]
    if unknown:
        raise argparse.ArgumentTypeError(f"got {unknown[0]!r}, expected some of {','.join(PASSES)}")
    return names


def _run(arguments: argparse.Namespace) -> None:
    target: Path = arguments.out.absolute()
    character = Character.from_file(arguments.character)
    check_folder(target.parent)
    with connected(arguments) as client:
        frame = client.render(
            character,
            expression=dict(arguments.expression),
            view=View(arguments.yaw, arguments.pitch),
            size_px=arguments.size,
            passes=arguments.passes,
        )
    names = _file_names(target, arguments.passes)
    contents = {names[name]: frame.pngs[name] for name in arguments.passes}
    if "depth" in arguments.passes:
        contents[f"{target.stem}.depth.npy"] = _npy(frame)
    write_folder(target.parent, contents)
    paths = [arguments.out.parent / name for name in contents]
    if arguments.json:
        print(json.dumps(_report(frame, paths), indent=2))
    else:
        print(*paths, sep="\n")


def _file_names(target: Path, passes: list[str]) -> dict[str, str]:
    """One pass, or color, has the name that was asked for."""
    if len(passes) == 1:
        return {passes[0]: target.name}
    return {name: target.name if name == "color" else f"{target.stem}.{name}.png" for name in passes}


def _npy(frame: RenderedFrame) -> bytes:
    """NumPy's file format, version 1.0, for a square of little-endian float32."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({frame.size_px}, {frame.size_px}), }}"
    header = header.ljust(128 - 10 - 1) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + frame.depth_metres


def _report(frame: RenderedFrame, paths: list[Path]) -> dict[str, object]:
    return {
        "files": [str(path) for path in paths],
        "size_px": frame.size_px,
        "landmarks": [vars(point) for point in frame.landmarks],
    }
