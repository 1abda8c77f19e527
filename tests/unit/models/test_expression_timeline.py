"""Curves and moods become degrees of frames; what contradicts itself is refused."""

import math
from itertools import cycle, pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facewright_models.expression import (
    DEGREE_RANGES,
    DEGREES,
    EASINGS,
    MOODS,
    REST_DEGREES,
    Curve,
    Key,
    MoodKey,
    Timeline,
    make_timeline,
)

OWN = {**REST_DEGREES, "smile": 0.3, "jaw": 0.1, "left_eye": 0.9}


def ramp(name: str, start: float, end: float, easing: str = "linear") -> Curve:
    return Curve(name=name, keys=(Key(time=0.0, value=start, easing=easing), Key(time=1.0, value=end)))


def constant(name: str, value: float) -> Curve:
    return Curve(name=name, keys=(Key(time=0.5, value=value),))


def column(timeline: Timeline, name: str, own: dict[str, float] = OWN) -> list[float]:
    return [frame[name] for frame in timeline.degrees(own)]


# ---------------------------------------------------------------------------------------------- curves


def test_a_linear_curve_goes_from_its_first_value_to_its_last_in_equal_steps() -> None:
    timeline = make_timeline(curves=[ramp("smile", 0.0, 1.0)], frame_count=5, fps=25)
    assert column(timeline, "smile") == pytest.approx([0.0, 0.25, 0.5, 0.75, 1.0])


@pytest.mark.parametrize(
    ("easing", "quarter", "half", "three_quarters"),
    [
        ("linear", 0.25, 0.5, 0.75),
        ("ease_in", 0.0625, 0.25, 0.5625),
        ("ease_out", 0.4375, 0.75, 0.9375),
        ("ease_in_out", 0.15625, 0.5, 0.84375),
        ("hold", 0.0, 0.0, 0.0),
    ],
)
def test_each_easing_has_its_course(easing: str, quarter: float, half: float, three_quarters: float) -> None:
    timeline = make_timeline(curves=[ramp("jaw", 0.0, 1.0, easing)], frame_count=5, fps=25)
    assert column(timeline, "jaw") == pytest.approx([0.0, quarter, half, three_quarters, 1.0])


def test_every_easing_that_is_named_has_a_test_above() -> None:
    assert set(EASINGS) == {"linear", "ease_in", "ease_out", "ease_in_out", "hold"}


def test_a_curve_rests_before_its_first_key_and_after_its_last() -> None:
    keys = (Key(time=0.25, value=0.2, easing="linear"), Key(time=0.75, value=0.6))
    timeline = make_timeline(curves=[Curve(name="frown", keys=keys)], frame_count=9, fps=25)
    assert column(timeline, "frown") == pytest.approx([0.2, 0.2, 0.2, 0.3, 0.4, 0.5, 0.6, 0.6, 0.6])


def test_only_driven_degrees_are_named_so_that_the_photo_keeps_the_others() -> None:
    timeline = make_timeline(curves=[ramp("smile", 0, 1), ramp("eyes", 1, 0)], frame_count=3, fps=25)
    assert timeline.driven == ("left_eye", "right_eye", "smile")
    assert all(tuple(frame) == timeline.driven for frame in timeline.degrees(OWN))


def test_groups_drive_both_eyes_and_the_brows() -> None:
    timeline = make_timeline(curves=[ramp("eyes", 1, 0), constant("brows", 0.4)], frame_count=2, fps=25)
    assert timeline.degrees(OWN) == [
        {"left_eye": 1.0, "right_eye": 1.0, "brow_raise": 0.4},
        {"left_eye": 0.0, "right_eye": 0.0, "brow_raise": 0.4},
    ]


def test_one_frame_shows_the_end_of_the_clip() -> None:
    for loop in (False, True):
        timeline = make_timeline(curves=[ramp("smile", 0, 1)], frame_count=1, fps=25, loop=loop)
        assert column(timeline, "smile") == [1.0]


def test_relative_curves_are_added_to_the_photo_and_stay_in_range() -> None:
    timeline = make_timeline(
        curves=[ramp("smile", -1, 1), ramp("eyes", 0, -0.5)], frame_count=3, fps=25, relative=True
    )
    frames = timeline.degrees(OWN)
    assert [frame["smile"] for frame in frames] == pytest.approx([0.0, 0.3, 1.0])
    assert [frame["left_eye"] for frame in frames] == pytest.approx([0.9, 0.65, 0.4])
    assert [frame["right_eye"] for frame in frames] == pytest.approx([1.0, 0.75, 0.5])


def test_relative_minus_one_closes_open_eyes() -> None:
    timeline = make_timeline(curves=[constant("eyes", -1.0)], frame_count=1, fps=25, relative=True)
    assert timeline.degrees(REST_DEGREES) == [{"left_eye": 0.0, "right_eye": 0.0}]


def test_times_follow_a_fractional_frame_rate() -> None:
    timeline = make_timeline(curves=[constant("jaw", 0.5)], frame_count=4, fps=30_000 / 1001)
    assert timeline.times_secs == pytest.approx([0.0, 0.0333667, 0.0667333, 0.1001], abs=1e-6)


