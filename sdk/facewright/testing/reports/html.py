"""The report for people: one HTML file with everything in it, what changed first."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from html import escape
from importlib import resources
from pathlib import Path

from facewright.testing.outcomes import (
    DIFFERENT,
    ERROR,
    MISSING,
    NOT_RUN,
    UPDATED,
    PassOutcome,
    RunOutcome,
    share_of,
)
from facewright.testing.reports.commands import accept_command

__all__ = ["html_report"]

# Beyond this, pictures are linked instead: no browser enjoys a page of hundreds of megabytes.
_LARGEST_EMBEDDED_BYTES = 60_000_000
_LABELS = {
    DIFFERENT: "different",
    MISSING: "no reference",
    ERROR: "error",
    UPDATED: "updated",
    NOT_RUN: "not run",
}
_UNSAID = ("color",)  # the pass that everybody means
_PICTURE_TITLES = {"expected": "accepted", "actual": "now", "diff": "difference (red stands out)"}
_MEASURES = {
    "flip_mean": "mean FLIP of the picture",
    "outlier_share": "outliers in the densest window",
    "differing_share": "pixels with another value",
}


class _Pictures:
    """Data URLs of files as long as there is room, links to them afterwards."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._left_bytes = _LARGEST_EMBEDDED_BYTES

    def url(self, name: str) -> str:
        try:
            content = (self._out / name).read_bytes()
        except OSError:
            return escape(name)
        if len(content) > self._left_bytes:
            return escape(name)
        self._left_bytes -= len(content)
        return "data:image/png;base64," + base64.b64encode(content).decode("ascii")


def html_report(outcome: RunOutcome, out: Path) -> str:
    """The page. Pictures come from the files below `out`."""
    attention = outcome.needing_attention
    pictures = _Pictures(out)
    body = [
        _headline(outcome),
        _strip(attention),
        *(_card(one, pictures, out) for one in attention),
        _passed(outcome),
        *(f'<p class="note">{escape(note)}</p>' for note in outcome.notes),
    ]
    title = "frames as accepted" if not attention else f"{len(attention)} pictures need a look"
    style, script = _resource("report.css"), _resource("report.js")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{style}</style></head>\n<body>\n"
        + "\n".join(part for part in body if part)
        + f"\n<script>{script}</script>\n</body></html>\n"
    )


def _resource(name: str) -> str:
    return resources.files("facewright.testing.reports").joinpath(name).read_text(encoding="utf-8")


def _headline(outcome: RunOutcome) -> str:
    attention = outcome.needing_attention
    good = not attention
    counts = " ".join(
        f'<span class="pill {status}">{outcome.count(status)} {label}</span>'
        for status, label in _LABELS.items()
        if outcome.count(status)
    )
    says = f"All {len(outcome.passes)} pictures are as accepted" if good else _verdict(outcome)
    where = sorted({f"{o.backend} on {o.platform}" for o in outcome.passes if o.backend})
    folders = sorted({f"references in {o.references}" for o in outcome.passes if o.references})
    facts = " · ".join([outcome.started_at, *where[:3], f"{outcome.seconds:.1f} s", *folders[:3]])
    stopped = '<p class="stopped">The run was interrupted.</p>' if outcome.was_interrupted else ""
    return (
        f'<header class="{"good" if good else "bad"}"><h1>{escape(says)}</h1>{stopped}'
        f'<p>{counts} <span class="pill passed">{outcome.count("passed")} passed</span></p>'
        f'<p class="facts">{escape(facts)}</p></header>'
    )


def _verdict(outcome: RunOutcome) -> str:
    attention, total = len(outcome.needing_attention), len(outcome.passes)
    if outcome.count(DIFFERENT) == attention:
        return f"{attention} of {total} pictures {'is' if attention == 1 else 'are'} not what was accepted"
    return f"{attention} of {total} pictures {'needs' if attention == 1 else 'need'} a look"


def _strip(attention: list[PassOutcome]) -> str:
    """Every problem as a link with its differences in small; the cards below have the pictures."""
    if len(attention) < 2:
        return ""
    links = "".join(
        f'<a href="#{_anchor(one)}" class="{one.status}"><b>{escape(_title(one))}</b>'
        f"<span>{escape(_short(one))}</span></a>"
        for one in attention
    )
    return f"<nav>{links}</nav>"


def _short(outcome: PassOutcome) -> str:
    if outcome.status != DIFFERENT or not outcome.measures:
        return _LABELS[outcome.status]
    return f"{outcome.excess:.1f}× the threshold" if outcome.excess < 1000 else "not allowed at all"


def _title(outcome: PassOutcome) -> str:
    return outcome.scene if outcome.pass_name in _UNSAID else f"{outcome.scene} · {outcome.pass_name}"


def _anchor(outcome: PassOutcome) -> str:
    return escape(f"{outcome.scene}-{outcome.pass_name}", quote=True)


