"""``facewright golden accept SCENE...``: make frames of the last run the accepted ones."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from facewright.cli.golden_run import DEFAULT_OUT
from facewright.errors import InvalidInputError

if TYPE_CHECKING:
    from facewright.testing.outcomes import PassOutcome, RunOutcome
    from facewright.testing.references import ReferenceStore

__all__ = ["add_to"]

_LEVELS = ("platform", "backend", "common")


def add_to(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the action."""
    parser = actions.add_parser(
        "accept",
        help="make frames of a run accepted pictures",
        description="Copy frames of a run into the references, each with a record of who accepted it, when and why. "
        "Look at them first: 'facewright golden review'. Pictures that are accepted already stay accepted, unless "
        "--replace says otherwise.",
    )
    parser.add_argument(
        "names",
        nargs="*",
        metavar="SCENE[/PASS]",
        help="what to accept, as review lists it; at least one, or --all",
    )
    parser.add_argument("--all", action="store_true", help="everything that differs or has no reference")
    parser.add_argument(
        "--yes", action="store_true", help="do not ask (needed with --all where nobody can answer)"
    )
    parser.add_argument("--message", required=True, metavar="TEXT", help="why; kept beside the picture")
    parser.add_argument("--by", default="", metavar="NAME", help="who (default: the name of the user)")
    parser.add_argument(
        "--run",
        dest="run_folder",
        type=Path,
        default=DEFAULT_OUT,
        metavar="DIR",
        help=f"folder of the run (default {DEFAULT_OUT})",
    )
    parser.add_argument(
        "--references",
        type=Path,
        metavar="DIR",
        help="accepted pictures (default: those that the run compared with)",
    )
    parser.add_argument(
        "--level",
        choices=_LEVELS,
        help="for whom: this backend on this platform, this backend, or everybody (default: where the run found its "
        "references, else platform)",
    )
    parser.add_argument(
        "--replace",
        action="store_true",
        help="no longer accept the pictures that were accepted at this level",
    )
    parser.add_argument("--json", action="store_true", help="print what was written as JSON")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    from facewright.testing.references import ReferenceKey, this_user
    from facewright.testing.reports import read_report

    if not arguments.message.strip():
        raise InvalidInputError(
            "got an empty --message; say in a few words why the frame is right", reason="NO_MESSAGE"
        )
    outcome = read_report(arguments.run_folder)
    chosen = _chosen(arguments, outcome)
    contents = [_checked_content(one, arguments.run_folder) for one in chosen]
    if arguments.all and not arguments.yes:
        _ask(chosen)
    stores = [_store(arguments, one) for one in chosen]
    written = []
    for one, content, store in zip(chosen, contents, stores):
        key = ReferenceKey(one.backend, one.platform)
        folder = key.folder(arguments.level) if arguments.level else one.reference_folder
        path = store.accept(
            content,
            scene=one.scene,
            pass_name=one.pass_name,
            folder=folder,
            message=arguments.message.strip(),
            accepted_by=arguments.by or this_user(),
            replace=arguments.replace,
        )
        written.append(path)
        if not arguments.json:
            print(f"accepted {one.name}: {path}")
    if arguments.json:
        print(json.dumps({"accepted": [str(path) for path in written]}, indent=2))


def _store(arguments: argparse.Namespace, outcome: PassOutcome) -> ReferenceStore:
    """The references that were named, or those of the run. Raises `InvalidInputError` when those are not here."""
    from facewright.testing.references import ReferenceStore

    folder = arguments.references or Path(outcome.references)
    if not arguments.references and outcome.level and not folder.is_dir():
        raise InvalidInputError(
            f"the run compared with {folder}, which is not here; go to the folder in which it was started, or name the "
            "references with --references",
            reason="NO_REFERENCES",
        )
    return ReferenceStore(folder)


def _chosen(arguments: argparse.Namespace, outcome: RunOutcome) -> list[PassOutcome]:
    """What was named, all of it acceptable. Raises `InvalidInputError` before anything is written."""
    if bool(arguments.names) == bool(arguments.all):
        raise InvalidInputError(
            "got "
            + ("both scenes and --all" if arguments.all else "nothing to accept")
            + "; name scenes as 'facewright golden review' lists them, or say --all",
            reason="NOTHING_NAMED",
        )
    acceptable = [one for one in outcome.passes if one.is_acceptable]
    if arguments.all:
        if not acceptable:
            raise InvalidInputError(
                f"nothing in {arguments.run_folder} waits to be accepted", reason="NOTHING_WAITS"
            )
        return acceptable
    chosen: dict[str, PassOutcome] = {}
    for name in arguments.names:
        matches = [one for one in outcome.passes if name in (one.name, one.scene)]
        if not matches:
            known = ", ".join(one.name for one in acceptable) or "none"
            raise InvalidInputError(
                f"the run in {arguments.run_folder} has no {name!r}; waiting to be accepted: {known}",
                reason="UNKNOWN_SCENE",
            )
        waiting = [one for one in matches if one.is_acceptable]
        if not waiting:
            raise InvalidInputError(
                f"{name} has nothing to accept: it came out as {matches[0].status} ({matches[0].summary})",
                reason="NOT_ACCEPTABLE",
            )
        chosen.update({one.name: one for one in waiting})
    return list(chosen.values())


def _checked_content(outcome: PassOutcome, run_folder: Path) -> bytes:
    """The frame that the report is about and no other. Raises `ReportError`."""
    from facewright.testing.errors import ReportError
    from facewright.testing.references import sha256_of

    path = run_folder / outcome.files["actual"]
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ReportError(
            f"{path} cannot be read ({error.strerror}); run 'facewright golden run' again"
        ) from error
    if sha256_of(content) != outcome.actual_sha256:
        raise ReportError(
            f"{path} is not the frame that the report is about: it was changed after the run; run "
            "'facewright golden run' again"
        )
    return content


def _ask(chosen: Sequence[PassOutcome]) -> None:
    if not sys.stdin.isatty():
        raise InvalidInputError(
            f"--all would accept {len(chosen)} pictures and nobody can be asked here; add --yes, or name the scenes",
            reason="NOT_CONFIRMED",
        )
    for one in chosen:
        print(f"  {one.name}: {one.summary}", file=sys.stderr)
    print(f"Accept these {len(chosen)} pictures? Type yes: ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() != "yes":
        raise InvalidInputError("nothing was accepted", reason="NOT_CONFIRMED")
