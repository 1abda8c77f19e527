"""What became of the styles of older rig versions, so that their characters still load."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["style_successors"]

_SUCCESSORS: Mapping[tuple[str, str], tuple[str, Mapping[str, Mapping[str, str]]]] = {
    ("anny", "1"): ("2", {"hair": {"short": "crop", "tied_back": "bun", "long": "straight_long"}}),
}
"""Rig and major version -> the next major version, and per style slot what replaced an option; other options stayed."""


def style_successors(rig: str, major: str, wanted: str) -> dict[str, dict[str, str]] | None:
    """Slot -> old option -> its successor, from one major version of a rig to another.

    Empty for equal versions, None where no way leads from one to the other.
    """
    result: dict[str, dict[str, str]] = {}
    while major != wanted:
        if (rig, major) not in _SUCCESSORS:
            return None
        major, step = _SUCCESSORS[rig, major]
        for slot, successors in step.items():
            known = result.setdefault(slot, {})
            for old, new in known.items():
                known[old] = successors.get(new, new)
            known.update({old: new for old, new in successors.items() if old not in known})
    return result