def _card(outcome: PassOutcome, pictures: _Pictures, out: Path) -> str:
    urls = {kind: pictures.url(name) for kind, name in outcome.files.items()}
    width, height = (int(side) for side in outcome.size.split("x")) if outcome.size else (1, 1)
    variables = "".join(f"--{kind}:url('{url}');" for kind, url in urls.items())
    description = f'<p class="description">{escape(outcome.description)}</p>' if outcome.description else ""
    parts = [
        f'<h2><span class="pill {outcome.status}">{_LABELS[outcome.status]}</span> {escape(_title(outcome))}</h2>',
        description,
        f'<p class="summary">{escape(outcome.summary)}</p>',
        _panels(outcome, urls),
        _tools(urls),
        _measures(outcome),
        _footer(outcome, out),
    ]
    return (
        f'<section class="card {outcome.status}" id="{_anchor(outcome)}" '
        f'style="{variables}--w:{width};--h:{height}">{"".join(parts)}</section>'
    )


def _panels(outcome: PassOutcome, urls: dict[str, str]) -> str:
    """Accepted, now, difference; then the densest window of both, enlarged."""
    if not urls:
        return ""
    frame = _box_style(outcome)
    figures = "".join(
        f'<figure><figcaption>{title}</figcaption><div class="picture {kind}" role="img" '
        f'aria-label="{title} picture of {escape(_title(outcome), quote=True)}">{frame}</div></figure>'
        for kind, title in _PICTURE_TITLES.items()
        if kind in urls
    )
    return f'<div class="panels">{figures}{_closeups(outcome, urls)}</div>'


def _box_style(outcome: PassOutcome) -> str:
    """An outline around the densest window, in shares of the picture."""
    if outcome.densest_box is None or not outcome.size:
        return ""
    x, y, box_width, box_height = outcome.densest_box
    width, height = (int(side) for side in outcome.size.split("x"))
    return (
        f'<i class="box" style="left:{100 * x / width:.2f}%;top:{100 * y / height:.2f}%;'
        f'width:{100 * box_width / width:.2f}%;height:{100 * box_height / height:.2f}%"></i>'
    )


def _closeups(outcome: PassOutcome, urls: dict[str, str]) -> str:
    if outcome.densest_box is None or not {"actual", "expected"} <= set(urls):
        return ""
    x, y, box_width, box_height = outcome.densest_box
    centre_x, centre_y = x + box_width / 2, y + box_height / 2
    side = max(box_width, box_height, 16) * 1.5
    pair = "".join(
        f'<div class="closeup {kind}" style="--cx:{centre_x:.1f};--cy:{centre_y:.1f};--side:{side:.1f}">'
        f"<span>{_PICTURE_TITLES[kind]}</span></div>"
        for kind in ("expected", "actual")
    )
    return f'<figure class="closeups"><figcaption>where it differs most</figcaption>{pair}</figure>'


def _tools(urls: dict[str, str]) -> str:
    """Where the script puts the large comparison."""
    if not {"actual", "expected"} <= set(urls):
        return ""
    return (
        '<div class="tools"><button data-mode="slide">slide</button><button data-mode="blink">blink</button>'
        '<button data-mode="close" hidden>close</button><span class="hint">keys: s, b, j and k for the next and '
        'the previous picture</span><div class="large" hidden><div class="under expected"></div>'
        '<div class="over actual"></div><span class="tag"></span></div></div>'
    )


def _measures(outcome: PassOutcome) -> str:
    if not outcome.measures:
        return ""
    rows = "".join(
        f'<tr class="{"over" if value > allowed else "within"}"><td>{_measure_title(name, outcome)}</td>'
        f"<td>{value:.5f}</td><td>allowed {allowed:g}</td>"
        f'<td class="bar"><i style="width:{min(100.0, 50 * share_of(value, allowed)):.1f}%"></i></td></tr>'
        for name, (value, allowed) in outcome.measures.items()
    )
    return f"<table>{rows}</table>"


def _measure_title(name: str, outcome: PassOutcome) -> str:
    title = _MEASURES.get(name, name)
    if name == "outlier_share" and outcome.densest_box:
        width, height = outcome.densest_box[2:]
        title += f" ({width}×{height}; FLIP above {outcome.outlier_flip:g})"
    return f"{escape(title)} <code>{escape(name)}</code>"


def _footer(outcome: PassOutcome, out: Path) -> str:
    lines = []
    if outcome.reference:
        several = f", the nearest of {outcome.reference_count}" if outcome.reference_count > 1 else ""
        lines.append(f"compared with <code>{escape(outcome.reference)}</code>{several}")
    if outcome.is_acceptable:
        command = accept_command(outcome, out)
        lines.append(
            f'if this is how it should look: <code class="command">{escape(command)}</code> '
            '<button class="copy">copy</button>'
        )
    return "".join(f"<p>{line}</p>" for line in lines)


def _passed(outcome: RunOutcome) -> str:
    passed = [one for one in outcome.passes if not one.needs_attention]
    if not passed:
        return ""
    rows = "".join(_passed_row(one) for one in passed)
    head = "<tr><th>picture</th><th>came out</th><th>nearest threshold</th><th>accepted picture</th></tr>"
    opened = "" if outcome.needing_attention else " open"
    return (
        f"<details{opened}><summary>{len(passed)} pictures as accepted</summary>"
        f'<table class="passed">{head}{rows}</table></details>'
    )


def _passed_row(outcome: PassOutcome) -> str:
    cells: Iterable[str] = (
        escape(_title(outcome)),
        "identical" if outcome.method == "identical" else "within thresholds",
        f"{outcome.excess:.0%}",
        f"<code>{escape(outcome.reference)}</code>",
    )
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
