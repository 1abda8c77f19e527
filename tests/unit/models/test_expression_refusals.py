"""What cannot be animated is refused with its place, before a frame is drawn."""

import math

import pytest

from facewright_models.errors import InvalidInputError, ParameterRangeError, UnknownParameterError
from facewright_models.expression import REST_DEGREES, Curve, Key, MoodKey, make_timeline


def ramp(name: str, start: float, end: float, easing: str = "linear") -> Curve:
    return Curve(name=name, keys=(Key(time=0.0, value=start, easing=easing), Key(time=1.0, value=end)))


def constant(name: str, value: float) -> Curve:
    return Curve(name=name, keys=(Key(time=0.5, value=value),))


NAN, INFINITY = math.nan, math.inf
SMILE = ramp("smile", 0, 1)


@pytest.mark.parametrize("frame_count", [0, -1, 3001, 10_000])
def test_no_frames_and_too_many_are_refused(frame_count: int) -> None:
    with pytest.raises(ParameterRangeError, match=r"expected 1 to 3,000") as refused:
        make_timeline(curves=[SMILE], frame_count=frame_count, fps=25)
    assert refused.value.field == "frame_count"


def test_the_limit_of_frames_can_be_set() -> None:
    assert len(make_timeline(curves=[SMILE], frame_count=3000, fps=25).degrees(REST_DEGREES)) == 3000
    with pytest.raises(ParameterRangeError, match="1 to 10"):
        make_timeline(curves=[SMILE], frame_count=11, fps=25, max_frames=10)


@pytest.mark.parametrize("fps", [0.0, -25.0, 120.5, NAN, INFINITY, -INFINITY])
def test_a_frame_rate_that_nothing_plays_is_refused(fps: float) -> None:
    with pytest.raises(ParameterRangeError, match="fps is") as refused:
        make_timeline(curves=[SMILE], frame_count=2, fps=fps)
    assert refused.value.field == "fps"


def test_nothing_to_animate_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="nothing would move") as refused:
        make_timeline(frame_count=2, fps=25)
    assert refused.value.field == "curves"


@pytest.mark.parametrize(
    ("name", "value", "relative", "expected"),
    [
        ("smile", 1.1, False, r"\[0, 1\]"),
        ("smile", -0.1, False, r"\[0, 1\]"),
        ("eyes", 1.6, False, r"\[0, 1.5\]"),
        ("brows", NAN, False, r"\[0, 1\]"),
        ("left_eye", INFINITY, False, r"\[0, 1.5\]"),
        ("jaw", -1.1, True, r"\[-1, 1\] to add"),
        ("eyes", 1.2, True, r"\[-1, 1\] to add"),
        ("eyes", NAN, True, r"\[-1, 1\] to add"),
    ],
)
def test_values_out_of_range_are_refused(name: str, value: float, relative: bool, expected: str) -> None:
    with pytest.raises(ParameterRangeError, match=f"{name} is .*{expected}") as refused:
        make_timeline(curves=[SMILE if name != "smile" else ramp("jaw", 0, 1), ramp(name, 0, value)],
                      frame_count=2, fps=25, relative=relative)  # fmt: skip
    assert refused.value.field == "curves[1].keys[1].value"


@pytest.mark.parametrize("time", [-0.01, 1.01, NAN, INFINITY])
def test_times_outside_the_clip_are_refused(time: float) -> None:
    curve = Curve(name="jaw", keys=(Key(time=time, value=0.5),))
    with pytest.raises(ParameterRangeError, match="key at time") as refused:
        make_timeline(curves=[curve], frame_count=2, fps=25)
    assert refused.value.field == "curves[0].keys[0].time"
    with pytest.raises(ParameterRangeError) as refused:
        make_timeline(moods=[MoodKey(time=time, mood="sad")], frame_count=2, fps=25)
    assert refused.value.field == "moods[0].time"


@pytest.mark.parametrize("second", [0.3, 0.5])
def test_keys_out_of_order_or_at_one_time_are_refused(second: float) -> None:
    curve = Curve(name="jaw", keys=(Key(time=0.5, value=0.5), Key(time=second, value=0.1)))
    with pytest.raises(InvalidInputError, match="expected times that ascend") as refused:
        make_timeline(curves=[curve], frame_count=2, fps=25)
    assert refused.value.field == "curves[0].keys[1].time"
    moods = [MoodKey(time=0.5, mood="sad"), MoodKey(time=second, mood="angry")]
    with pytest.raises(InvalidInputError, match="expected times that ascend") as refused:
        make_timeline(moods=moods, frame_count=2, fps=25)
    assert refused.value.field == "moods[1].time"


