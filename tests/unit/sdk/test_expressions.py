"""Motions as values, and the JSON that they are written as."""

import math

import pytest

from facewright import Curve, Key, MoodKey, Motion, errors
from facewright._expression_requests import expression_video_request
from facewright_models.expression.moods import MOODS
from facewright_models.expression.timeline import EASINGS, ORDERS


def test_evenly_spaced_values_become_keys() -> None:
    assert Curve.through("smile", 0, 0.5, 1, easing="linear").keys == (
        Key(0.0, 0, "linear"),
        Key(0.5, 0.5, "linear"),
        Key(1.0, 1, "linear"),
    )
    assert Curve.through("jaw", 0.3).keys == (Key(0.0, 0.3),)


def test_one_mood_begins_at_the_photo_s_own_face_and_several_follow_each_other() -> None:
    assert MoodKey.sequence("sad") == (MoodKey(0.0, "sad", 0.0), MoodKey(1.0, "sad", 1.0))
    assert [(key.time, key.mood, key.strength) for key in MoodKey.sequence("smile", "serious", "sad")] == [
        (0.0, "smile", 1.0),
        (0.5, "serious", 1.0),
        (1.0, "sad", 1.0),
    ]


def test_the_client_knows_the_names_that_the_server_knows() -> None:
    from facewright import expressions

    assert expressions.EASINGS == EASINGS
    assert expressions.ORDERS == ORDERS
    assert all(mood in (MoodKey.__doc__ or "") for mood in MOODS)


def test_a_motion_reads_from_json() -> None:
    text = """{"frame_count": 48, "fps": 24, "loop": true, "order": "ascending",
        "curves": [{"name": "smile", "keys": [{"time": 0, "value": 0}, {"time": 1, "value": 0.9, "easing": "hold"}]}],
        "moods": [{"time": 0.5, "mood": "sad", "strength": 0.5}]}"""
    assert Motion.from_json(text) == Motion(
        curves=(Curve("smile", (Key(0, 0), Key(1, 0.9, "hold"))),),
        moods=(MoodKey(0.5, "sad", 0.5),),
        frame_count=48,
        fps=24,
        loop=True,
        order="ascending",
    )
    assert Motion.from_json("{}") == Motion()
    assert Motion.from_json('{"frame_count": null}') == Motion()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("[]", "the motion is not an object"),
        ('{"curve": []}', "not an object with some of curves, moods"),
        ('{"curves": {}}', "curves of the motion is not a list"),
        ('{"curves": [{"keys": []}]}', r"curves\[0\] has no name"),
        ('{"curves": [{"name": "smile"}]}', r"curves\[0\] has no keys"),
        ('{"curves": [{"name": 3, "keys": []}]}', r"name of curves\[0\] is 3; expected a text"),
        ('{"curves": [{"name": "smile", "keys": [{"time": 0}]}]}', r"curves\[0\].keys\[0\] has no value"),
        (
            '{"curves": [{"name": "smile", "keys": [{"time": "0", "value": 1}]}]}',
            "time of .* is '0'; expected a number",
        ),
        ('{"frame_count": 2.5}', "frame_count of the motion is 2.5; expected a whole number"),
        ('{"frame_count": true}', "expected a whole number"),
        ('{"loop": 1}', "expected true or false"),
        ('{"moods": [7]}', r"moods\[0\] is not an object"),
    ],
)
def test_what_is_no_motion_is_a_clear_error(text: str, message: str) -> None:
    with pytest.raises(errors.MotionFileError, match=message) as caught:
        Motion.from_json(text)
    assert caught.value.reason == "INVALID_MOTION_FILE"


def test_nan_in_a_motion_is_left_for_the_server_to_refuse() -> None:
    assert math.isnan(Motion.from_json('{"fps": NaN}').fps or 0.0)


@pytest.mark.parametrize(
    ("motion", "message"),
    [
        (Motion(order="upwards"), "'upwards', expected one of as_given"),
        (Motion([Curve.through("smile", 1, easing="bounce")]), "'bounce', expected one of linear"),
        (Motion(frame_count=2**40), "does not fit its field"),
        (Motion(fps="fast"), "does not fit its field"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_said_on_the_wire_is_refused_before_it_is_sent(motion: Motion, message: str) -> None:
    with pytest.raises(errors.InvalidInputError, match=message):
        expression_video_request(b"x", motion, request_id="")


def test_a_photo_that_no_message_holds_is_refused_before_it_is_sent() -> None:
    with pytest.raises(errors.MessageTooLargeError):
        expression_video_request(bytes(33 * 1024 * 1024), Motion(), request_id="")
