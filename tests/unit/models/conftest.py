"""What many tests of the default rig begin with."""

import pytest

from facewright_models.rig import BakedRig, Character, load_rig, neutral_character


@pytest.fixture(scope="session")
def rig() -> BakedRig:
    return load_rig("anny")


@pytest.fixture(scope="session")
def average(rig: BakedRig) -> Character:
    return neutral_character(rig.schema)
