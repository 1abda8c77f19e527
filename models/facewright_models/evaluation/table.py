"""The table every evaluation prints: what was measured, against which bar, beside which baselines, how surely."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

__all__ = ["Interval", "Report", "Row", "bootstrap_interval"]

_Values = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A 95 % interval."""

    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Row:
    """One measurement over `n` people or pictures.

    `bar` is what it has to reach: at least so much, or at most so much where `lower_is_better`. `measured` is NaN
    where there was nothing to measure; such a row reaches no bar.
    """

    name: str
    measured: float
    n: int
    interval: Interval | None = None
    bar: float | None = None
    lower_is_better: bool = False
    baselines: Mapping[str, float] = field(default_factory=dict)
    note: str = ""

    @classmethod
    def of_mean(
        cls,
        name: str,
        values: _Values,
        *,
        bar: float | None = None,
        lower_is_better: bool = False,
        baselines: Mapping[str, float] | None = None,
        note: str = "",
    ) -> Row:
        """The mean of one value (or row of values) per person or picture, with its interval; hits are 1 and 0."""
        if not len(values):
            return cls(name=name, measured=float("nan"), n=0, bar=bar, lower_is_better=lower_is_better)
        return cls(
            name=name,
            measured=float(values.mean()),
            n=len(values),
            interval=bootstrap_interval(values.reshape(len(values), -1).mean(1)),
            bar=bar,
            lower_is_better=lower_is_better,
            baselines=baselines or {},
            note=note,
        )

    @property
    def passed(self) -> bool | None:
        """Whether the bar is reached; None where there is no bar."""
        if self.bar is None:
            return None
        return self.measured <= self.bar if self.lower_is_better else self.measured >= self.bar


@dataclass(frozen=True, kw_only=True)
class Report:
    """Rows under a title; `notes` say what the reader must know about data and method."""

    title: str
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """True if every row that has a bar reaches it."""
        return all(row.passed is not False for row in self.rows)

    def to_text(self) -> str:
        """The table for a terminal, in columns."""
        header = ["what", "measured", "95 %", "bar", "", "n", "baselines"]
        lines = [header, *(_cells(row) for row in self.rows)]
        widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
        rendered = [
            "  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in lines
        ]
        rule = "-" * max(len(line) for line in rendered)
        notes = [f"* {note}" for note in self.notes]
        return "\n".join([self.title, rule, rendered[0], rule, *rendered[1:], rule, *notes]) + "\n"

    def to_json(self) -> str:
        """The same as JSON; NaN becomes null."""
        rows = [
            {
                "name": row.name,
                "measured": _finite(row.measured),
                "interval_95": [row.interval.low, row.interval.high] if row.interval else None,
                "bar": row.bar,
                "lower_is_better": row.lower_is_better,
                "passed": row.passed,
                "n": row.n,
                "baselines": {name: _finite(value) for name, value in row.baselines.items()},
                "note": row.note,
            }
            for row in self.rows
        ]
        return json.dumps({"title": self.title, "rows": rows, "notes": list(self.notes)}, indent=2) + "\n"


def bootstrap_interval(
    samples: npt.ArrayLike,
    statistic: Callable[[_Values], float] | None = None,
    *,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval | None:
    """95 % percentile interval of `statistic` (the mean by default) over the first axis of `samples`.

    Whole people are drawn, with replacement: one row of `samples` is one person. None for fewer than two.
    """
    values = np.asarray(samples, dtype=np.float64)
    if len(values) < 2:
        return None
    rng = np.random.default_rng(seed)
    draws = rng.integers(len(values), size=(resamples, len(values)))
    function = statistic or (lambda chosen: float(chosen.mean()))
    results = np.array([function(values[draw]) for draw in draws])
    results = results[np.isfinite(results)]
    if len(results) == 0:
        return None
    low, high = np.percentile(results, [2.5, 97.5])
    return Interval(low=float(low), high=float(high))


def _cells(row: Row) -> list[str]:
    verdict = {True: "ok", False: "MISSED", None: ""}[row.passed]
    relation = "<=" if row.lower_is_better else ">="
    baselines = ", ".join(f"{name} {_number(value)}" for name, value in row.baselines.items())
    trailing: Sequence[str] = [part for part in (baselines, row.note) if part]
    return [
        row.name,
        _number(row.measured),
        f"{_number(row.interval.low)}..{_number(row.interval.high)}" if row.interval else "",
        f"{relation} {_number(row.bar)}" if row.bar is not None else "",
        verdict,
        str(row.n),
        "; ".join(trailing),
    ]


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "-"
    return f"{value:.1e}" if value and abs(value) < 0.001 else f"{value:.3f}"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
