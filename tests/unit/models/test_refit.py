"""Editing a character: what changes, what stays to the last digit, and what is refused."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from facewright_models.errors import (
    FitCancelledError,
    InvalidInputError,
    NoFaceError,
    ParameterRangeError,
    RigVersionError,
    UnknownParameterError,
    UnknownRigError,
)
from facewright_models.fitting import FitOptions, FitProgress, Fitter, Refit, Subject, plan_refit
from facewright_models.fitting import refit as refit_module
from facewright_models.foundry import VectorLayout
from facewright_models.look import CharacterRenderer
from facewright_models.photo import Photo
from facewright_models.rig import BakedRig, Character
from unit.models.fitting_stand_ins import FaceImitator, tiny_extractor

Pixels = np.ndarray
ODD = 0.123456789012345
FEW = FitOptions(iterations=3, similarity_threshold=2.0)


@pytest.fixture(scope="module")
def face(rig: BakedRig, average: Character) -> Pixels:
    with CharacterRenderer(rig, size_px=512) as renderer:
        color = renderer.render(average).frame.color
    assert color is not None
    return color


@pytest.fixture(scope="module")
def fitter(rig: BakedRig, face: Pixels) -> Fitter:
    layout = VectorLayout(rig.schema)
    imitator = FaceImitator(layout, face, strength=0.01)
    return Fitter(layout=layout, imitator=imitator, extractor=tiny_extractor(), rig=rig)


@pytest.fixture
def person(average: Character) -> Character:
    """Every slider a little off what a slider can be rounded to."""
    sliders = dict.fromkeys(average.sliders, 0.4 + ODD / 10)
    return replace(average, sliders=sliders, colors={**average.colors, "iris": (ODD, 0.2, 0.3)})


def aging(face: Pixels, most: float = 0.0) -> Callable[[Character], Pixels]:
    """Frames that fade with age, by at most that share."""

    def render(character: Character) -> Pixels:
        return (face * (1 - most * abs(character.sliders["age"] - 0.41))).astype(np.uint8)

    return render


def changed(before: Character, after: Character) -> set[str]:
    return {name for name, value in after.sliders.items() if value != before.sliders[name]}


def test_a_style_change_keeps_the_rest_to_the_last_digit(
    fitter: Fitter, person: Character, face: Pixels
) -> None:
    result = fitter.refit(Refit(character=person, styles={"hair": "bob"}), render=aging(face))
    assert result.character == replace(person, styles={**person.styles, "hair": "bob"})
    assert result.report.strength == 0
    assert result.report.fit is None


def test_a_lock_with_a_value_takes_it(fitter: Fitter, person: Character, face: Pixels) -> None:
    asked = Refit(
        character=person,
        locked_sliders={"nose-hump": ODD},
        locked_colors={"skin": (0.1, 0.2, 0.3)},
        colors={"lips": (0.4, 0.1, 0.1)},
    )
    after = fitter.refit(asked, render=aging(face)).character
    assert changed(person, after) == {"nose-hump"}
    assert after.sliders["nose-hump"] == ODD
    assert after.colors == {**person.colors, "skin": (0.1, 0.2, 0.3), "lips": (0.4, 0.1, 0.1)}


def test_a_preset_moves_its_sliders_and_nothing_that_is_kept(
    fitter: Fitter, person: Character, face: Pixels
) -> None:
    asked = Refit(
        character=person, preset="older", kept=("head-age", "hair"), locked_sliders={"ear-lobe": 0.25}
    )
    result = fitter.refit(asked, render=aging(face))
    after = result.character
    assert result.report.strength == 1
    assert after.sliders["age"] == pytest.approx(person.sliders["age"] + 0.5, abs=1e-4)
    assert after.sliders["head-age"] == person.sliders["head-age"]
    assert after.sliders["ear-lobe"] == 0.25
    assert after.colors["hair"] == person.colors["hair"]
    assert after.colors["brows"] != person.colors["brows"]
    assert after.styles == person.styles
    assert after.sliders["forehead-nubian"] == person.sliders["forehead-nubian"]


def test_a_preset_that_makes_another_person_is_weakened(
    fitter: Fitter, person: Character, face: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refit_module, "MOST_DISTANCE", math.inf)
    asked = Refit(character=person, preset="older", strength=0.8)
    free = fitter.refit(asked, render=aging(face, 1.0)).report
    assert free.strength == 0.8
    limit = 0.6 * free.identity_distance
    monkeypatch.setattr(refit_module, "MOST_DISTANCE", limit)
    result = fitter.refit(asked, render=aging(face, 1.0))
    assert 0 < result.report.strength < 0.8
    assert 0 < result.report.identity_distance <= limit
    assert [notice.code for notice in result.report.warnings] == ["PRESET_WEAKENED"]
    shift = result.character.sliders["age"] - person.sliders["age"]
    assert shift == pytest.approx(0.5 * result.report.strength, abs=1e-4)


def test_a_preset_that_no_weakness_helps_is_left_out_and_said(
    fitter: Fitter, person: Character, face: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refit_module, "MOST_DISTANCE", 1e-9)
    result = fitter.refit(Refit(character=person, preset="older"), render=aging(face, 1.0))
    assert result.character == person
    assert result.report.strength == 0
    assert "left out" in result.report.warnings[0].message


def test_a_new_hairstyle_does_not_weaken_a_preset(
    fitter: Fitter, person: Character, face: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    def render(character: Character) -> Pixels:
        return face if character.styles["hair"] == person.styles["hair"] else 255 - face

    asked = Refit(character=person, preset="older", styles={"hair": "bob"})
    monkeypatch.setattr(refit_module, "MOST_DISTANCE", 1e-3)
    report = fitter.refit(asked, render=render).report
    assert report.strength == 1
    assert report.identity_distance > 1e-3


def test_photos_start_at_the_character_and_leave_what_is_locked(
    fitter: Fitter, person: Character, face: Pixels
) -> None:
    photos = Subject(photos=(Photo(pixels=face, warnings=()),))
    asked = Refit(
        character=person,
        subject=photos,
        kept=("nose-hump", "iris"),
        styles={"hair": "bob"},
        options=replace(FEW, iterations=0),
    )
    unmoved = fitter.refit(asked, render=aging(face)).character
    assert max(abs(unmoved.sliders[name] - value) for name, value in person.sliders.items()) < 1e-4
    result = fitter.refit(replace(asked, options=FEW), render=aging(face))
    after = result.character
    assert result.report.fit is not None
    assert result.report.fit.iterations == 3
    groups = {p.name: p.group for p in fitter._models.layout.schema.parameters}
    free = {name for name in person.sliders if groups[name] != "asymmetry"} - {"nose-hump"}
    moved = {
        name for name in changed(person, after) if abs(after.sliders[name] - person.sliders[name]) > 1e-3
    }
    assert moved <= free
    assert len(moved) > 50
    for name in person.sliders.keys() - free:
        assert after.sliders[name] == person.sliders[name]
    assert after.styles == {**person.styles, "hair": "bob"}
    assert after.colors["iris"] == person.colors["iris"]
    assert after.colors["skin"] != person.colors["skin"]


def test_a_bad_photo_is_named_by_its_place_in_the_refit(
    fitter: Fitter, person: Character, face: Pixels
) -> None:
    empty = Photo(pixels=np.zeros((200, 200, 3), np.uint8), warnings=())
    photos = Subject(photos=(Photo(pixels=face, warnings=()), empty))
    with pytest.raises(NoFaceError) as caught:
        fitter.refit(Refit(character=person, subject=photos, options=FEW), render=aging(face))
    assert caught.value.field == "subject.photos[1]"


def test_it_stops_when_it_is_told_to(fitter: Fitter, person: Character, face: Pixels) -> None:
    frames: list[Character] = []

    def render(character: Character) -> Pixels:
        frames.append(character)
        return face

    with pytest.raises(FitCancelledError):
        fitter.refit(
            Refit(character=person, preset="older"), render=render, should_stop=lambda: len(frames) == 1
        )
    assert len(frames) == 1


def test_progress_ends_with_the_frame(fitter: Fitter, person: Character, face: Pixels) -> None:
    seen: list[FitProgress] = []
    fitter.refit(Refit(character=person, preset="heavier"), render=aging(face), on_progress=seen.append)
    assert {step.subject for step in seen} == {0}
    assert seen[-1].stage == "render"
    assert seen[-1].iteration == seen[-1].iterations


# --------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("changes", "error", "field"),
    [
        ({"preset": "prettier"}, InvalidInputError, "preset"),
        ({"preset": "older", "kept": ("nose",)}, UnknownParameterError, "kept[0]"),
        ({"locked_sliders": {"nose": 0.5}}, UnknownParameterError, "locks.nose"),
        ({"locked_sliders": {"nose-hump": math.nan}}, ParameterRangeError, "locks.sliders[nose-hump]"),
        ({"locked_sliders": {"nose-hump": 1.5}}, ParameterRangeError, "locks.sliders[nose-hump]"),
        ({"styles": {"hair": "mohawk"}}, UnknownParameterError, "styles[hair]"),
        ({"styles": {"hat": "top"}}, UnknownParameterError, "hat"),
        ({"colors": {"skin": (0.0, 0.0, math.nan)}}, ParameterRangeError, "colors[skin]"),
        ({"styles": {"hair": "bob"}, "kept": ("hair",)}, InvalidInputError, "styles[hair]"),
        ({"styles": {"hair": "bob"}, "locked_styles": {"hair": "bun"}}, InvalidInputError, "styles[hair]"),
        ({"colors": {"skin": (0, 0, 0)}, "kept": ("skin",)}, InvalidInputError, "colors[skin]"),
        (
            {"locked_sliders": {"nose-hump": 0.9}, "kept": ("nose-hump",)},
            InvalidInputError,
            "locks.sliders[nose-hump]",
        ),
        ({}, InvalidInputError, "preset"),
        ({"kept": ("nose-hump",)}, InvalidInputError, "preset"),
    ],
)
def test_what_cannot_be_is_refused_with_its_field(
    rig: BakedRig, person: Character, changes: dict[str, Any], error: type[Exception], field: str
) -> None:
    with pytest.raises(error) as caught:
        plan_refit(rig.schema, Refit(character=person, **changes))
    assert caught.value.field == field  # type: ignore[attr-defined]


@pytest.mark.parametrize("strength", [math.nan, math.inf, -0.1, 1.01])
def test_a_strength_out_of_range_is_refused(person: Character, strength: float) -> None:
    with pytest.raises(ParameterRangeError, match=r"expected a number in \[0, 1\]") as caught:
        Refit(character=person, preset="older", strength=strength)
    assert caught.value.field == "strength"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"strength": 0.5}, "strength"),
        ({"options": FitOptions(locked_sliders={"age": 0.5})}, "options.locks"),
        ({"options": FitOptions(bake_skin=True)}, "options.bake_skin"),
    ],
)
def test_what_means_nothing_in_a_refit_is_refused(
    person: Character, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        Refit(character=person, **changes)
    assert caught.value.field == field


def test_a_preset_of_which_everything_is_locked_is_refused(rig: BakedRig, person: Character) -> None:
    kept = tuple(rig.schema.continuous_names)
    for preset in ("older", "stylised"):
        with pytest.raises(InvalidInputError, match="are locked"):
            plan_refit(rig.schema, Refit(character=person, preset=preset, kept=kept))


def test_a_character_without_parameters_or_of_another_rig_or_version_is_refused(rig: BakedRig) -> None:
    def plan(character: Character) -> None:
        plan_refit(rig.schema, Refit(character=character, preset="older"))

    empty = Character(rig="anny", rig_version=rig.schema.version)
    with pytest.raises(InvalidInputError, match="no parameters") as caught:
        plan(empty)
    assert caught.value.field == "character"
    with pytest.raises(UnknownRigError):
        plan(replace(empty, rig="ict", sliders={"age": 0.5}))
    with pytest.raises(RigVersionError) as version:
        plan(replace(empty, rig_version="9.0.0", sliders={"age": 0.5}))
    assert version.value.field == "character.rig_version"
    with pytest.raises(ParameterRangeError) as number:
        plan(replace(empty, sliders={"age": math.nan}))
    assert number.value.field == "character.sliders[age]"


def test_locks_and_wishes_that_agree_are_no_contradiction(rig: BakedRig, person: Character) -> None:
    hair = person.styles["hair"]
    plan = plan_refit(
        rig.schema,
        Refit(
            character=person,
            kept=("hair",),
            styles={"hair": hair},
            locked_styles={"hair": hair},
            preset="older",
        ),
    )
    assert plan.changed == person
    assert plan.colors == {"hair"}


def test_a_character_of_the_last_version_is_brought_up_and_edited(rig: BakedRig) -> None:
    old = Character(rig="anny", rig_version="1.0.0", sliders={"age": ODD}, styles={"hair": "tied_back"})
    plan = plan_refit(rig.schema, Refit(character=old, preset="older"))
    assert plan.before.styles["hair"] == "bun"
    assert plan.before.sliders["age"] == ODD
