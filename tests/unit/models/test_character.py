"""The save file of a character and its check against a schema."""

import math
from dataclasses import replace

import pytest
import torch

from facewright_models.errors import (
    FacewrightError,
    ParameterRangeError,
    RigVersionError,
    UnknownParameterError,
    UnknownRigError,
)
from facewright_models.rig import (
    Character,
    Parameter,
    ParameterKind,
    RigSchema,
    expression_vector,
    load_rig,
    neutral_character,
    slider_vector,
    validate_character,
)
from facewright_models.rig.migration import style_successors

SCHEMA = RigSchema(
    name="toy",
    version="2.3.1",
    license="none",
    parameters=(
        Parameter(name="nose-width", group="nose", kind=ParameterKind.CONTINUOUS, description="", neutral=0.5),
        Parameter(name="nose-length", group="nose", kind=ParameterKind.CONTINUOUS, description="", neutral=0.5),
        Parameter(
            name="hair", group="style", kind=ParameterKind.STYLE, description="", neutral="short",
            options=("bald", "short"),
        ),
        Parameter(name="skin", group="color", kind=ParameterKind.COLOR, description="", neutral=(0.7, 0.5, 0.4)),
    ),
    facial_actions=("jawOpen", "mouthSmileLeft"),
)  # fmt: skip


def character(**changes: object) -> Character:
    return replace(Character(rig="toy", rig_version="2.0.0"), **changes)  # type: ignore[arg-type]


def test_the_neutral_character_says_everything() -> None:
    neutral = neutral_character(SCHEMA)
    assert neutral.sliders == {"nose-width": 0.5, "nose-length": 0.5}
    assert neutral.styles == {"hair": "short"}
    assert neutral.colors == {"skin": (0.7, 0.5, 0.4)}
    assert validate_character(SCHEMA, neutral) == neutral


def test_missing_names_are_neutral_and_given_ones_are_kept() -> None:
    complete = validate_character(SCHEMA, character(sliders={"nose-width": 1.0}, styles={"hair": "bald"}))
    assert complete.sliders == {"nose-width": 1.0, "nose-length": 0.5}
    assert complete.styles == {"hair": "bald"}
    assert complete.colors == {"skin": (0.7, 0.5, 0.4)}


def test_a_character_of_an_older_minor_version_is_brought_to_the_present_one() -> None:
    assert validate_character(SCHEMA, character()).rig_version == "2.3.1"


@pytest.mark.parametrize("version", ["1.9.0", "3.0.0", "", "two"])
def test_a_character_of_another_major_version_is_refused(version: str) -> None:
    with pytest.raises(RigVersionError, match="fit again") as caught:
        validate_character(SCHEMA, character(rig_version=version))
    assert caught.value.metadata == {"got": version, "expected": "2.3.1"}


def test_a_character_of_another_rig_is_refused() -> None:
    with pytest.raises(UnknownRigError, match="belongs to rig 'other'"):
        validate_character(SCHEMA, character(rig="other"))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.001, 1.001])
@pytest.mark.parametrize("where", ["slider", "color"])
def test_numbers_outside_zero_to_one_are_refused(value: float, where: str) -> None:
    broken = (
        character(sliders={"nose-width": value})
        if where == "slider"
        else character(colors={"skin": (0.5, value, 0.5)})
    )
    with pytest.raises(ParameterRangeError, match=r"expected a number in \[0, 1\]") as caught:
        validate_character(SCHEMA, broken)
    name = "character.sliders[nose-width]" if where == "slider" else "character.colors[skin]"
    assert caught.value.field == name


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_the_ends_of_the_range_belong_to_it(value: float) -> None:
    assert validate_character(SCHEMA, character(sliders={"nose-width": value})).sliders["nose-width"] == value


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sliders": {"nose-widht": 0.5}}, "no slider 'nose-widht'; close names: nose-width"),
        ({"styles": {"hat": "red"}}, "no style slot 'hat'"),
        ({"styles": {"hair": "green"}}, "'hair' has no option 'green'; options: bald, short"),
        ({"colors": {"tail": (0.1, 0.1, 0.1)}}, "no colour 'tail'"),
    ],
)
def test_unknown_names_are_refused_with_what_there_is(changes: dict[str, object], message: str) -> None:
    with pytest.raises(UnknownParameterError, match=message) as caught:
        validate_character(SCHEMA, character(**changes))
    assert caught.value.metadata["got"]
    assert isinstance(caught.value, FacewrightError)