def test_a_curve_without_keys_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="no keys") as refused:
        make_timeline(curves=[Curve(name="jaw", keys=())], frame_count=2, fps=25)
    assert refused.value.field == "curves[0].keys"


def test_unknown_names_are_refused_with_close_ones() -> None:
    with pytest.raises(UnknownParameterError, match="did you mean smile") as refused:
        make_timeline(curves=[constant("smille", 0.5)], frame_count=2, fps=25)
    assert refused.value.field == "curves[0].name"
    with pytest.raises(UnknownParameterError, match="did you mean sad") as refused:
        make_timeline(moods=[MoodKey(time=0, mood="sadd")], frame_count=2, fps=25)
    assert refused.value.field == "moods[0].mood"
    with pytest.raises(UnknownParameterError, match="easings: linear") as refused:
        make_timeline(curves=[ramp("jaw", 0, 1, "bounce")], frame_count=2, fps=25)
    assert refused.value.field == "curves[0].keys[0].easing"
    with pytest.raises(UnknownParameterError, match="orders: as_given") as refused:
        make_timeline(curves=[SMILE], frame_count=2, fps=25, order="random")
    assert refused.value.field == "order"


@pytest.mark.parametrize("strength", [-0.1, 1.1, NAN])
def test_strengths_out_of_range_are_refused(strength: float) -> None:
    with pytest.raises(ParameterRangeError, match="strength of the mood 'sad'") as refused:
        make_timeline(moods=[MoodKey(time=0, mood="sad", strength=strength)], frame_count=2, fps=25)
    assert refused.value.field == "moods[0].strength"


@pytest.mark.parametrize(
    ("first", "second", "degree"),
    [
        ("smile", "smile", "smile"),
        ("eyes", "left_eye", "left_eye"),
        ("right_eye", "eyes", "right_eye"),
        ("brow_raise", "brows", "brow_raise"),
    ],
)
def test_two_curves_for_one_degree_contradict_each_other(first: str, second: str, degree: str) -> None:
    with pytest.raises(InvalidInputError, match=f"contradict each other: both drive {degree}") as refused:
        make_timeline(curves=[constant(first, 0.5), constant(second, 0.5)], frame_count=2, fps=25)
    assert refused.value.field == "curves[1].name"


def test_a_smile_and_a_sad_mouth_at_the_same_time_contradict_each_other() -> None:
    with pytest.raises(InvalidInputError, match="same corners of the mouth") as refused:
        make_timeline(curves=[SMILE, ramp("sad", 0, 1)], frame_count=11, fps=25)
    assert refused.value.field == "curves"
    assert float(refused.value.metadata["time"]) == pytest.approx(0.6)


@pytest.mark.parametrize("easing", ["linear", "ease_in_out"])
def test_a_smile_that_becomes_a_sad_mouth_is_no_contradiction(easing: str) -> None:
    timeline = make_timeline(
        curves=[ramp("smile", 1, 0, easing), ramp("sad", 0, 1, easing)], frame_count=1000, fps=25
    )
    assert timeline.frame_count == 1000


def test_an_order_by_amplitude_contradicts_a_sequence_of_moods() -> None:
    moods = [MoodKey(time=0, mood="smile"), MoodKey(time=1, mood="sad")]
    with pytest.raises(InvalidInputError, match="contradicts the moods") as refused:
        make_timeline(moods=moods, frame_count=2, fps=25, order="ascending")
    assert refused.value.field == "order"
    one = [MoodKey(time=0, mood="smile"), MoodKey(time=1, mood="smile", strength=0)]
    frames = make_timeline(moods=one, frame_count=5, fps=25, order="ascending").degrees(REST_DEGREES)
    assert [frame["smile"] for frame in frames] == sorted(frame["smile"] for frame in frames)


def test_an_own_face_that_is_no_number_is_refused() -> None:
    timeline = make_timeline(curves=[constant("jaw", 0.5)], frame_count=1, fps=25, relative=True)
    with pytest.raises(ParameterRangeError, match="own jaw is nan"):
        timeline.degrees({"jaw": NAN})
