"""What a batch of fits leaves on disk and says at the end."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from facewright.batch_fitting import BatchFitItem, BatchFitProgress
from facewright.cli.output import drafted
from facewright.cli.progress import ProgressBar
from facewright.cli.skin import SKIN_FILE
from facewright.client import Client
from facewright.errors import InvalidInputError
from facewright.operations import Operation

__all__ = ["BatchOperation", "report_batch", "write_results"]

BatchOperation = Operation[BatchFitProgress, "tuple[BatchFitItem, ...]"]
_FILES = {"rendered": "render.png", "comparison": "compare.png", "skin_texture": SKIN_FILE}


def write_results(
    client: Client, items: Sequence[BatchFitItem], folder: Path, *, names: Sequence[str], bar: ProgressBar
) -> None:
    """A folder for everyone who was fitted, and batch.json; all of it or nothing appears."""
    pictures = [name for item in items for name in item.pictures.values()]
    fetched = 0
    with drafted(folder) as draft:
        for item in items:
            if item.character is None or item.report is None:
                continue
            own = draft / names[item.subject]
            own.mkdir()
            (own / "character.json").write_text(item.character.to_json(), encoding="utf-8")
            (own / "report.json").write_text(item.report.to_json(), encoding="utf-8")
            for kind, media in item.pictures.items():
                client.download_media(media, own / _FILES.get(kind, f"{kind}.png"))
                fetched += 1
                bar.show_share("download", fetched / len(pictures), f"{fetched}/{len(pictures)}")
        (draft / "batch.json").write_text(_report_json(items, names), encoding="utf-8")


def report_batch(items: Sequence[BatchFitItem], names: Sequence[str], folder: Path, *, as_json: bool) -> None:
    """Say how it went. Raises `InvalidInputError` when somebody could not be fitted."""
    failed = [item for item in items if item.error is not None]
    if as_json:
        print(_report_json(items, names), end="")
    else:
        for item in items:
            if item.report is not None:
                print(f"{folder / names[item.subject]}  likeness {item.report.identity_cosine:.3f}")
    if failed:
        first = failed[0]
        more = f", and {len(failed) - 1} more" if len(failed) > 1 else ""
        raise InvalidInputError(
            f"{len(failed)} of {len(items)} photos could not be fitted, the others are in {folder}: "
            f"{names[first.subject]}: {first.error}{more}; {folder / 'batch.json'} has all reasons",
            reason="SOME_FAILED",
        )


def _report_json(items: Sequence[BatchFitItem], names: Sequence[str]) -> str:
    entries = [
        {
            "name": names[item.subject],
            "report": json.loads(item.report.to_json()) if item.report is not None else None,
            "error": {"reason": item.error.reason, "message": str(item.error)}
            if item.error is not None
            else None,
        }
        for item in items
    ]
    return json.dumps(entries, indent=2) + "\n"
