"""The exact command that accepts a frame of a run."""

from __future__ import annotations

import shlex
from pathlib import Path

from facewright.testing.outcomes import PassOutcome

__all__ = ["accept_command"]


def accept_command(outcome: PassOutcome, out: Path) -> str:
    """To copy into a shell in the folder in which the run was started."""
    words = ["facewright", "golden", "accept", outcome.name]
    words += ["--run", str(out), "--references", outcome.references, "--message", "WHY"]
    return shlex.join(words)
