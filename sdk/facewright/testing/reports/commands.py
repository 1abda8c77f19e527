"""The exact command that accepts a frame of a run."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from facewright.testing.outcomes import PassOutcome

__all__ = ["accept_command"]


def accept_command(outcomes: Sequence[PassOutcome], out: Path, references: str) -> str:
    """To copy into a shell in the folder in which the run was started."""
    words = ["facewright", "golden", "accept", *(outcome.name for outcome in outcomes)]
    words += ["--run", str(out), "--references", references, "--message", "WHY"]
    return shlex.join(words)
