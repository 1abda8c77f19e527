"""``facewright animate PHOTO``: other expressions on a photo, a video's frame or a character, as frames or a video."""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path

from facewright.character import Character
from facewright.cli.connection import connected
from facewright.cli.expression_results import (
    Written,
    check_target,
    is_video,
    photo_report,
    say,
    write_video,
)
from facewright.cli.output import drafted
from facewright.cli.progress import ProgressBar
from facewright.cli.skin import send_skin
from facewright.cli.values import degree_values, face_box, mood_names
from facewright.cli.waiting import result_of, upload, uploads
from facewright.client import Client
from facewright.errors import InvalidInputError, ServerError
from facewright.expressions import (
    EASINGS,
    ORDERS,
    CharacterShot,
    Curve,
    ExpressionSource,
    ExpressionStart,
    MoodKey,
    Motion,
    VideoFrame,
)
from facewright.fitting import Photo

__all__ = ["add_to"]

# By option: the name of the curve, and what it is.
_CURVES = {
    "smile": ("smile", "lift and width of the mouth's corners"),
    "eyes": ("eyes", "both eyes; 1 is as the photo shows them, 0 closed"),
    "left-eye": ("left_eye", "the person's left eye"),
    "right-eye": ("right_eye", "the person's right eye"),
    "brows": ("brows", "how far brows are raised"),
    "frown": ("frown", "how far brows are drawn together"),
    "jaw": ("jaw", "how far the mouth is open"),
    "sad": ("sad", "how far the mouth's corners are drawn down"),
    "nose": ("nose_wrinkle", "how much the nose is wrinkled"),
}
_MEDIA = "media/"
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"II*\0", b"MM\0*")


def add_to(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "animate",
        parents=[common],
        help="change the expression of a photo or a character, frame by frame",
        description="Draw a photo, a frame of a video or a character with other expressions. Numbered PNG frames go to "
        "a folder, with frames.json, which has their times and what the photo shows; FILE.mp4 is made by a job on the "
        "server, which Ctrl-C cancels.",
    )
    parser.add_argument(
        "source",
        nargs="?",
        metavar="PHOTO|VIDEO",
        help="photo, video, or a name 'media/...' as 'media upload' prints it",
    )
    parser.add_argument(
        "--character", type=Path, metavar="FILE", help="save file or exported GLB, in the place of a photo"
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR|FILE.mp4", help="folder of frames, or video to write"
    )
    parser.add_argument(
        "--frame-index", type=int, metavar="N", help="frame of the video (default: the best expression)"
    )
    parser.add_argument("--box", type=face_box, metavar="x,y,w,h", help="choose a face in the photo")
    parser.add_argument(
        "--size", type=int, metavar="PX", help="width and height of a character, 16 to 2048 (default 512)"
    )
    parser.add_argument("--timeout", type=float, metavar="SECS", help="give up after this time")
    _add_motion(parser)
    parser.set_defaults(run=_run)


def _add_motion(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "motion",
        "Degrees go evenly from value to value: 0:1 rises, 0:1:0 rises and falls, 0.5 stays. Write --smile=-0.5:0 for "
        "a value below 0, which --relative allows.",
    )
    for option, (_, help_text) in _CURVES.items():
        group.add_argument(f"--{option}", type=degree_values, metavar="A:B", help=help_text)
    group.add_argument(
        "--mood",
        type=mood_names,
        metavar="MOODS",
        help="smile, serious, sad, crying, surprised or angry, or several, one after the other: smile,serious,sad",
    )
    group.add_argument(
        "--keys", type=Path, metavar="FILE.json", help="curves and moods with keys of their own"
    )
    group.add_argument("--frames", type=int, metavar="N", help="length (default 60)")
    group.add_argument("--fps", type=float, metavar="F", help="frames a second (default 30)")
    group.add_argument("--loop", action="store_true", help="go there and the same way back")
    group.add_argument(
        "--order", choices=[order.replace("_", "-") for order in ORDERS], help="sort frames by their strength"
    )
    group.add_argument("--relative", action="store_true", help="add to what the photo shows")
    group.add_argument(
        "--easing",
        choices=[easing.replace("_", "-") for easing in EASINGS],
        help="between values (default ease-in-out)",
    )


def _run(arguments: argparse.Namespace) -> None:
    started = time.monotonic()
    _check_options(arguments)
    motion = _motion(arguments)
    check_target(arguments.out)
    with ProgressBar(sys.stderr) as bar:
        bar.note("starting")
        with connected(arguments) as client, uploads(client) as media:
            source = _source(arguments, client, media, bar)
            write = _write_video if is_video(arguments.out) else _write_frames
            written = write(client, source, motion, arguments, media, bar)
    say(written, as_json=arguments.json, secs=time.monotonic() - started)