# ---------------------------------------------------------------------------------------------- moods


def test_moods_follow_one_another_and_take_back_what_came_before() -> None:
    moods = [
        MoodKey(time=0.0, mood="smile"),
        MoodKey(time=0.5, mood="serious"),
        MoodKey(time=1.0, mood="sad"),
    ]
    frames = make_timeline(moods=moods, frame_count=5, fps=25).degrees(OWN)
    assert frames[0] == pytest.approx(dict(MOODS["smile"]))
    assert frames[2] == pytest.approx(dict(MOODS["serious"]))
    assert frames[4] == pytest.approx(dict(MOODS["sad"]))
    between = {name: (MOODS["smile"][name] + MOODS["serious"][name]) / 2 for name in DEGREES}
    assert frames[1] == pytest.approx(between)


def test_a_mood_of_no_strength_is_the_photo() -> None:
    moods = [MoodKey(time=0.0, mood="angry", strength=0.0), MoodKey(time=1.0, mood="angry")]
    for relative in (False, True):
        first, last = make_timeline(moods=moods, frame_count=2, fps=25, relative=relative).degrees(OWN)
        assert first == pytest.approx(OWN)
        assert last["frown"] == pytest.approx(MOODS["angry"]["frown"])


def test_a_relative_mood_keeps_what_the_photo_shows() -> None:
    timeline = make_timeline(
        moods=[MoodKey(time=0.0, mood="surprised")], frame_count=1, fps=25, relative=True
    )
    (frame,) = timeline.degrees(OWN)
    assert frame["jaw"] == pytest.approx(MOODS["surprised"]["jaw"] + 0.1)
    assert frame["smile"] == pytest.approx(0.3)


def test_a_curve_overrides_what_a_mood_says_of_its_degree() -> None:
    timeline = make_timeline(
        curves=[ramp("eyes", 1, 0)], moods=[MoodKey(time=0.0, mood="angry")], frame_count=3, fps=25
    )
    assert column(timeline, "left_eye") == pytest.approx([1.0, 0.5, 0.0])
    assert column(timeline, "frown") == pytest.approx([MOODS["angry"]["frown"]] * 3)


def test_the_corners_of_a_mood_give_way_to_a_smile() -> None:
    timeline = make_timeline(
        curves=[ramp("smile", 0, 1)], moods=[MoodKey(time=0.0, mood="crying")], frame_count=3, fps=25
    )
    assert column(timeline, "sad") == pytest.approx([1.0, 0.5, 0.0])


# ---------------------------------------------------------------------------------------------- loops, order


