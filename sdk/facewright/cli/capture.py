"""``facewright capture``: a recording of one's own expressions, guided by prompts and labelled by them."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from facewright.cli.connection import connected
from facewright.cli.output import check_folder, drafted
from facewright.cli.progress import ProgressBar
from facewright.cli.recording import PromptSpan, open_camera, record
from facewright.cli.waiting import upload, uploads
from facewright.client import Client
from facewright.errors import InvalidInputError
from facewright.expressions import CapturePrompt

__all__ = ["add_to"]

_CLIP = "clip.mp4"


def add_to(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "capture",
        parents=[common],
        help="record one's own expressions for training, guided by prompts",
        description="Say what to do before the camera, one thing after the other, and write a folder: the clip, and "
        "capture.json with when each thing was done and the degrees of expression at its beginning and end, which can "
        "be corrected by hand. With --clip, a recording that is there already is labelled by the same prompts.",
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--camera", type=int, metavar="N", help="record from this camera, through OpenCV")
    source.add_argument("--clip", type=Path, metavar="FILE", help="take this recording")
    source.add_argument("--list", action="store_true", help="only say what is asked, and when")
    parser.add_argument(
        "--start",
        type=float,
        default=0.0,
        metavar="SECS",
        help="when the first prompt begins in the clip (default 0)",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder to write")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    if not arguments.list:
        _check(arguments)
    camera = None if arguments.camera is None else open_camera(arguments.camera)
    try:
        with connected(arguments) as client:
            spans = _spans(client.list_capture_prompts(), arguments.start)
            if arguments.list:
                _print_prompts(spans, as_json=arguments.json)
                return
            if arguments.clip is not None:
                spans = _within_clip(client, arguments.clip, spans)
        with drafted(arguments.out) as scratch:
            name = _CLIP
            if camera is not None:
                record(camera, scratch / name, spans, sys.stderr)
            else:
                name = f"clip{arguments.clip.suffix.lower()}"
                shutil.copyfile(arguments.clip, scratch / name)
            report = {"clip": name, "prompts": [_entry(span) for span in spans]}
            (scratch / "capture.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    finally:
        if camera is not None:
            camera.close()
    if arguments.json:
        print(json.dumps({"folder": str(arguments.out), **report}, indent=2))
    else:
        print(
            f"{arguments.out}: {len(spans)} prompts in {spans[-1].end_secs - spans[0].start_secs:.0f} s of {name}"
        )


def _check(arguments: argparse.Namespace) -> None:
    if arguments.camera is None and arguments.clip is None:
        raise InvalidInputError("expected --camera N, --clip FILE or --list", reason="BAD_OPTIONS")
    if arguments.out is None:
        raise InvalidInputError("expected --out DIR, the folder to write", reason="BAD_OPTIONS")
    if not 0.0 <= arguments.start < float("inf") or (arguments.start and arguments.clip is None):
        raise InvalidInputError(
            f"got --start {arguments.start:g}; expected seconds of at least 0, and --clip FILE",
            reason="BAD_OPTIONS",
        )
    if arguments.clip is not None:
        arguments.clip.open("rb").close()
    check_folder(arguments.out)


def _spans(prompts: Sequence[CapturePrompt], start_secs: float = 0.0) -> list[PromptSpan]:
    """Each directly after the one before."""
    spans: list[PromptSpan] = []
    for prompt in prompts:
        end_secs = start_secs + prompt.duration_secs
        spans.append(PromptSpan(prompt, start_secs, end_secs))
        start_secs = end_secs
    return spans


def _within_clip(client: Client, clip: Path, spans: list[PromptSpan]) -> list[PromptSpan]:
    """Those that end before the clip does. The server looks into the file and forgets it."""
    with uploads(client) as media, ProgressBar(sys.stderr) as bar:
        upload(client, [clip], media, bar)
        video = client.get_media(media[0]).video
    if video is None:
        raise InvalidInputError(f"{clip} is a picture; expected a video", reason="BAD_SOURCE")
    kept = [span for span in spans if span.end_secs <= video.duration_secs]
    if not kept:
        raise InvalidInputError(
            f"{clip} lasts {video.duration_secs:.1f} s, and the first prompt ends at {spans[0].end_secs:.1f} s; "
            "expected a recording of the prompts that --list prints",
            reason="BAD_SOURCE",
        )
    if len(kept) < len(spans):
        print(
            f"facewright: warning: {clip} ends before {len(spans) - len(kept)} of {len(spans)} prompts, which are left "
            "out",
            file=sys.stderr,
        )
    return kept


def _print_prompts(spans: Sequence[PromptSpan], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([_entry(span) for span in spans], indent=2))
        return
    for span in spans:
        print(f"{span.start_secs:5.1f} s  {span.prompt.text}")


def _entry(span: PromptSpan) -> dict[str, object]:
    return {
        "name": span.prompt.name,
        "text": span.prompt.text,
        "start_secs": round(span.start_secs, 6),
        "end_secs": round(span.end_secs, 6),
        "from_degrees": dict(sorted(span.prompt.from_degrees.items())),
        "to_degrees": dict(sorted(span.prompt.to_degrees.items())),
    }
