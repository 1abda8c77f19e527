"""What a load run hands back: rows of a table, bars, and whether they are met."""

import json
import os
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from timing import Bar, Measurement, write_results


@dataclass(kw_only=True)
class LoadReport:
    """Of one run."""

    facts: list[str] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    measurements: list[Measurement] = field(default_factory=list)

    @property
    def is_met(self) -> bool:
        """Whether every bar is."""
        return all(bar.is_met for bar in self.bars)

    def say(self, line: str) -> None:
        """Print a line at once and keep it."""
        print("  " + line, flush=True)
        self.facts.append(line)

    def hold(self, name: str, value: float, unit: str, bar: float, *, is_least: bool = False) -> None:
        """Hold a number against its bar."""
        found = Bar(name=name, value=value, unit=unit, bar=bar, is_least=is_least)
        self.bars.append(found)
        print("  " + found.line(), flush=True)

    def save(self, path: Path) -> None:
        """As JSON, with machine, commit and load average."""
        write_results(path, self.measurements)
        record = json.loads(path.read_text(encoding="utf-8"))
        record |= {
            "load_average": os.getloadavg(),
            "facts": self.facts,
            "bars": [{**asdict(bar), "is_met": bar.is_met} for bar in self.bars],
            "problems": self.problems,
        }
        path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def percentile(samples: Sequence[float], share: float) -> float:
    """The smallest sample that at least `share` of all do not exceed; 0 without samples."""
    ordered = sorted(samples)
    return ordered[max(0, min(len(ordered) - 1, round(share * len(ordered) + 0.5) - 1))] if ordered else 0.0


def latency_line(name: str, samples: Sequence[float], secs: float) -> str:
    """Throughput and percentiles of one kind of call."""
    p50, p95, p99 = (1000 * percentile(samples, share) for share in (0.5, 0.95, 0.99))
    mean = 1000 * statistics.fmean(samples) if samples else 0.0
    return (
        f"{name:<10} {len(samples):>7} {len(samples) / secs:>8.1f}/s   p50 {p50:>8.1f}  p95 {p95:>8.1f}  "
        f"p99 {p99:>8.1f}  mean {mean:>8.1f} ms"
    )
