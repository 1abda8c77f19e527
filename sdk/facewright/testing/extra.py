"""The packages of the extra `testing`, asked for when they are needed and not when the client is imported."""

from __future__ import annotations

import importlib

from facewright.testing.errors import MissingExtraError

__all__ = ["require_extra"]

_PACKAGES = {"numpy": "numpy", "PIL": "Pillow", "flip_evaluator": "flip-evaluator"}


def require_extra() -> None:
    """Return when everything that comparing takes can be imported. Raises `MissingExtraError`."""
    for module, package in _PACKAGES.items():
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise MissingExtraError(
                f"comparing pictures needs the package {package}, which cannot be imported ({error}); install the "
                "extra: pip install 'facewright-client[testing]' (or 'facewright[testing]')"
            ) from error
