"""``facewright rig list|show NAME``: which rigs there are and what can be set on them."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from itertools import groupby

from facewright.character import Color
from facewright.cli.connection import connected
from facewright.cli.values import color_text
from facewright.rigs import Rig

__all__ = ["add_to"]


def add_to(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    """Register the command."""
    parser = commands.add_parser("rig", help="list rigs, or show what one has")
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    listing = actions.add_parser("list", parents=[common], help="list the rigs of the server")
    listing.set_defaults(run=_list)
    showing = actions.add_parser("show", parents=[common], help="show the parameters of a rig")
    showing.add_argument("name", metavar="NAME", help="as 'rig list' prints it")
    showing.set_defaults(run=_show)


def _list(arguments: argparse.Namespace) -> None:
    with connected(arguments) as client:
        rigs = client.list_rigs()
    if arguments.json:
        print(json.dumps([asdict(rig) for rig in rigs], indent=2))
        return
    for rig in rigs:
        print(
            f"{rig.name}  {rig.version}  {rig.parameter_count} parameters, "
            f"{rig.facial_action_count} facial actions  {rig.license}"
        )


def _show(arguments: argparse.Namespace) -> None:
    with connected(arguments) as client:
        rig = client.get_rig(arguments.name)
    if arguments.json:
        print(json.dumps(asdict(rig), indent=2))
    else:
        _print(rig)


def _print(rig: Rig) -> None:
    print(f"{rig.name} {rig.version} ({rig.license})")
    width = max((len(parameter.name) for parameter in rig.parameters), default=0)
    for group, parameters in groupby(rig.parameters, key=lambda parameter: parameter.group):
        print(f"\n{group}")
        for parameter in parameters:
            options = f" [{' '.join(parameter.options)}]" if parameter.options else ""
            print(
                f"  {parameter.name:<{width}}  {parameter.kind:<10} "
                f"{_neutral_text(parameter.neutral):<8} {parameter.description}{options}"
            )
    print("\nfacial actions")
    print("  " + " ".join(rig.facial_actions))


def _neutral_text(neutral: float | str | Color) -> str:
    if isinstance(neutral, Color):
        return color_text(neutral)
    return neutral if isinstance(neutral, str) else f"{neutral:g}"
