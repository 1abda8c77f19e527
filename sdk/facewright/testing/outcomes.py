"""What came of a run: values, and their JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from facewright._version import installed_version
from facewright.testing.errors import ReportError

__all__ = [
    "DIFFERENT",
    "ERROR",
    "FORMAT",
    "MISSING",
    "NOT_RUN",
    "PASSED",
    "UPDATED",
    "PassOutcome",
    "RunOutcome",
    "share_of",
]

FORMAT = "facewright-golden-report/1"

# What a pass of a scene can come to.
PASSED, DIFFERENT, MISSING, ERROR, UPDATED, NOT_RUN = (
    "passed",
    "different",
    "missing-reference",
    "error",
    "updated",
    "not-run",
)


@dataclass(frozen=True)
class PassOutcome:
    """One pass of one scene.

    `summary` says it in words. `measures` has value and allowed of every number of the nearest reference; boxes are x,
    y, width, height. `files` are names below the folder of the run, by ``actual``, ``expected`` and ``diff``.
    `references` is the folder of accepted pictures, `reference` the one in it that matched, or came nearest, of
    `reference_count`; `reference_folder` is the one of the key into which `accept` would put the frame.
    """

    scene: str
    pass_name: str
    status: str
    summary: str
    description: str = ""
    method: str = ""
    measures: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    outlier_flip: float = 0.0
    changed_share: float = 0.0
    changed_box: tuple[int, int, int, int] | None = None
    densest_box: tuple[int, int, int, int] | None = None
    references: str = ""
    reference: str = ""
    reference_count: int = 0
    reference_folder: str = ""
    level: str = ""
    backend: str = ""
    platform: str = ""
    size: str = ""
    actual_sha256: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    error_class: str = ""
    error_reason: str = ""
    seconds: float = 0.0

    @property
    def name(self) -> str:
        """``SCENE/PASS``, as `accept` takes it."""
        return f"{self.scene}/{self.pass_name}"

    @property
    def needs_attention(self) -> bool:
        """Everything but what passed."""
        return self.status != PASSED

    @property
    def excess(self) -> float:
        """The worst number over what it may be; at most 1 passes, infinite where nothing is allowed."""
        return max((share_of(value, allowed) for value, allowed in self.measures.values()), default=0.0)

    @property
    def is_acceptable(self) -> bool:
        """Whether there is a frame that could be accepted."""
        return self.status in (DIFFERENT, MISSING) and "actual" in self.files


@dataclass(frozen=True)
class RunOutcome:
    """A run; `notes` are things to know that fail nothing."""

    passes: Sequence[PassOutcome]
    started_at: str
    seconds: float = 0.0
    was_interrupted: bool = False
    notes: Sequence[str] = ()
    version: str = field(default_factory=installed_version)

    def count(self, status: str) -> int:
        """How many passes came to it."""
        return sum(outcome.status == status for outcome in self.passes)

    @property
    def needing_attention(self) -> list[PassOutcome]:
        """Everything but what passed: the worst kind first, and what is farthest off before what is nearly right."""
        order = (DIFFERENT, MISSING, ERROR, UPDATED, NOT_RUN)
        waiting = (outcome for outcome in self.passes if outcome.needs_attention)
        return sorted(waiting, key=lambda outcome: (order.index(outcome.status), -outcome.excess))

    @property
    def headline(self) -> str:
        """One line for people."""
        words = {
            DIFFERENT: "different",
            MISSING: "without a reference",
            ERROR: "with an error",
            UPDATED: "updated",
            NOT_RUN: "not run",
        }
        counts = [f"{self.count(status)} {word}" for status, word in words.items() if self.count(status)]
        passed = f"{self.count(PASSED)} of {len(self.passes)} pictures as accepted"
        return ", ".join([passed, *counts]) + (" (interrupted)" if self.was_interrupted else "")

    def to_json(self) -> dict[str, Any]:
        """As report.json has it."""
        return {"format": FORMAT, **asdict(self), "headline": self.headline}

    @classmethod
    def from_json(cls, document: object, *, source: str) -> RunOutcome:
        """Raises `ReportError`."""
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise ReportError(f"{source} is no report of this version; run 'facewright golden run' again")
        entries = {key: value for key, value in document.items() if key not in ("format", "headline")}
        try:
            passes = [_pass_from_json(entry) for entry in entries.pop("passes")]
            return cls(passes=passes, notes=tuple(entries.pop("notes")), **entries)
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise ReportError(f"{source} is damaged ({error}); run 'facewright golden run' again") from error


def share_of(value: float, allowed: float) -> float:
    """How much of what is allowed a number uses; infinite for something where nothing is allowed."""
    if allowed:
        return value / allowed
    return float("inf") if value else 0.0


def _pass_from_json(entry: dict[str, Any]) -> PassOutcome:
    tuples = {key: tuple(entry[key]) for key in ("changed_box", "densest_box") if entry.get(key)}
    measures = {name: (float(pair[0]), float(pair[1])) for name, pair in entry.get("measures", {}).items()}
    return PassOutcome(**{**entry, **tuples, "measures": measures})
