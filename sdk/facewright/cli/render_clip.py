"""The part of ``facewright render`` that draws clips: numbered frames in a folder, all of them or none."""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path

from facewright.character import Character
from facewright.cli.connection import connected
from facewright.cli.output import check_folder, drafted
from facewright.cli.progress import ProgressBar
from facewright.cli.skin import send_skin
from facewright.clips import CAMERAS, Clip
from facewright.errors import InvalidInputError, ServerError
from facewright.rendering import Stage, View

__all__ = ["TURNTABLE", "add_options", "chosen_view", "refuse_options", "run"]

TURNTABLE = "turntable"
_OPTIONS = ("format", "quality", "fps", "frames", "timeout")
_ENCODINGS = {"jpg": "jpeg", "png": "png"}
_TURNTABLE_FRAMES = 120


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that only clips have."""
    group = parser.add_argument_group("clips")
    group.add_argument(
        "--clip",
        type=Path,
        metavar="FILE",
        help="movement as .json, or as .csv in the way Live Link Face exports it",
    )
    group.add_argument("--format", choices=tuple(_ENCODINGS), help="of the frames (default png)")
    group.add_argument("--quality", type=int, metavar="N", help="of JPEG frames, 1 to 100 (default 90)")
    group.add_argument("--fps", type=float, metavar="F", help="frames a second, in place of the clip's times")
    group.add_argument("--frames", type=int, metavar="N", help="length of the turntable (default 120)")
    group.add_argument("--timeout", type=float, metavar="SECS", help="give up after this time")


def refuse_options(arguments: argparse.Namespace) -> None:
    """Raises `InvalidInputError` where a single frame was given an option of clips."""
    given = [name for name in _OPTIONS if getattr(arguments, name) is not None]
    if given:
        raise InvalidInputError(
            f"got --{given[0]} without a clip; add --clip FILE or --camera turntable", reason="BAD_OPTIONS"
        )


def chosen_view(arguments: argparse.Namespace) -> View:
    """The camera's view with the angles that were given in its place."""
    view = CAMERAS.get(arguments.camera, View())
    if arguments.yaw is not None:
        view = replace(view, yaw_degrees=arguments.yaw)
    return view if arguments.pitch is None else replace(view, pitch_degrees=arguments.pitch)


def run(arguments: argparse.Namespace) -> None:
    """Draw the clip that the arguments name."""
    started = time.monotonic()
    folder: Path = arguments.out or Path("frames")
    character = Character.from_file(arguments.character)
    if arguments.rig:
        character = replace(character, rig=arguments.rig)
    clip = _clip(arguments)
    check_folder(folder)
    extension = arguments.format or "png"
    names: list[str] = []
    times: list[float] = []
    with ProgressBar(sys.stderr) as bar, drafted(folder) as scratch:
        bar.note("starting")
        with connected(arguments) as client:
            send_skin(client, character, arguments.character)
            for frame in client.stream_frames(
                character,
                clip,
                size_px=arguments.size,
                preset=arguments.preset,
                encoding=_ENCODINGS[extension],
                jpeg_quality=arguments.quality,
                stage=Stage(light=arguments.light, background=arguments.background),
                timeout_secs=arguments.timeout,
            ):
                names.append(f"frame_{frame.index:05d}.{extension}")
                times.append(round(frame.time_secs, 6))
                (scratch / names[-1]).write_bytes(frame.content)
                bar.show_share("draw", len(names) / clip.frame_count, f"{len(names)}/{clip.frame_count}")
        if len(names) != clip.frame_count:
            raise ServerError(
                f"the stream ended after {len(names)} of {clip.frame_count} frames", reason="NO_RESULT"
            )
        size_px = frame.size_px
        record = {"size_px": size_px, "files": names, "times_secs": times}
        (scratch / "frames.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    secs = time.monotonic() - started
    if arguments.json:
        print(json.dumps({"folder": str(folder), **record, "seconds": round(secs, 3)}, indent=2))
    else:
        print(f"{folder}: {len(names)} frames of {size_px} px, {times[-1]:.2f} s of clip, in {secs:.1f} s")


def _clip(arguments: argparse.Namespace) -> Clip:
    """From the file or the turntable; a view that was asked for replaces the clip's own."""
    is_turntable = arguments.camera == TURNTABLE
    frame_count = _TURNTABLE_FRAMES if arguments.frames is None else arguments.frames
    if frame_count < 1 or (arguments.frames is not None and (arguments.clip or not is_turntable)):
        raise InvalidInputError(
            f"got --frames {arguments.frames}; expected at least 1, and a turntable without --clip",
            reason="BAD_OPTIONS",
        )
    clip = Clip.from_file(arguments.clip) if arguments.clip else Clip.turntable(frame_count)
    if is_turntable:
        turned = Clip.turntable(max(1, clip.frame_count), pitch_degrees=arguments.pitch or 0.0)
        clip = replace(clip, yaw_degrees=turned.yaw_degrees, pitch_degrees=turned.pitch_degrees)
    elif arguments.camera != "front" or arguments.yaw is not None or arguments.pitch is not None:
        clip = clip.seen_from(chosen_view(arguments))
    return clip if arguments.fps is None else clip.at_fps(arguments.fps)