def _check_options(arguments: argparse.Namespace) -> None:
    if (arguments.source is None) == (arguments.character is None):
        raise InvalidInputError(
            "expected a photo, a video or --character FILE, and one of them", reason="BAD_OPTIONS"
        )
    for option, is_of_characters in (("size", True), ("box", False), ("frame_index", False)):
        if getattr(arguments, option) is not None and is_of_characters != (arguments.character is not None):
            what = "a photo" if is_of_characters else "a character"
            raise InvalidInputError(
                f"got --{option.replace('_', '-')} with {what}, which has none", reason="BAD_OPTIONS"
            )


def _motion(arguments: argparse.Namespace) -> Motion:
    """From the file, with what the command line says beside it or in its place."""
    motion = Motion() if arguments.keys is None else Motion.from_file(arguments.keys)
    easing = (arguments.easing or "ease-in-out").replace("-", "_")
    given = {name: getattr(arguments, option.replace("-", "_")) for option, (name, _) in _CURVES.items()}
    curves = [
        Curve.through(name, *values, easing=easing) for name, values in given.items() if values is not None
    ]
    if arguments.mood and motion.moods:
        raise InvalidInputError(
            f"got --mood and moods in {arguments.keys}; expected one of them", reason="BAD_OPTIONS"
        )
    motion = replace(
        motion,
        curves=(*motion.curves, *curves),
        moods=MoodKey.sequence(*arguments.mood, easing=easing) if arguments.mood else motion.moods,
        frame_count=motion.frame_count if arguments.frames is None else arguments.frames,
        fps=motion.fps if arguments.fps is None else arguments.fps,
        loop=arguments.loop or motion.loop,
        order=motion.order if arguments.order is None else arguments.order.replace("-", "_"),
        relative=arguments.relative or motion.relative,
    )
    if not motion.curves and not motion.moods:
        raise InvalidInputError(
            "nothing would move; give a degree such as --smile 0:1, --mood sad, or --keys FILE.json",
            reason="BAD_OPTIONS",
        )
    return motion


def _source(
    arguments: argparse.Namespace, client: Client, media: list[str], bar: ProgressBar
) -> ExpressionSource:
    """What is animated; a video is sent first, and its name noted in `media`."""
    if arguments.character is not None:
        character = Character.from_file(arguments.character)
        send_skin(client, character, arguments.character)
        return CharacterShot(character, size_px=arguments.size, preset="full")
    path = Path(arguments.source)
    if arguments.source.startswith(_MEDIA) and not path.exists():
        return VideoFrame(arguments.source, arguments.frame_index, arguments.box)
    if _is_picture(path):
        if arguments.frame_index is not None:
            raise InvalidInputError(
                f"got --frame-index and {path}, which is a photo; only a video has frames to choose from",
                reason="BAD_OPTIONS",
            )
        return Photo.from_file(path, face_box=arguments.box)
    upload(client, [path], media, bar)
    return VideoFrame(media[-1], arguments.frame_index, arguments.box)


def _is_picture(path: Path) -> bool:
    """By its first bytes. What is neither picture nor video is for the server to refuse. Raises `OSError`."""
    with path.open("rb") as file:
        head = file.read(12)
    if not head:
        raise InvalidInputError(f"{path} is empty; expected a photo or a video", reason="BAD_SOURCE")
    return head.startswith(_PICTURES) or (head[:4], head[8:]) == (b"RIFF", b"WEBP")


def _write_video(
    client: Client,
    source: ExpressionSource,
    motion: Motion,
    arguments: argparse.Namespace,
    media: list[str],
    bar: ProgressBar,
) -> Written:
    operation = client.generate_expression_video(source, motion)
    made = result_of(operation, media, bar, out="FILE.mp4", timeout_secs=arguments.timeout)
    media.append(made.video.name)
    return write_video(client, made, arguments.out, bar=bar)


def _write_frames(
    client: Client,
    source: ExpressionSource,
    motion: Motion,
    arguments: argparse.Namespace,
    _media: list[str],
    bar: ProgressBar,
) -> Written:
    """A folder of numbered frames with frames.json, all of it or none."""
    folder: Path = arguments.out
    names: list[str] = []
    times: list[float] = []
    start: ExpressionStart | None = None
    with drafted(folder) as scratch:
        for event in client.stream_expression_frames(
            source, motion, encoding="png", timeout_secs=arguments.timeout
        ):
            if isinstance(event, ExpressionStart):
                start = event
                continue
            names.append(f"frame_{event.index:05d}.png")
            times.append(round(event.time_secs, 6))
            (scratch / names[-1]).write_bytes(event.content)
            count = 0 if start is None else start.frame_count
            bar.show_share("animate", len(names) / max(1, count), f"{len(names)}/{count}")
        if start is None or len(names) != start.frame_count:
            raise ServerError(f"the stream ended after {len(names)} frames", reason="NO_RESULT")
        record = {
            "width": start.width,
            "height": start.height,
            "files": names,
            "times_secs": times,
            **photo_report(start.own_degrees, start.notices, start.frame_index),
        }
        (scratch / "frames.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    text = f"{folder}: {start.frame_count} frames of {start.width} x {start.height} px"
    return Written({"folder": str(folder), **record}, text, start.notices)
