"""Clips as values and as files: JSON, CSV of Live Link Face, views by name."""

import json
import math
from pathlib import Path

import pytest

from facewright import Clip, View
from facewright.clips import CAMERAS
from facewright.errors import ClipFileError

LIVE_LINK = """Timecode,BlendShapeCount,EyeBlinkLeft,JawOpen,TongueOut,HeadYaw,HeadPitch,HeadRoll,LeftEyeYaw,RightEyeYaw
10:21:33:58.120,61,0.25,1.02,0,0.31,-0.1,0,0.01,0
10:21:33:59.120,61,0.5,-0.004,0,0.31,-0.1,0,0.01,0
10:21:34:00.120,61,0.75,0.5,0,0.31,-0.1,0,0.01,0
"""


def test_the_json_of_the_documentation_is_read() -> None:
    clip = Clip.from_json(
        '{"fps": 30, "curves": ["jawOpen", "mouthSmileLeft"], "weights": [[0, 0.1], [0.2, 0.1]], '
        '"yaw_degrees": [0, 5]}'
    )
    assert clip.curves == ("jawOpen", "mouthSmileLeft")
    assert list(clip.weights) == pytest.approx([0, 0.1, 0.2, 0.1])
    assert (clip.frame_count, clip.fps, list(clip.yaw_degrees)) == (2, 30.0, [0.0, 5.0])


def test_the_csv_of_live_link_face_is_read() -> None:
    clip = Clip.from_csv(("\ufeff" + LIVE_LINK).encode())
    assert clip.curves == ("eyeBlinkLeft", "jawOpen", "tongueOut")
    assert list(clip.weights) == [0.25, 1.0, 0.0, 0.5, 0.0, 0.0, 0.75, 0.5, 0.0]
    assert list(clip.times_secs) == pytest.approx([0, 1 / 60, 2 / 60])
    assert clip.fps is None


def test_timecodes_that_do_not_ascend_give_way_to_sixty_frames_a_second() -> None:
    clip = Clip.from_csv(LIVE_LINK.replace("10:21:34:00.120", "10:21:33:10.120"))
    assert (clip.fps, len(clip.times_secs), clip.frame_count) == (60.0, 0, 3)


def test_a_plain_csv_may_have_times_and_angles() -> None:
    clip = Clip.from_csv("time_secs,jawOpen,yaw_degrees\n0,0.5,-3\n0.5,nan,4\n")
    assert clip.curves == ("jawOpen",)
    assert clip.weights[0] == 0.5
    assert math.isnan(clip.weights[1])  # not hidden: the server refuses it by name
    assert (list(clip.times_secs), list(clip.yaw_degrees)) == ([0.0, 0.5], [-3.0, 4.0])


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.json", "{", "not JSON"),
        ("a.json", "[]", "not an object"),
        ("a.json", '{"curve": []}', "not an object with some of curves"),
        ("a.json", '{"curves": [1], "weights": []}', "not a list of names"),
        ("a.json", '{"curves": ["jawOpen"], "weights": [[0], [0, 1]]}', r"weights\[1\]"),
        ("a.json", '{"curves": ["jawOpen"], "weights": [["x"]]}', "no number"),
        ("a.json", '{"weights": 3}', "not a list"),
        ("a.json", '{"fps": {}}', "fps"),
        ("a.csv", "", "header"),
        ("a.csv", "jawOpen,jawLeft\n1\n", "row 2"),
        ("a.csv", "jawOpen\nx\n", "no number"),
        ("a.csv", b"\xff\xfe\x00", "not a CSV"),
        ("a.fbx", "x", r"\.json or \.csv"),
    ],
)
def test_a_file_that_is_no_clip_is_refused_and_says_why(
    name: str, text: str | bytes, message: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(ClipFileError, match=message) as caught:
        Clip.from_file(path)
    assert caught.value.reason == "INVALID_CLIP_FILE"


def test_json_of_a_clip_with_a_bad_number_of_rows_is_found_by_its_row(tmp_path: Path) -> None:
    rows = [[0.5]] * 40 + [[]]
    with pytest.raises(ClipFileError, match=r"weights\[40\]"):
        Clip.from_json(json.dumps({"curves": ["jawOpen"], "weights": rows}))


def test_the_turntable_shows_both_profiles_and_ends_where_it_begins() -> None:
    clip = Clip.turntable(100, fps=25.0)
    assert clip.frame_count == 100
    assert clip.yaw_degrees[0] == 0
    assert max(clip.yaw_degrees) == pytest.approx(90)
    assert min(clip.yaw_degrees) == pytest.approx(-90)
    assert abs(clip.yaw_degrees[-1]) < 6
    assert all(abs(yaw) <= 90 for yaw in clip.yaw_degrees)


def test_a_clip_can_be_seen_from_elsewhere_and_shown_at_another_pace() -> None:
    clip = Clip(curves=("jawOpen",), weights=(0, 1), times_secs=(0, 2)).seen_from(CAMERAS["profile"])
    assert (tuple(clip.yaw_degrees), tuple(clip.pitch_degrees)) == ((90.0,), (0.0,))
    assert (clip.at_fps(12.0).fps, tuple(clip.at_fps(12.0).times_secs)) == (12.0, ())
    assert CAMERAS["front"] == View()
