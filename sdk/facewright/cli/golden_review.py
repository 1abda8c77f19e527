"""``facewright golden review``: what a run found, and how to accept it."""

from __future__ import annotations

import argparse
import json
import os
import sys
import webbrowser

__all__ = ["review"]


def review(arguments: argparse.Namespace) -> None:
    """Open the report where there is a screen, and list what needs a look."""
    from facewright.testing.reports import read_report
    from facewright.testing.reports.commands import accept_command

    outcome = read_report(arguments.run_folder)
    page = arguments.run_folder / "report.html"
    commands = {
        one.name: accept_command(one, arguments.run_folder) if one.is_acceptable else ""
        for one in outcome.needing_attention
    }
    if arguments.json:
        entries = [
            {"name": one.name, "status": one.status, "summary": one.summary, "accept": commands[one.name]}
            for one in outcome.needing_attention
        ]
        print(json.dumps({"headline": outcome.headline, "report": str(page), "attention": entries}, indent=2))
        return
    for one in outcome.needing_attention:
        print(f"{one.name}: {one.status}\n  {one.summary}")
        for what, name in one.files.items():
            print(f"  {what:<9} {arguments.run_folder / name}")
        if commands[one.name]:
            print(f"  accept    {commands[one.name]}")
    print(f"{outcome.headline}; {page}")
    if _has_screen() and not arguments.no_open and page.is_file():
        webbrowser.open(page.absolute().as_uri())


def _has_screen() -> bool:
    """Whether a browser could be seen by whoever runs this."""
    if os.environ.get("CI") or not sys.stdout.isatty():
        return False
    if sys.platform in ("win32", "darwin"):
        return "SSH_CONNECTION" not in os.environ
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