@pytest.mark.parametrize("frame_count", [2, 3, 4, 5, 8, 9, 30])
def test_a_loop_goes_there_and_back_without_a_jump(frame_count: int) -> None:
    timeline = make_timeline(curves=[ramp("smile", 0, 1)], frame_count=frame_count, fps=25, loop=True)
    smiles = column(timeline, "smile")
    assert len(smiles) == frame_count
    assert (smiles[0], max(smiles)) == (0.0, 1.0)
    step = 1 / (frame_count // 2)
    again = [*smiles, smiles[0]]
    assert all(abs(later - earlier) <= step + 1e-9 for earlier, later in pairwise(again))
    assert smiles[1:] == pytest.approx(smiles[:0:-1])


def test_frames_of_a_loop_can_be_changed_one_by_one() -> None:
    frames = make_timeline(curves=[ramp("jaw", 0, 1)], frame_count=8, fps=25, loop=True).degrees(OWN)
    frames[1]["jaw"] = -1.0
    assert [frame["jaw"] for frame in frames].count(-1.0) == 1


def test_frames_come_in_the_order_of_their_amplitude() -> None:
    keys = tuple(
        Key(time=time, value=value, easing="linear") for time, value in ((0, 0.2), (0.4, 1.0), (1, 0.0))
    )
    for name, own in (("smile", OWN), ("smile", {**OWN, "smile": 0.6}), ("jaw", OWN)):
        given_curve = {"curves": [Curve(name=name, keys=keys)], "frame_count": 11, "fps": 25.0}
        as_given = column(make_timeline(**given_curve), name, own)
        assert column(make_timeline(**given_curve, order="ascending"), name, own) == sorted(as_given)
        assert column(make_timeline(**given_curve, order="descending"), name, own) == sorted(as_given)[::-1]


def test_eyes_that_close_have_a_growing_amplitude() -> None:
    timeline = make_timeline(curves=[ramp("eyes", 0, 1.2)], frame_count=13, fps=25, order="ascending")
    eyes = column(timeline, "right_eye")
    assert eyes == sorted(eyes, reverse=True)
    amplitudes = timeline.amplitudes(REST_DEGREES)
    assert amplitudes[0] == pytest.approx(-0.2 * math.sqrt(2))
    assert amplitudes[-1] == pytest.approx(math.sqrt(2))


def test_the_amplitude_is_counted_from_the_photos_own_face() -> None:
    timeline = make_timeline(curves=[ramp("smile", 0, 1)], frame_count=3, fps=25)
    assert timeline.amplitudes(OWN) == pytest.approx([-0.3, 0.2, 0.7])
    still = make_timeline(curves=[constant("smile", 0.0)], frame_count=3, fps=25)
    assert still.amplitudes(OWN) == [0.0, 0.0, 0.0]


def test_a_sorted_loop_still_repeats_without_a_jump() -> None:
    keys = tuple(
        Key(time=time, value=value, easing="linear") for time, value in ((0, 0.5), (0.5, 1.0), (1, 0.0))
    )
    timeline = make_timeline(
        curves=[Curve(name="jaw", keys=keys)], frame_count=20, fps=25, loop=True, order="descending"
    )
    jaws = column(timeline, "jaw")
    assert jaws[0] == max(jaws)
    assert jaws[10] == min(jaws)
    assert jaws[1:] == pytest.approx(jaws[:0:-1])


# ---------------------------------------------------------------------------------------------- any clip


UNIT = st.floats(0, 1)
TIMES = st.lists(UNIT, min_size=1, max_size=5, unique=True).map(sorted)
CURVED = ["eyes", "smile", "jaw", "brows", "frown", "nose_wrinkle"]
# Plain values: code whose types are checked at run time draws numbers of its own, which a strategy must not.
CLIPS = st.fixed_dictionaries(
    {
        "curves": st.dictionaries(st.sampled_from(CURVED), TIMES, max_size=4),
        "moods": st.lists(UNIT, max_size=4, unique=True).map(sorted),
        "mood": st.sampled_from(sorted(MOODS)),
        "values": st.lists(UNIT, min_size=12, max_size=12),
        "easings": st.lists(st.sampled_from(EASINGS), min_size=5, max_size=5),
        "frame_count": st.integers(1, 40),
        "fps": st.floats(0.5, 120),
        "loop": st.booleans(),
        "order": st.sampled_from(["as_given", "ascending", "descending"]),
        "relative": st.booleans(),
    }
).filter(lambda clip: clip["curves"] or clip["moods"])
OWNS = st.fixed_dictionaries({name: st.floats(low, high) for name, (low, high) in DEGREE_RANGES.items()})


def timeline_of(clip: dict[str, Any], **changes: Any) -> Timeline:
    low, high = (-1.0, 1.0) if clip["relative"] else (0.0, 1.0)
    values, easings = cycle(clip["values"]), cycle(clip["easings"])
    curves = [
        Curve(
            name=name,
            keys=tuple(
                Key(time=time, value=low + (high - low) * next(values), easing=next(easings))
                for time in times
            ),
        )
        for name, times in clip["curves"].items()
    ]
    moods = [MoodKey(time=time, mood=clip["mood"], strength=next(values)) for time in clip["moods"]]
    fixed = {name: clip[name] for name in ("frame_count", "fps", "loop", "order", "relative")}
    return make_timeline(curves=curves, moods=moods, **{**fixed, **changes})


@settings(max_examples=200, deadline=None)
@given(clip=CLIPS, own=OWNS)
def test_any_clip_has_all_frames_in_range_and_in_order(clip: dict[str, Any], own: dict[str, float]) -> None:
    timeline = timeline_of(clip)
    frames = timeline.degrees(own)
    assert len(frames) == len(timeline.times_secs) == timeline.frame_count
    for frame in frames:
        assert tuple(frame) == timeline.driven
        assert all(DEGREE_RANGES[name][0] <= value <= DEGREE_RANGES[name][1] for name, value in frame.items())
    amplitudes = timeline.amplitudes(own)
    way = amplitudes[: timeline.frame_count // 2 + 1] if timeline.loop else amplitudes
    if timeline.order == "ascending":
        assert all(later >= earlier - 1e-6 for earlier, later in pairwise(way))
    if timeline.order == "descending":
        assert all(later <= earlier + 1e-6 for earlier, later in pairwise(way))
    if timeline.loop:
        assert frames[1:] == frames[:0:-1]


@settings(max_examples=100, deadline=None)
@given(clip=CLIPS, own=OWNS)
def test_an_order_only_reorders(clip: dict[str, Any], own: dict[str, float]) -> None:
    def frames(order: str) -> list[list[tuple[str, float]]]:
        timeline = timeline_of(clip, order=order, loop=False)
        return sorted(sorted(frame.items()) for frame in timeline.degrees(own))

    assert frames("as_given") == frames("ascending") == frames("descending")


@settings(max_examples=100, deadline=None)
@given(
    start=UNIT,
    end=UNIT,
    easing=st.sampled_from(EASINGS),
    frame_count=st.integers(2, 60),
)
def test_a_curve_never_leaves_its_keys_and_never_turns_back(
    start: float, end: float, easing: str, frame_count: int
) -> None:
    values = column(
        make_timeline(curves=[ramp("jaw", start, end, easing)], frame_count=frame_count, fps=25), "jaw"
    )
    assert (values[0], values[-1]) == (start, end)
    sign = 1 if end >= start else -1
    assert all(sign * (later - earlier) >= -1e-12 for earlier, later in pairwise(values))
