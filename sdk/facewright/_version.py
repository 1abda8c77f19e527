"""Which version this is, in either of the distributions that hold the package."""

from __future__ import annotations

import importlib.metadata

__all__ = ["installed_version"]


def installed_version() -> str:
    """For example ``0.2.0``; ``unknown`` in a checkout that is not installed."""
    for distribution in ("facewright", "facewright-client"):
        try:
            return importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            continue
    return "unknown"
