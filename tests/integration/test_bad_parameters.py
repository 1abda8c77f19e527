"""Names and numbers that the real rig does not take, over the real connection."""

import math
from dataclasses import replace

import pytest

from facewright import Character, Client, Color, FitOptions, FitResult, Locks, Rig, errors
from integration import photos
from integration.photos import FEW_STEPS

pytestmark = pytest.mark.integration


@pytest.fixture(scope="session")
def rig(client: Client) -> Rig:
    return client.get_rig("anny")


def first(rig: Rig, kind: str) -> str:
    return next(parameter.name for parameter in rig.parameters if parameter.kind == kind)


def test_the_default_rig_has_everything_the_issue_asks_for(client: Client, rig: Rig) -> None:
    kinds = [parameter.kind for parameter in rig.parameters]
    assert kinds.count("continuous") >= 110
    assert kinds.count("style") == 5
    assert kinds.count("color") >= 4
    assert len(rig.facial_actions) == 52
    assert all(parameter.description and parameter.group for parameter in rig.parameters)
    assert "anny" in [summary.name for summary in client.list_rigs()]
    assert client.get_rig() == rig


def test_an_unknown_rig_is_refused_everywhere(client: Client, portrait) -> None:
    for ask in (
        lambda: client.get_rig("nobody"),
        lambda: client.render(Character(rig="nobody")),
        lambda: client.fit(photos.jpeg(portrait), rig="nobody"),
    ):
        with pytest.raises(errors.UnknownRigError, match="nobody"):
            ask()


@pytest.mark.parametrize("name", ["no_such_slider", "", "a\nb", "x" * 5000, "ü"])
def test_an_unknown_slider_is_refused(client: Client, name: str) -> None:
    with pytest.raises(errors.UnknownParameterError):
        client.render(Character(sliders={name: 0.5}))


def test_an_unknown_style_slot_or_option_or_colour_is_refused(client: Client, rig: Rig) -> None:
    for character in (
        Character(styles={"hat": "top"}),
        Character(styles={first(rig, "style"): "no_such_option"}),
        Character(colors={"aura": Color(0, 0, 0)}),
    ):
        with pytest.raises(errors.UnknownParameterError):
            client.render(character)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.001, 1.001, 1e300])
def test_a_slider_that_is_nan_or_out_of_range_is_refused(client: Client, rig: Rig, value: float) -> None:
    name = first(rig, "continuous")
    with pytest.raises(errors.ParameterRangeError) as caught:
        client.render(Character(sliders={name: value}))
    assert caught.value.field_violations[0].field == f"character.sliders[{name}]"


@pytest.mark.parametrize("value", [math.nan, -0.1, 1.5])
def test_a_colour_or_a_facial_action_out_of_range_is_refused(client: Client, rig: Rig, value: float) -> None:
    with pytest.raises(errors.ParameterRangeError):
        client.render(Character(colors={first(rig, "color"): Color(value, 0, 0)}))
    with pytest.raises(errors.ParameterRangeError):
        client.render(Character(), expression={rig.facial_actions[0]: value})


def test_an_unknown_facial_action_is_refused(client: Client) -> None:
    with pytest.raises(errors.UnknownParameterError):
        client.render(Character(), expression={"jawOpne": 1.0})


@pytest.mark.parametrize("size_px", [0, 15, 2049, -512])
def test_a_size_out_of_range_is_refused(client: Client, size_px: int) -> None:
    with pytest.raises(errors.ParameterRangeError):
        client.render(Character(), size_px=size_px)


@pytest.mark.parametrize(("yaw", "pitch"), [(91, 0), (0, -61), (math.nan, 0), (0, math.inf)])
def test_a_view_out_of_range_is_refused(client: Client, yaw: float, pitch: float) -> None:
    from facewright import View

    with pytest.raises(errors.ParameterRangeError):
        client.render(Character(), view=View(yaw, pitch))


@pytest.mark.parametrize("version", ["0.0.1", "999.0.0", "yesterday"])
def test_a_character_of_a_version_that_cannot_be_migrated_is_refused(client: Client, version: str) -> None:
    with pytest.raises(errors.RigVersionError):
        client.render(Character(rig="anny", rig_version=version))


def test_a_character_of_an_earlier_minor_version_is_accepted(client: Client, rig: Rig) -> None:
    major = rig.version.split(".")[0]
    assert client.render(Character("anny", f"{major}.0.0"), size_px=32).size_px == 32


def test_an_unknown_lock_is_refused_and_a_known_one_is_kept(
    fitting: Client, rig: Rig, plain_fit: FitResult, portrait
) -> None:
    photo = photos.jpeg(portrait)
    with pytest.raises(errors.UnknownParameterError):
        fitting.fit(photo, options=FitOptions(locks=Locks({"no_such_slider": 0.5})))
    slider, style, color = (first(rig, kind) for kind in ("continuous", "style", "color"))
    option = next(parameter.options[-1] for parameter in rig.parameters if parameter.name == style)
    locks = Locks({slider: 0.123}, {style: option}, {color: Color(0.25, 0.5, 0.75)})
    made = fitting.fit(photo, options=replace(FEW_STEPS, locks=locks)).character
    assert made.sliders[slider] == pytest.approx(0.123, abs=1e-6)
    assert made.styles[style] == option
    assert made.colors[color] == Color(0.25, 0.5, 0.75)
