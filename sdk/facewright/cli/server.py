"""``facewright server info``: what a server is, has loaded and allows."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from facewright.cli.connection import connected
from facewright.cli.values import bytes_text, duration_text
from facewright.server import ServerInfo

__all__ = ["add_to"]


def add_to(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    """Register the command."""
    parser = commands.add_parser("server", help="say what a server is and allows")
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    info = actions.add_parser("info", parents=[common], help="version, rigs, models, limits")
    info.set_defaults(run=_info)


def _info(arguments: argparse.Namespace) -> None:
    with connected(arguments) as client:
        info = client.server_info()
    if arguments.json:
        print(json.dumps(asdict(info), indent=2))
    else:
        _print(info)


def _print(info: ServerInfo) -> None:
    limits = info.limits
    print(f"version {info.version}, up for {duration_text(info.uptime_secs)}")
    print(f"rigs          {' '.join(info.rigs)}")
    print(f"capabilities  {' '.join(info.capabilities)}")
    print("models")
    for model in info.models:
        print(f"  {model.name}  {bytes_text(model.size_bytes)}  sha256 {model.sha256[:12]}  {model.license}")
    print("limits")
    print(f"  a message           {bytes_text(limits.max_message_bytes)}")
    print(f"  a photo             {limits.max_photo_pixels:,} pixels")
    print(f"  an upload           {bytes_text(limits.max_upload_bytes)}")
    print(f"  people in a fit     {limits.max_subjects}, with {limits.max_photos_per_subject} photos each")
    print(f"  people in a batch   {limits.max_batch_photos}")
    print(f"  a clip              {limits.max_clip_frames:,} frames of {limits.max_clip_curves} curves")
    print(f"  a frame             {limits.max_frame_px} x {limits.max_frame_px} pixels")
    print(f"  an expression       {limits.max_expression_frames:,} frames")
    print(f"  a video of a face   {duration_text(limits.max_video_secs)}")
    print(f"  media are kept      {duration_text(limits.media_ttl_secs)}")
    print(f"  operations are kept {duration_text(limits.operation_ttl_secs)}")
