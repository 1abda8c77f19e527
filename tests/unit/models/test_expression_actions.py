"""Degrees move a character as they move a photo: through its facial actions, by name."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facewright_models.errors import InvalidInputError, ParameterRangeError, UnknownParameterError
from facewright_models.expression import (
    DEGREE_RANGES,
    DEGREES,
    MOODS,
    REST_DEGREES,
    Curve,
    Key,
    MoodKey,
    make_timeline,
    mood_degrees,
)
from facewright_models.expression.actions import clip_of, facial_actions
from facewright_models.foundry import random_posed
from facewright_models.look import CharacterRenderer
from facewright_models.rig import BakedRig, Character, expression_vector, slider_vector
from with_egl import require_egl

EYE_CLASSES = (5, 6)


def schema_with(rig: BakedRig, *actions: str):
    return replace(rig.schema, facial_actions=actions)


def test_a_face_at_rest_needs_no_action(rig: BakedRig) -> None:
    assert facial_actions(rig.schema, REST_DEGREES) == {}
    assert facial_actions(rig.schema, {}) == {}


@pytest.mark.parametrize(
    ("degree", "value", "expected", "absent"),
    [
        (
            "smile",
            1.0,
            ("mouthSmileLeft", "mouthSmileRight", "cheekSquintLeft"),
            ("mouthFrownLeft", "jawOpen"),
        ),
        ("sad", 1.0, ("mouthFrownLeft", "mouthFrownRight", "mouthShrugLower"), ("mouthSmileLeft",)),
        ("jaw", 1.0, ("jawOpen",), ("mouthClose",)),
        ("brow_raise", 1.0, ("browInnerUp", "browOuterUpLeft", "browOuterUpRight"), ("browDownLeft",)),
        ("frown", 1.0, ("browDownLeft", "browDownRight"), ("browInnerUp", "eyeBlinkLeft")),
        ("nose_wrinkle", 1.0, ("noseSneerLeft", "noseSneerRight"), ("browDownLeft",)),
        ("left_eye", 0.0, ("eyeBlinkLeft",), ("eyeBlinkRight", "eyeWideLeft")),
        ("right_eye", 1.5, ("eyeWideRight",), ("eyeWideLeft", "eyeBlinkRight")),
    ],
)
def test_each_degree_asks_for_its_own_actions(
    rig: BakedRig, degree: str, value: float, expected: tuple[str, ...], absent: tuple[str, ...]
) -> None:
    actions = facial_actions(rig.schema, {degree: value})
    assert all(actions[name] >= 0.5 for name in expected)
    assert not set(absent) & set(actions)


def test_closed_eyes_are_the_whole_blink_and_wide_ones_the_whole_widening(rig: BakedRig) -> None:
    closed = facial_actions(rig.schema, {"left_eye": 0.0, "right_eye": 0.0})
    assert (closed["eyeBlinkLeft"], closed["eyeBlinkRight"]) == (1.0, 1.0)
    assert all(name.startswith("eye") for name in closed)
    wide = facial_actions(rig.schema, {"left_eye": 1.5, "right_eye": 1.5})
    assert wide == {"eyeWideLeft": 1.0, "eyeWideRight": 1.0}


def test_raised_and_drawn_brows_go_up_at_their_inner_ends(rig: BakedRig) -> None:
    grief = facial_actions(rig.schema, {"brow_raise": 0.5, "frown": 0.5})
    assert grief["browInnerUp"] == 1.0
    assert not {"browOuterUpLeft", "browDownLeft"} & set(grief)


def test_actions_that_a_rig_lacks_are_left_out(rig: BakedRig) -> None:
    small = schema_with(rig, "jawOpen", "mouthSmileLeft", "mouthSmileRight", "tongueOut")
    actions = facial_actions(small, {"smile": 0.5, "jaw": 0.5, "frown": 1.0})
    assert set(actions) == {"jawOpen", "mouthSmileLeft", "mouthSmileRight"}


@pytest.mark.parametrize("value", [-0.1, 1.1, math.nan, math.inf])
def test_degrees_out_of_range_are_refused(rig: BakedRig, value: float) -> None:
    with pytest.raises(ParameterRangeError, match="smile is") as refused:
        facial_actions(rig.schema, {"smile": value})
    assert refused.value.field == "smile"


def test_unknown_degrees_are_refused(rig: BakedRig) -> None:
    with pytest.raises(UnknownParameterError, match="no degree 'smirk'"):
        facial_actions(rig.schema, {"smirk": 0.5})


WHOLE = st.fixed_dictionaries({name: st.floats(low, high) for name, (low, high) in DEGREE_RANGES.items()})


@settings(max_examples=100, deadline=None)
@given(degrees=WHOLE)
def test_any_degrees_are_actions_that_the_rig_takes(rig: BakedRig, degrees: dict[str, float]) -> None:
    actions = facial_actions(rig.schema, degrees)
    assert expression_vector(rig.schema, actions).shape == (len(rig.schema.facial_actions),)
    assert 0.0 not in actions.values()


@settings(max_examples=50, deadline=None)
@given(degrees=WHOLE, name=st.sampled_from(DEGREES), step=st.floats(0, 1e-3))
def test_a_small_change_of_a_degree_is_a_small_change_of_the_face(
    rig: BakedRig, degrees: dict[str, float], name: str, step: float
) -> None:
    changed = {**degrees, name: min(degrees[name] + step, DEGREE_RANGES[name][1])}
    before, after = (expression_vector(rig.schema, facial_actions(rig.schema, d)) for d in (degrees, changed))
    assert float((after - before).abs().max()) <= 6 * step + 1e-6


# ---------------------------------------------------------------------------------------------- on the mesh


def points(rig: BakedRig, average: Character, degrees: dict[str, float]) -> np.ndarray:
    """(68, 3) metres of the average character."""
    actions = expression_vector(rig.schema, facial_actions(rig.schema, degrees))
    return rig.landmarks(slider_vector(rig.schema, average)[None], actions[None])[0].numpy()


def corner_lift(marks: np.ndarray) -> float:
    return float(marks[[48, 54], 1].mean() - marks[[51, 57], 1].mean())


def mouth_opening(marks: np.ndarray) -> float:
    return float(marks[62, 1] - marks[66, 1])


def brow_height(marks: np.ndarray) -> float:
    return float(marks[17:27, 1].mean())


def inner_brow_slope(marks: np.ndarray) -> float:
    return float(marks[[21, 22], 1].mean() - marks[[17, 26], 1].mean())


@pytest.mark.parametrize(
    ("degree", "measure", "sign"),
    [
        ("smile", corner_lift, 1),
        ("sad", corner_lift, -1),
        ("jaw", mouth_opening, 1),
        ("brow_raise", brow_height, 1),
        ("frown", brow_height, -1),
    ],
)
def test_the_mesh_follows_each_degree_step_by_step(
    rig: BakedRig, average: Character, degree, measure, sign
) -> None:
    values = [sign * measure(points(rig, average, {degree: share})) for share in (0, 0.25, 0.5, 0.75, 1)]
    assert values == sorted(values)
    assert values[-1] - values[0] > 0.002  # 2 mm


def test_moods_are_told_apart_on_the_mesh(rig: BakedRig, average: Character) -> None:
    rest = points(rig, average, {})
    marks = {mood: points(rig, average, mood_degrees(mood)) for mood in MOODS}
    assert corner_lift(marks["smile"]) > corner_lift(rest) + 0.002
    for mood in ("sad", "crying", "angry"):
        assert corner_lift(marks[mood]) < corner_lift(rest) - 0.001
    assert inner_brow_slope(marks["sad"]) > inner_brow_slope(rest) > inner_brow_slope(marks["angry"])
    assert brow_height(marks["surprised"]) > brow_height(rest) > brow_height(marks["angry"])
    assert mouth_opening(marks["surprised"]) > mouth_opening(rest) + 0.005


def seen_eyes(renderer: CharacterRenderer, rig: BakedRig, character: Character, opening: float) -> int:
    """Pixels."""
    actions = facial_actions(rig.schema, {"left_eye": opening, "right_eye": opening})
    frame = renderer.render(character, expression=actions, passes=frozenset({"labels"})).frame
    return int(np.isin(frame.labels, EYE_CLASSES).sum())


def test_what_is_seen_of_the_eyes_is_what_was_asked_for(rig: BakedRig, average: Character) -> None:
    require_egl()
    openings = [1.0, 0.75, 0.5, 0.25, 0.0]
    with CharacterRenderer(rig, size_px=512, texture_px=64, backend="egl") as renderer:
        seen = np.array([seen_eyes(renderer, rig, average, opening) for opening in openings])
    assert seen / seen[0] == pytest.approx(openings, abs=0.1)
    assert seen[-1] == 0


def test_eyes_of_any_head_are_closed_at_zero(rig: BakedRig) -> None:
    require_egl()
    generator = np.random.default_rng(1)
    with CharacterRenderer(rig, size_px=512, texture_px=64, backend="egl") as renderer:
        for _ in range(12):
            character = random_posed(rig.schema, generator, turned=0.0).character
            open_eyes = seen_eyes(renderer, rig, character, 1.0)
            assert seen_eyes(renderer, rig, character, 0.0) <= 0.01 * open_eyes


# ---------------------------------------------------------------------------------------------- clips


def test_a_timeline_is_a_clip_of_the_character(rig: BakedRig) -> None:
    smile = Curve(name="smile", keys=(Key(time=0, value=0.0, easing="linear"), Key(time=1, value=1.0)))
    timeline = make_timeline(curves=[smile], frame_count=5, fps=30_000 / 1001)
    clip = clip_of(rig.schema, timeline)
    assert clip.actions.shape == (5, len(rig.schema.facial_actions))
    assert clip.times_secs == pytest.approx(timeline.times_secs)
    column = rig.schema.facial_actions.index("mouthSmileLeft")
    assert clip.actions[:, column] == pytest.approx([0.0, 0.25, 0.5, 0.75, 1.0])
    for index, degrees in enumerate(timeline.degrees(REST_DEGREES)):
        expected = expression_vector(rig.schema, facial_actions(rig.schema, degrees)).numpy()
        assert clip.actions[index] == pytest.approx(expected)


def test_a_clip_at_rest_still_has_its_frames(rig: BakedRig) -> None:
    still = Curve(name="smile", keys=(Key(time=0, value=0.0),))
    clip = clip_of(rig.schema, make_timeline(curves=[still], frame_count=7, fps=25))
    assert clip.actions.shape[0] == len(clip.views) == 7
    assert not clip.actions.any()


def test_a_rig_without_the_actions_is_refused(rig: BakedRig) -> None:
    timeline = make_timeline(moods=[MoodKey(time=0, mood="angry")], frame_count=2, fps=25)
    with pytest.raises(InvalidInputError, match="none of the facial actions"):
        clip_of(schema_with(rig, "tongueOut"), timeline)
