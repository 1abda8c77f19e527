"""``facewright golden run``: draw or read the frames of scenes, and compare them."""

from __future__ import annotations

import argparse
import builtins
import contextlib
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from facewright import errors
from facewright._retry import Retry
from facewright.cli.connection import connected
from facewright.cli.exit_codes import DIFFERENT, DONE, INTERRUPTED, exit_code
from facewright.cli.output import check_folder
from facewright.cli.progress import ProgressBar
from facewright.errors import InvalidInputError

if TYPE_CHECKING:
    from facewright.testing.outcomes import PassOutcome, RunOutcome
    from facewright.testing.references import ReferenceStore
    from facewright.testing.scenes import Scene
    from facewright.testing.sources import FolderFrames, FrameSource

__all__ = ["DEFAULT_OUT", "DEFAULT_REFERENCES", "add_to"]

DEFAULT_OUT = Path("out/golden")
DEFAULT_REFERENCES = Path("references")
_DEFAULT_JOBS, _MOST_JOBS = 4, 32


def add_to(
    actions: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    """Register the action."""
    parser = actions.add_parser(
        "run",
        parents=[common],
        help="compare frames with their references",
        description="Draw the frames of scenes on a server, or read them with --frames, and compare them with the "
        "accepted pictures. Writes report.html, report.json, junit.xml and the pictures of what differs. Exit code 0: "
        "all as accepted; 1: something differs or has no reference. Nothing is ever accepted here.",
    )
    parser.add_argument(
        "scenes",
        nargs="*",
        type=Path,
        metavar="SCENES",
        help="scene files, folders of them (*.toml, *.scene.json); none with --frames: one scene for every PNG",
    )
    parser.add_argument("--frames", type=Path, metavar="DIR", help="compare these PNG files, draw nothing")
    parser.add_argument(
        "--references",
        type=Path,
        metavar="DIR",
        help=f"accepted pictures (default: '{DEFAULT_REFERENCES}' beside the first of SCENES, or in this folder)",
    )
    parser.add_argument(
        "--backend",
        default="",
        metavar="NAME",
        help="who drew the frames, e.g. unity-d3d12 (default: the source)",
    )
    parser.add_argument(
        "--platform", default="", metavar="NAME", help="what they were drawn on (default: this machine's)"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=DEFAULT_OUT,
        metavar="DIR",
        help=f"folder to write (default {DEFAULT_OUT})",
    )
    parser.add_argument(
        "--jobs",
        type=_job_count,
        default=_DEFAULT_JOBS,
        metavar="N",
        help=f"frames asked for at the same time (default {_DEFAULT_JOBS})",
    )
    parser.set_defaults(run=_run)


def _job_count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _MOST_JOBS:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected 1 to {_MOST_JOBS}")
    return int(text)


def _run(arguments: argparse.Namespace) -> int:
    from facewright.testing.extra import require_extra

    require_extra()
    from facewright.testing.references import ReferenceKey, ReferenceStore, this_platform
    from facewright.testing.reports import remove_earlier_run, write_reports
    from facewright.testing.running import RunOptions, run_scenes
    from facewright.testing.scene_files import load_scenes
    from facewright.testing.sources import FolderFrames

    key = ReferenceKey(arguments.backend, arguments.platform or this_platform())
    references = _references(arguments)
    store = ReferenceStore(references)
    folder = FolderFrames(arguments.frames) if arguments.frames else None
    if arguments.scenes:
        scenes = load_scenes(arguments.scenes)
    elif folder is not None:
        scenes = folder.scenes(store.scene_names())
    else:
        raise InvalidInputError(
            "got neither scenes nor --frames; name scene files or folders of them, or a folder of PNG files",
            reason="NO_SCENES",
        )
    check_folder(arguments.out)
    remove_earlier_run(arguments.out)
    with ProgressBar(sys.stderr) as bar, _sources(arguments, folder, scenes) as source_of:
        seen: list[PassOutcome] = []
        total = sum(len(scene.passes) for scene in scenes)

        def show(outcome: PassOutcome) -> None:
            seen.append(outcome)
            bar.show_share("compare", len(seen) / total, f"{len(seen)}/{total}")

        options = RunOptions(
            references=references,
            out=arguments.out,
            platform=key.platform,
            backend=key.backend,
            jobs=arguments.jobs,
            on_outcome=show,
        )
        outcome = run_scenes(scenes, source_of, options, notes=_notes(scenes, folder, store))
    paths = write_reports(outcome, arguments.out)
    # A reader that has left must not turn a difference into a success.
    with contextlib.suppress(BrokenPipeError):
        if arguments.json:
            print(json.dumps(outcome.to_json(), indent=2))
        else:
            _print(outcome, paths["html"])
    return _code(outcome)


def _references(arguments: argparse.Namespace) -> Path:
    if arguments.references is not None:
        return Path(arguments.references)
    if not arguments.scenes:
        return DEFAULT_REFERENCES
    first: Path = arguments.scenes[0]
    return (first if first.is_dir() else first.parent) / DEFAULT_REFERENCES


@contextlib.contextmanager
def _sources(
    arguments: argparse.Namespace, folder: FolderFrames | None, scenes: Sequence[Scene]
) -> Iterator[_Sources]:
    """A server is only asked for, and started, when some scene is drawn by one."""
    from facewright.testing.sources import ServerFrames

    needs_server = any(
        scene.source == "server" or (folder is None and scene.source == "any") for scene in scenes
    )
    if not needs_server:
        yield _Sources(folder, None)
        return
    # A server that is busy says when to come back.
    with connected(arguments, retry=Retry(wait_when_busy=True)) as client:
        client.server_info()  # one clear error now rather than one for every scene
        yield _Sources(folder, ServerFrames(client))


class _Sources:
    """Which source a scene's frames come from."""

    def __init__(self, folder: FolderFrames | None, server: FrameSource | None) -> None:
        self._folder = folder
        self._server = server

    def __call__(self, scene: Scene) -> FrameSource:
        from facewright.testing.errors import NoFrameError

        wants_folder = scene.source == "frames" or (scene.source == "any" and self._folder is not None)
        source = self._folder if wants_folder else self._server
        if source is None:
            raise NoFrameError(
                f"the scene {scene.name!r} is of another renderer (source = 'frames'); say with --frames where its "
                "frames lie"
            )
        return source


def _notes(scenes: Sequence[Scene], folder: FolderFrames | None, store: ReferenceStore) -> list[str]:
    """What would otherwise go unnoticed: pictures that nobody compares."""
    notes = []
    if folder is not None and (unused := folder.unused(scenes)):
        notes.append(f"frames that belong to no scene and were not compared: {', '.join(unused)}")
    if orphans := store.orphans(scenes):
        notes.append(f"references of scenes that were not run: {', '.join(orphans)}")
    return notes


def _print(outcome: RunOutcome, html: Path) -> None:
    for one in outcome.needing_attention:
        print(f"{one.status:<18} {one.name}: {one.summary}")
    for note in outcome.notes:
        print(f"note: {note}")
    print(f"{outcome.headline}; {html}")


def _code(outcome: RunOutcome) -> int:
    """What could not be compared weighs more than what differs: internal, unavailable, bad input, different."""
    if outcome.was_interrupted:
        return INTERRUPTED
    broken = [exit_code(_error_class(one.error_class)) for one in outcome.passes if one.error_class]
    return max([DIFFERENT if outcome.needing_attention else DONE, *broken])


def _error_class(name: str) -> type[Exception]:
    """The class of an error by its name, as outcomes have it."""
    from facewright.testing import errors as testing_errors

    for module in (testing_errors, errors, builtins):
        kind = getattr(module, name, None)
        if isinstance(kind, type) and issubclass(kind, Exception):
            return kind
    return Exception
