"""``facewright render CHARACTER.json``: one frame of a character, or the frames of a clip."""

from __future__ import annotations

import argparse
import json
import struct
from dataclasses import replace
from pathlib import Path

from facewright.character import Character
from facewright.cli import render_clip
from facewright.cli.connection import connected
from facewright.cli.output import check_folder, write_folder
from facewright.cli.skin import send_skin
from facewright.cli.values import color, named_number
from facewright.clips import CAMERAS, PRESETS
from facewright.errors import InvalidInputError
from facewright.rendering import LIGHTS, PASSES, RenderedFrame, Stage

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
        "beside it, as NAME.labels.png and so on. The depth pass also writes metres, as NAME.depth.npy. With --clip "
        "or --camera turntable, the numbered frames of a clip go to a folder, with frames.json, which has their times.",
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
    parser.add_argument(
        "--camera",
        choices=[*CAMERAS, render_clip.TURNTABLE],
        default="front",
        help="view by name; turntable turns the head to both sides and back, as a clip (default front)",
    )
    parser.add_argument("--light", choices=LIGHTS, default="studio", help="lights by name (default studio)")
    parser.add_argument(
        "--background",
        type=color,
        metavar="COLOR",
        help="behind the head, e.g. '#ffffff' or 1,1,1 (default a middle grey)",
    )
    parser.add_argument(
        "--rig", metavar="NAME", help="draw with this rig; it must know the character's sliders and styles"
    )
    parser.add_argument("--yaw", type=float, metavar="DEGREES", help="-90 to 90, in place of the camera's")
    parser.add_argument("--pitch", type=float, metavar="DEGREES", help="-60 to 60, in place of the camera's")
    parser.add_argument(
        "--preset", choices=PRESETS, help="draft is fast, full has smooth edges (default full)"
    )
    parser.add_argument("--size", type=int, metavar="PX", help="width and height, 16 to 2048 (default 512)")
    parser.add_argument(
        "--passes", type=_passes, default=["color"], metavar="LIST", help=f"of {','.join(PASSES)}"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="PNG to write (default render.png), or folder of a clip"
    )
    render_clip.add_options(parser)
    parser.set_defaults(run=_run)


def _passes(text: str) -> list[str]:
    names = list(dict.fromkeys(part.strip() for part in text.split(",")))
    unknown = [name for name in names if name not in PASSES]
    if unknown:
        raise argparse.ArgumentTypeError(f"got {unknown[0]!r}, expected some of {','.join(PASSES)}")
    return names


def _run(arguments: argparse.Namespace) -> None:
    if arguments.clip or arguments.camera == render_clip.TURNTABLE:
        if arguments.expression or arguments.passes != ["color"]:
            raise InvalidInputError(
                "got --expression or --passes with a clip; a clip has its own expressions, and colours only",
                reason="BAD_OPTIONS",
            )
        render_clip.run(arguments)
        return
    render_clip.refuse_options(arguments)
    out: Path = arguments.out or Path("render.png")
    target = out.absolute()
    character = Character.from_file(arguments.character)
    if arguments.rig:
        character = replace(character, rig=arguments.rig)
    check_folder(target.parent)
    with connected(arguments) as client:
        send_skin(client, character, arguments.character)
        frame = client.render(
            character,
            expression=dict(arguments.expression),
            view=render_clip.chosen_view(arguments),
            size_px=arguments.size,
            passes=arguments.passes,
            preset=arguments.preset,
            stage=Stage(light=arguments.light, background=arguments.background),
        )
    names = _file_names(target, arguments.passes)
    contents = {names[name]: frame.pngs[name] for name in arguments.passes}
    if "depth" in arguments.passes:
        contents[f"{target.stem}.depth.npy"] = _npy(frame)
    write_folder(target.parent, contents)
    paths = [out.parent / name for name in contents]
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