def test_vectors_are_in_the_order_of_the_schema() -> None:
    torch.testing.assert_close(
        slider_vector(SCHEMA, character(sliders={"nose-length": 0.25})), torch.tensor([0.5, 0.25])
    )
    torch.testing.assert_close(expression_vector(SCHEMA, {"mouthSmileLeft": 0.75}), torch.tensor([0.0, 0.75]))
    assert expression_vector(SCHEMA, {}).tolist() == [0.0, 0.0]


def test_unknown_or_impossible_facial_actions_are_refused() -> None:
    with pytest.raises(UnknownParameterError, match="no facial action 'jawOpne'; close names: jawOpen"):
        expression_vector(SCHEMA, {"jawOpne": 0.5})
    with pytest.raises(ParameterRangeError, match="jawOpen"):
        expression_vector(SCHEMA, {"jawOpen": math.nan})
    with pytest.raises(ParameterRangeError):
        expression_vector(SCHEMA, {"jawOpen": 1.5})


OLD_STYLES = {
    "hair": ("bald", "buzz", "short", "tied_back", "afro", "bob", "long"),
    "brows": ("natural", "straight", "arched", "bushy", "thin"),
    "facial_hair": ("none", "stubble", "moustache", "goatee", "full_beard"),
}
"""Every option of version 1.0.0 of the default rig, which the preview rig succeeds."""


@pytest.mark.parametrize(
    ("slot", "option"), [(slot, option) for slot, options in OLD_STYLES.items() for option in options]
)
def test_every_style_of_version_1_of_the_default_rig_has_a_successor(slot: str, option: str) -> None:
    schema = load_rig("anny").schema
    old = Character(rig="anny", rig_version="1.0.0", sliders={"gender": 0.25}, styles={slot: option})
    loaded = validate_character(schema, old)
    assert loaded.rig_version == schema.version
    successor = {"short": "crop", "tied_back": "bun", "long": "straight_long"}.get(option, option)
    assert loaded.styles[slot] == successor
    assert loaded.sliders["gender"] == 0.25


def test_a_style_that_no_version_had_is_still_refused_after_migration() -> None:
    old = Character(rig="anny", rig_version="1.0.0", styles={"hair": "mohawk"})
    with pytest.raises(UnknownParameterError, match="'hair' has no option 'mohawk'"):
        validate_character(load_rig("anny").schema, old)


def test_an_old_name_in_a_character_of_today_is_refused() -> None:
    schema = load_rig("anny").schema
    with pytest.raises(UnknownParameterError, match="no option 'tied_back'"):
        validate_character(
            schema, Character(rig="anny", rig_version=schema.version, styles={"hair": "tied_back"})
        )


def test_successors_are_followed_over_several_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    chain = {
        ("toy", "1"): ("2", {"hair": {"a": "b", "x": "y"}}),
        ("toy", "2"): ("3", {"hair": {"b": "c", "z": "w"}}),
    }
    monkeypatch.setattr("facewright_models.rig.migration._SUCCESSORS", chain)
    assert style_successors("toy", "1", "3") == {"hair": {"a": "c", "b": "c", "x": "y", "z": "w"}}
    assert style_successors("toy", "2", "3") == {"hair": {"b": "c", "z": "w"}}
    assert style_successors("toy", "3", "3") == {}
    assert style_successors("toy", "3", "1") is None
    assert style_successors("other", "1", "2") is None
