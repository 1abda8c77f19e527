"""What an animated expression leaves on disk as a video, and says at the end."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from facewright.cli.fit import print_warnings
from facewright.cli.output import check_folder
from facewright.cli.progress import ProgressBar
from facewright.cli.values import bytes_text
from facewright.client import Client
from facewright.errors import InvalidInputError
from facewright.expression_videos import ExpressionVideo
from facewright.fitting import Notice

__all__ = ["Written", "check_target", "is_video", "photo_report", "say", "video_target", "write_video"]

_VIDEO = ".mp4"
_OTHER_VIDEOS = (".avi", ".gif", ".m4v", ".mkv", ".mov", ".webm")


@dataclass(frozen=True)
class Written:
    """What a command has written: for programs, in a line for people, and what to know about the photo."""

    report: Mapping[str, object]
    text: str
    notices: Sequence[Notice]


def is_video(target: Path) -> bool:
    """Whether a file is to be written, and no folder."""
    return target.suffix.lower() == _VIDEO


def check_target(target: Path) -> None:
    """Fail before the work and not after it. Raises `InvalidInputError`."""
    if target.suffix.lower() in _OTHER_VIDEOS:
        raise InvalidInputError(f"got the file {target}; expected FILE.mp4, or a folder", reason="BAD_OUTPUT")
    if is_video(target):
        if target.is_dir():
            raise InvalidInputError(f"{target} is a folder; expected a file to write", reason="BAD_OUTPUT")
        check_folder(target.absolute().parent)
    else:
        check_folder(target)


def video_target(target: Path) -> Path:
    """The file; in a folder it has a name of its own."""
    return target if is_video(target) else target / f"expression{_VIDEO}"


def write_video(client: Client, made: ExpressionVideo, target: Path, *, bar: ProgressBar) -> Written:
    """Fetch the file; it appears when it is whole. Raises `OSError`."""
    target.parent.mkdir(parents=True, exist_ok=True)
    client.download_media(
        made.video.name,
        target,
        on_progress=lambda at: bar.show_bytes("download", at.done_bytes, at.total_bytes),
    )
    report: dict[str, object] = {"file": str(target)}
    text = f"{target}: {bytes_text(made.video.size_bytes)}"
    info = made.video.video
    if info is not None:
        report.update(
            width=info.width, height=info.height, frames=info.frame_count, fps=round(info.frame_rate, 6)
        )
        text = f"{target}: {info.frame_count} frames of {info.width} x {info.height} px"
    report.update(photo_report(made.own_degrees, made.notices, made.frame_index))
    return Written(report, text, made.notices)


def photo_report(
    own_degrees: Mapping[str, float], notices: Sequence[Notice], frame_index: int | None
) -> dict[str, object]:
    """What is said of the photo."""
    report: dict[str, object] = {
        "own_degrees": dict(sorted(own_degrees.items())),
        "notices": [vars(notice) for notice in notices],
    }
    return report if frame_index is None else {**report, "frame_index": frame_index}


def say(written: Written, *, as_json: bool, secs: float | None = None) -> None:
    """At the end of a command that took so long."""
    if as_json:
        seconds = {} if secs is None else {"seconds": round(secs, 3)}
        print(json.dumps({**written.report, **seconds}, indent=2))
    else:
        print(written.text if secs is None else f"{written.text}, in {secs:.1f} s")
        print_warnings(written.notices)
