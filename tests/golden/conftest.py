"""The references of this folder, for the kit's fixture `assert_golden`."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def facewright_references() -> Path:
    return Path(__file__).parent / "references"
