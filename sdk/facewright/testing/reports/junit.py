"""JUnit XML, as Jenkins, GitLab, GitHub's and TeamCity's readers take it: one suite, one test case per picture."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

from facewright.testing.outcomes import ERROR, NOT_RUN, PASSED, PassOutcome, RunOutcome

__all__ = ["junit_report"]

# What XML 1.0 cannot hold, not even escaped.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_report(outcome: RunOutcome, out: Path) -> str:
    """The document. Differences and missing references are failures, everything else that did not pass is an error."""
    errors = outcome.count(ERROR) + outcome.count(NOT_RUN)
    counts = {
        "tests": str(len(outcome.passes)),
        "failures": str(len(outcome.needing_attention) - errors),
        "errors": str(errors),
        "skipped": "0",
        "time": f"{outcome.seconds:.3f}",
    }
    root = ET.Element("testsuites", {"name": "facewright golden", **counts})
    suite = ET.SubElement(root, "testsuite", {"name": "golden", "timestamp": outcome.started_at, **counts})
    for passed in outcome.passes:
        _add_case(suite, passed, out)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _add_case(suite: ET.Element, outcome: PassOutcome, out: Path) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        {
            "classname": f"golden.{outcome.scene}",
            "name": f"{outcome.scene}/{outcome.pass_name}",
            "time": f"{outcome.seconds:.3f}",
        },
    )
    if outcome.status == PASSED:
        return
    kind = "error" if outcome.status in (ERROR, NOT_RUN) else "failure"
    summary = _clean(outcome.summary)
    problem = ET.SubElement(case, kind, {"type": outcome.error_reason or outcome.status, "message": summary})
    lines = [
        summary,
        *(f"{name}: {value:.6g}, allowed {allowed:g}" for name, (value, allowed) in outcome.measures.items()),
        *(f"{what}: {out / name}" for what, name in outcome.files.items()),
    ]
    problem.text = _clean("\n".join(lines))
    if outcome.files:
        # Read by Jenkins' and GitLab's plugins that show pictures beside a test.
        attachments = "\n".join(f"[[ATTACHMENT|{out / name}]]" for name in outcome.files.values())
        ET.SubElement(case, "system-out").text = _clean(attachments)


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
