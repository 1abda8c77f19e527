"""``facewright-server capture``: random characters as training shards (parameters, frame, labels)."""

import argparse
from pathlib import Path

from facewright_server.cli.arguments import add_seed, positive_int

__all__ = ["add_to"]


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = commands.add_parser(
        "capture", help="render training shards of random characters", description=__doc__
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the shards")
    parser.add_argument("--count", type=positive_int, default=20_000, help="characters (default 20000)")
    parser.add_argument("--workers", type=positive_int, default=2, help="processes that render (default 2)")
    parser.add_argument("--rig", default="anny", metavar="NAME", help="rig to draw (default anny)")
    parser.add_argument(
        "--size", type=positive_int, default=512, metavar="PX", help="size of a frame (default 512)"
    )
    parser.add_argument(
        "--paired",
        action="store_true",
        help="show every character twice, with one slider moved: the imitator learns what sliders change",
    )
    parser.add_argument(
        "--backend",
        choices=("pyrender", "egl"),
        default="pyrender",
        help="renderer: pyrender, the reference (default), or egl, which draws the same several times as fast",
    )
    parser.add_argument(
        "--preset",
        choices=("draft", "full"),
        default="full",
        help="draft leaves out anti-aliasing, which egl then does not spend time on (default full)",
    )
    parser.add_argument(
        "--faces",
        action="store_true",
        help="cut out faces with any expression and turn, as landmarks are learnt from; takes only --out, --count, "
        "--workers, --rig and --seed",
    )
    parser.add_argument(
        "--moving",
        action="store_true",
        help="like --faces: several expressions of each character in one view, as expressions are learnt from",
    )
    add_seed(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    if arguments.faces or arguments.moving:
        from facewright_models.foundry.face_capture import capture_faces

        capture_faces(
            arguments.out,
            count=arguments.count,
            seed=arguments.seed,
            workers=arguments.workers,
            rig_name=arguments.rig,
            moving=arguments.moving,
        )
        return
    from facewright_models.foundry.capture import capture

    capture(
        arguments.out,
        count=arguments.count,
        seed=arguments.seed,
        workers=arguments.workers,
        rig_name=arguments.rig,
        size_px=arguments.size,
        paired=arguments.paired,
        backend=arguments.backend,
        preset=arguments.preset,
    )
