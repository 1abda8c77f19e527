"""How a measurement is made and what is kept of it: warm-up, median, quartiles, commit and machine."""

import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One case: median and quartiles over the repeats."""

    name: str
    unit: str
    median: float
    lower_quartile: float
    upper_quartile: float
    repeats: int

    def line(self) -> str:
        """One row of the printed table."""
        spread = f"{self.lower_quartile:.4g} .. {self.upper_quartile:.4g}"
        return f"{self.name:<44} {self.median:>10.4g} {self.unit:<4} ({spread}, n={self.repeats})"


@dataclass(frozen=True, kw_only=True)
class Bar:
    """What a number must reach."""

    name: str
    value: float
    unit: str
    bar: float
    is_least: bool

    @property
    def is_met(self) -> bool:
        """Whether the number is on the right side of the bar."""
        return self.value >= self.bar if self.is_least else self.value <= self.bar

    def line(self) -> str:
        """One row of the printed table."""
        sign, verdict = (">=" if self.is_least else "<="), ("met" if self.is_met else "MISSED")
        return f"{self.name:<44} {self.value:>10.4g} {self.unit:<4} (bar {sign} {self.bar:g}: {verdict})"


def seconds_of(name: str, action: Callable[[], object], *, repeats: int, warm_up: int = 2) -> Measurement:
    """Wall-clock seconds of `action`, `warm_up` calls thrown away."""
    for _ in range(warm_up):
        action()
    samples = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        samples.append(time.perf_counter() - start)
    return summary(name, "s", samples)


def summary(name: str, unit: str, samples: list[float]) -> Measurement:
    """Median and quartiles of samples that were taken elsewhere."""
    quartiles = statistics.quantiles(samples, n=4, method="inclusive") if len(samples) > 1 else samples * 3
    return Measurement(
        name=name,
        unit=unit,
        median=statistics.median(samples),
        lower_quartile=quartiles[0],
        upper_quartile=quartiles[2],
        repeats=len(samples),
    )


def write_results(path: Path, measurements: list[Measurement]) -> None:
    """All measurements of a run with the machine and the commit they were made on, as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    record = {
        "commit": _commit(),
        "machine": {
            "processor": _processor(),
            "cores": len(os.sched_getaffinity(0)),
            "system": platform.platform(),
            "python": platform.python_version(),
        },
        "measurements": [asdict(measurement) for measurement in measurements],
    }
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown"
