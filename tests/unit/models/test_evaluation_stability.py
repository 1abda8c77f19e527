"""Stability: distances of known characters, and what a mirror does."""

from dataclasses import replace

import pytest

from facewright_models.evaluation.stability import Triple, mirrored, stability_rows
from facewright_models.rig import Character, neutral_character
from unit.models.fitting_stand_ins import TOY_SCHEMA


def with_sliders(hair: str = "short", **sliders: float) -> Character:
    neutral = neutral_character(TOY_SCHEMA)
    return replace(neutral, sliders={**neutral.sliders, **sliders}, styles={**neutral.styles, "hair": hair})


def test_a_mirror_turns_asymmetries_round_and_leaves_the_rest() -> None:
    one = with_sliders(jaw=0.9, **{"jaw-asymmetry": 0.3})
    assert mirrored(TOY_SCHEMA, one) == with_sliders(jaw=0.9, **{"jaw-asymmetry": 0.7})


def test_distances_within_and_between_people() -> None:
    """Four tied sliders: 0.1 within a person is 0.025 of the mean, 0.4 and 0.5 between people 0.1 and 0.125."""
    first = Triple(
        neutral=with_sliders(jaw=0.5), smiling=with_sliders(jaw=0.6), flipped=with_sliders(jaw=0.5)
    )
    second = Triple(
        neutral=with_sliders(jaw=1.0),
        smiling=with_sliders("long", jaw=0.9),
        flipped=with_sliders(jaw=1.0, **{"jaw-asymmetry": 0.0}),
    )
    ratio, styles, flips = stability_rows(TOY_SCHEMA, [first, second])
    assert ratio.measured == pytest.approx(0.025 / 0.1)
    assert styles.measured == pytest.approx(0.5)
    assert flips.measured == pytest.approx((0 + 0.5 / 5) / 2)
    assert flips.baselines == {"two people": pytest.approx(0.1)}


def test_one_person_alone_has_no_table() -> None:
    assert stability_rows(TOY_SCHEMA, []) == []
