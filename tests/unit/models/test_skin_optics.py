"""Skin from melanin and blood: darker with the one, redder with the other, and back."""

import numpy as np
import pytest

from facewright_models.look.skin_optics import (
    BLOOD_RANGE,
    MELANIN_RANGE,
    share,
    skin_color,
    skin_composition,
    skin_table,
)

LEVELS = np.linspace(0, 1, 9)


def test_more_melanin_is_darker_in_every_channel() -> None:
    colors = skin_color(share(LEVELS, MELANIN_RANGE), 0.02)
    assert (np.diff(colors, axis=0) < 0).all()


def test_melanin_takes_blue_before_red() -> None:
    light, dark = skin_color(np.array(MELANIN_RANGE), 0.02)
    assert dark[0] / light[0] > 2 * dark[2] / light[2]


@pytest.mark.parametrize("melanin", [0.01, 0.08, 0.3])
def test_more_blood_is_redder(melanin: float) -> None:
    colors = skin_color(melanin, share(LEVELS, BLOOD_RANGE))
    assert (np.diff(colors[:, 0] / colors[:, 1]) > 0).all()


def test_the_colours_are_those_of_people() -> None:
    """sRGB of the lightest and the darkest skin with a middling amount of blood."""
    display = skin_table()[[0, -1], 16] ** (1 / 2.2)
    assert np.allclose(display[0], [0.84, 0.70, 0.62], atol=0.08)
    assert np.allclose(display[1], [0.42, 0.24, 0.15], atol=0.10)


def test_a_colour_is_read_as_what_it_was_made_of() -> None:
    for melanin, blood in [(0.1, 0.2), (0.5, 0.5), (0.8, 0.3)]:
        color = skin_color(share(melanin, MELANIN_RANGE), share(blood, BLOOD_RANGE))
        assert skin_composition(color) == pytest.approx((melanin, blood), abs=0.03)


def test_dimmer_light_does_not_turn_light_skin_into_dark_skin() -> None:
    color = skin_color(share(0.15, MELANIN_RANGE), share(0.3, BLOOD_RANGE))
    assert skin_composition(0.8 * color)[0] < 0.3
