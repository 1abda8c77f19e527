"""Moods are combinations of all degrees, each inside its range."""

import math
import subprocess
import sys

import pytest

from facewright_models.errors import ParameterRangeError, UnknownParameterError
from facewright_models.expression import DEGREE_RANGES, DEGREES, MOODS, REST_DEGREES, mood_degrees


def test_the_moods_are_those_that_are_promised() -> None:
    assert set(MOODS) == {"smile", "serious", "sad", "crying", "surprised", "angry"}


@pytest.mark.parametrize("mood", sorted(MOODS))
def test_a_mood_says_every_degree_in_its_range(mood: str) -> None:
    assert set(MOODS[mood]) == set(DEGREES)
    for degree, value in MOODS[mood].items():
        low, high = DEGREE_RANGES[degree]
        assert low <= value <= high
    assert MOODS[mood]["smile"] + MOODS[mood]["sad"] <= 1.0


def test_no_two_moods_look_alike() -> None:
    for name, degrees in MOODS.items():
        for other, others in MOODS.items():
            if name < other:
                assert math.dist(list(degrees.values()), [others[degree] for degree in degrees]) > 0.3


@pytest.mark.parametrize("mood", sorted(MOODS))
def test_strength_leads_from_rest_to_the_mood(mood: str) -> None:
    assert mood_degrees(mood, 0.0) == REST_DEGREES
    assert mood_degrees(mood) == pytest.approx(dict(MOODS[mood]))
    half = mood_degrees(mood, 0.5)
    assert half == pytest.approx({name: (REST_DEGREES[name] + MOODS[mood][name]) / 2 for name in DEGREES})


def test_unknown_moods_and_strengths_are_refused() -> None:
    with pytest.raises(UnknownParameterError, match="did you mean angry"):
        mood_degrees("angri")
    for strength in (-0.1, 1.5, math.nan):
        with pytest.raises(ParameterRangeError, match="strength"):
            mood_degrees("sad", strength)


def test_the_names_of_the_package_come_without_torch_and_without_a_decoder(repository) -> None:
    code = (
        "import sys; import facewright_models.expression as e; "
        "print([n for n in ('torch', 'av', 'cv2', 'dlib') if n in sys.modules], len(e.__all__) > 10)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(repository / "models")},
    )
    assert done.stdout.split("] ")[0] == "["
    assert done.stdout.strip().endswith("True")
