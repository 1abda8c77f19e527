"""Tests that draw are skipped, loudly, on a machine without an EGL driver."""

import functools

import pytest

NO_EGL = "EGL ABSENT"


def require_egl() -> None:
    """Skip the test that asks where no backend can make a context."""
    reason = _missing()
    if reason:
        pytest.skip(f"{NO_EGL}: {reason}")


@functools.cache
def _missing() -> str:
    from facewright_renderer import MissingDriverError, create_renderer

    try:
        create_renderer("egl").close()
    except MissingDriverError as error:
        return str(error)
    return ""
