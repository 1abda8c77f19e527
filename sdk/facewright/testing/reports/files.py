"""The folder of a run: its three reports, and the pictures that belong to them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from pathlib import Path

from facewright.testing.errors import ReportError
from facewright.testing.outcomes import RunOutcome
from facewright.testing.references import write_atomically
from facewright.testing.reports.html import html_report
from facewright.testing.reports.junit import junit_report

__all__ = ["REPORT_NAME", "read_report", "remove_earlier_run", "write_reports"]

REPORT_NAME = "report.json"


def write_reports(outcome: RunOutcome, out: Path) -> dict[str, Path]:
    """Write report.json, junit.xml and report.html; paths by ``json``, ``junit``, ``html``. Raises `OSError`."""
    contents = {
        "html": ("report.html", html_report(outcome, out)),
        "junit": ("junit.xml", junit_report(outcome, out)),
        "json": (REPORT_NAME, json.dumps(outcome.to_json(), indent=2) + "\n"),
    }
    for name, text in contents.values():
        write_atomically(out / name, text.encode("utf-8"))
    return {kind: out / name for kind, (name, _) in contents.items()}


def read_report(out: Path) -> RunOutcome:
    """The run that left its report in this folder. Raises `ReportError`."""
    path = out / REPORT_NAME
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ReportError(
            f"{path} is not there; expected the folder of a run: run 'facewright golden run' first, or name it "
            "with --run"
        ) from error
    except (OSError, ValueError) as error:
        raise ReportError(f"{path} cannot be read ({error}); run 'facewright golden run' again") from error
    return RunOutcome.from_json(document, source=str(path))


def remove_earlier_run(out: Path, *, but: Iterable[str] = ()) -> None:
    """Take away the reports and pictures that an earlier run left here, and nothing else; pictures named in `but` stay.

    Raises `OSError`.
    """
    kept = set(but)
    with contextlib.suppress(ReportError):
        earlier = read_report(out)
        root = out.resolve()
        for outcome in earlier.passes:
            for name in outcome.files.values():
                path = (out / name).resolve()
                if name not in kept and root in path.parents and path.suffix == ".png":
                    path.unlink(missing_ok=True)
                    with contextlib.suppress(OSError):  # other files are in it
                        path.parent.rmdir()
    if (out / REPORT_NAME).is_file():
        for name in ("report.html", "junit.xml", REPORT_NAME):
            (out / name).unlink(missing_ok=True)
