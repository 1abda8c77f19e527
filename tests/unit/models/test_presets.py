"""Presets of a refit: what they move on the default rig, and what they leave alone."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
import torch

from facewright_models.errors import InvalidInputError
from facewright_models.fitting.preset_moves import PresetMoves
from facewright_models.fitting.presets import changed_by, load_presets, preset_for
from facewright_models.rig import BakedRig, Character, slider_vector
from unit.models.fitting_stand_ins import TOY_SCHEMA

NOTHING: frozenset[str] = frozenset()
NAMES = ("younger", "older", "heavier", "stylised")


@pytest.fixture(scope="module")
def moves(rig: BakedRig) -> PresetMoves:
    return PresetMoves(rig)


def with_sliders(character: Character, sliders: Mapping[str, float]) -> Character:
    return replace(character, sliders={**character.sliders, **sliders})


def test_there_are_four_presets_and_each_says_where_it_is_from() -> None:
    presets = load_presets()
    assert tuple(presets) == NAMES
    assert all(len(preset.source) > 40 and preset.description for preset in presets.values())


def test_everything_that_a_preset_names_is_there_in_the_default_rig(rig: BakedRig) -> None:
    for name in NAMES:
        preset = preset_for(rig.schema, name)
        assert set(preset.sliders) <= set(rig.schema.continuous_names)
        assert set(preset.colors) <= set(rig.schema.colors)


def test_an_unknown_preset_is_refused_with_the_known_ones(rig: BakedRig) -> None:
    with pytest.raises(InvalidInputError, match="younger, older, heavier, stylised") as caught:
        preset_for(rig.schema, "prettier")
    assert caught.value.field == "preset"


def test_a_rig_without_an_age_has_no_younger_but_a_caricature() -> None:
    with pytest.raises(InvalidInputError, match=r"no slider 'age'.*presets of this rig: stylised"):
        preset_for(TOY_SCHEMA, "younger")
    assert preset_for(TOY_SCHEMA, "stylised").name == "stylised"


def test_younger_lowers_the_age_by_the_strength_and_older_raises_it(
    rig: BakedRig, average: Character
) -> None:
    for name, age in (("younger", 0.35), ("older", 0.65)):
        changed = changed_by(rig.schema, preset_for(rig.schema, name), 0.3, average, NOTHING)
        assert changed.sliders["age"] == pytest.approx(age)


def test_no_strength_changes_not_a_digit(rig: BakedRig, moves: PresetMoves, average: Character) -> None:
    odd = with_sliders(average, {"age": 1 / 3, "head-fat": 0.123456789})
    for name in NAMES:
        assert moves.moved(preset_for(rig.schema, name), 0.0, odd, NOTHING) == odd


def test_sliders_that_a_preset_does_not_name_keep_every_digit(
    rig: BakedRig, moves: PresetMoves, average: Character
) -> None:
    odd = with_sliders(average, dict.fromkeys(rig.schema.continuous_names, 0.5 + 1e-9))
    preset = preset_for(rig.schema, "heavier")
    moved = changed_by(rig.schema, preset, 1.0, odd, NOTHING)
    assert {n for n, value in moved.sliders.items() if value != odd.sliders[n]} == set(preset.sliders)
    assert (moved.styles, moved.colors) == (odd.styles, odd.colors)


@pytest.mark.parametrize("name", NAMES)
def test_locked_sliders_and_colours_stay(
    rig: BakedRig, moves: PresetMoves, average: Character, name: str
) -> None:
    locked = frozenset({"age", "head-fat", "eye-scale", "hair", "head-scale-vert"})
    before = with_sliders(average, {"age": 0.2, "head-fat": 0.9, "eye-scale": 0.7, "head-scale-vert": 0.3})
    moved = moves.moved(preset_for(rig.schema, name), 1.0, before, locked)
    for slider in locked - {"hair"}:
        assert moved.sliders[slider] == before.sliders[slider]
    assert moved.colors["hair"] == before.colors["hair"]
    assert moved != before


def test_a_caricature_grows_departures_and_leaves_age_and_asymmetry(
    rig: BakedRig, average: Character
) -> None:
    before = with_sliders(
        average, {"nose-hump": 0.6, "chin-height": 0.3, "age": 0.8, "eye-scale-asymmetry": 0.7}
    )
    preset = preset_for(rig.schema, "stylised")
    moved = changed_by(rig.schema, preset, 1.0, before, NOTHING).sliders
    assert moved["nose-hump"] == pytest.approx(0.5 + 0.1 * (1 + preset.exaggeration))
    assert moved["chin-height"] == pytest.approx(0.5 - 0.2 * (1 + preset.exaggeration))
    assert (moved["age"], moved["eye-scale-asymmetry"]) == (0.8, 0.7)


def test_movement_of_the_average_is_the_strength(
    rig: BakedRig, moves: PresetMoves, average: Character
) -> None:
    preset = preset_for(rig.schema, "older")
    whole = moves.moved(preset, 1.0, average, NOTHING)
    half = moves.moved(preset, 0.5, average, NOTHING)
    assert moves.progress(preset, average, whole) == pytest.approx(1.0, abs=1e-4)
    assert 0.3 < moves.progress(preset, average, half) < 0.7
    assert moves.progress(preset, whole, average) == pytest.approx(-1.0, abs=1e-4)


def test_progress_is_the_projection_of_all_vertices_on_the_direction(
    rig: BakedRig, moves: PresetMoves, average: Character
) -> None:
    """The same from the vertices that the rig itself gives."""
    preset = preset_for(rig.schema, "heavier")
    other = with_sliders(average, {"cheek-volume": 0.9, "nose-hump": 0.1})

    def front(character: Character) -> torch.Tensor:
        from facewright_models.rig import front_vertices

        vertices = rig(slider_vector(rig.schema, character)[None], parts=())[0]
        return vertices[torch.from_numpy(front_vertices(rig))].double().flatten()

    direction = front(changed_by(rig.schema, preset, 1.0, average, NOTHING)) - front(average)
    expected = float((front(other) - front(average)) @ direction / direction.square().sum())
    assert moves.progress(preset, average, other) == pytest.approx(expected, rel=1e-3)


def test_at_the_end_of_the_age_other_sliders_move_the_face_on(
    rig: BakedRig, moves: PresetMoves, average: Character
) -> None:
    preset = preset_for(rig.schema, "younger")
    young = with_sliders(average, {"age": 0.0})
    alone = changed_by(rig.schema, preset, 1.0, young, NOTHING)
    moved = moves.moved(preset, 1.0, young, NOTHING)
    assert moves.progress(preset, young, alone) < 0.7
    assert moves.progress(preset, young, moved) > moves.progress(preset, young, alone) + 0.2
    substitutes = {name for name, value in moved.sliders.items() if value != alone.sliders[name]}
    assert substitutes
    groups = {p.name: p.group for p in rig.schema.parameters}
    assert not {groups[name] for name in substitutes} & {"asymmetry", "skin", "phenotype"}
    assert max(abs(moved.sliders[name] - 0.5) for name in substitutes) < 0.5


def test_older_hair_is_greyer(rig: BakedRig, average: Character) -> None:
    preset = preset_for(rig.schema, "older")
    old = changed_by(rig.schema, preset, 1.0, average, NOTHING).colors["hair"]
    share, toward = preset.colors["hair"].share, preset.colors["hair"].toward
    expected = [(1 - share) * a + share * b for a, b in zip(average.colors["hair"], toward, strict=True)]
    assert old == pytest.approx(expected)
