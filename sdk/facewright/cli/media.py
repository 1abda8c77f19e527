"""``facewright media upload|list|download|delete``: files that a server keeps for a while."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from facewright.cli.connection import connected
from facewright.cli.output import check_folder
from facewright.cli.progress import ProgressBar
from facewright.cli.values import bytes_text, duration_secs
from facewright.media import Media

__all__ = ["add_to"]


def add_to(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    """Register the command."""
    parser = commands.add_parser("media", help="send files to a server, list, fetch and delete them")
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    upload = actions.add_parser("upload", parents=[common], help="send files and print their names")
    upload.add_argument("files", nargs="+", type=Path, metavar="FILE", help="images or videos")
    upload.add_argument(
        "--keep",
        type=duration_secs,
        metavar="TIME",
        help="how long, e.g. 90s, 30m, 12h (default: the server's)",
    )
    upload.set_defaults(run=_upload)
    listing = actions.add_parser("list", parents=[common], help="list your files, oldest first")
    listing.set_defaults(run=_list)
    download = actions.add_parser("download", parents=[common], help="fetch a file")
    download.add_argument("name", metavar="NAME", help="as 'media list' prints it")
    download.add_argument("--out", type=Path, required=True, metavar="FILE", help="file to write")
    download.set_defaults(run=_download)
    delete = actions.add_parser("delete", parents=[common], help="delete files on the server")
    delete.add_argument("names", nargs="+", metavar="NAME", help="as 'media list' prints it")
    delete.set_defaults(run=_delete)


def _upload(arguments: argparse.Namespace) -> None:
    for path in arguments.files:
        path.open("rb").close()  # all of them can be read, or none is sent
    sent: list[Media] = []
    with connected(arguments) as client:
        for path in arguments.files:
            with ProgressBar(sys.stderr) as bar:
                sent.append(
                    client.upload_media(
                        path,
                        time_to_live_secs=arguments.keep,
                        on_progress=lambda at: bar.show_bytes("upload", at.done_bytes, at.total_bytes),
                    )
                )
            if not arguments.json:
                print(sent[-1].name, flush=True)
    if arguments.json:
        print(json.dumps([media_report(media) for media in sent], indent=2))


def _list(arguments: argparse.Namespace) -> None:
    with connected(arguments) as client:
        found = client.list_media()
    if arguments.json:
        print(json.dumps([media_report(media) for media in found], indent=2))
        return
    for media in found:
        print(
            f"{media.name}  {bytes_text(media.size_bytes):>9}  {media.content_type}  "
            f"until {media.expire_time:%Y-%m-%d %H:%M} UTC  {media.display_name}"
        )


def _download(arguments: argparse.Namespace) -> None:
    target: Path = arguments.out
    check_folder(target.parent)
    target.parent.mkdir(parents=True, exist_ok=True)
    with connected(arguments) as client, ProgressBar(sys.stderr) as bar:
        media = client.download_media(
            arguments.name,
            target,
            on_progress=lambda at: bar.show_bytes("download", at.done_bytes, at.total_bytes),
        )
    print(json.dumps(media_report(media), indent=2) if arguments.json else target)


def _delete(arguments: argparse.Namespace) -> None:
    with connected(arguments) as client:
        for name in arguments.names:
            client.delete_media(name)
    if arguments.json:
        print(json.dumps({"deleted": arguments.names}, indent=2))


def media_report(media: Media) -> dict[str, object]:
    """As JSON, times in ISO 8601."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(media).items()
    }
