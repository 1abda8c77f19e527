"""Prompts of a guided recording, and the folder of clip and labels that training reads."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from facewright_models.errors import InvalidInputError, ParameterRangeError, UnknownParameterError
from facewright_models.expression import DEGREE_RANGES, DEGREES, REST_DEGREES
from facewright_models.expression.captures import read_capture
from facewright_models.expression.prompts import CAPTURE_PROMPTS


def span(**changes: Any) -> dict[str, Any]:
    return {
        "name": "smile", "text": "Smile.", "start_secs": 1.0, "end_secs": 3.0, "from_degrees": {},
        "to_degrees": {"smile": 1.0, "left_eye": 0.5}, **changes,
    }  # fmt: skip


def folder_of(folder: Path, content: object) -> Path:
    (folder / "clip.mp4").write_bytes(b"a clip")
    (folder / "capture.json").write_text(content if isinstance(content, str) else json.dumps(content))
    return folder


def test_every_prompt_goes_on_where_the_one_before_has_ended() -> None:
    assert CAPTURE_PROMPTS[0].from_degrees == REST_DEGREES
    for before, after in itertools.pairwise(CAPTURE_PROMPTS):
        assert before.to_degrees == after.from_degrees
    assert CAPTURE_PROMPTS[-1].to_degrees == REST_DEGREES


def test_every_degree_is_shown_from_rest_to_its_limit() -> None:
    for name in DEGREES:
        shown = {prompt.to_degrees[name] for prompt in CAPTURE_PROMPTS}
        assert shown >= set(DEGREE_RANGES[name]), name


def test_labels_go_evenly_over_a_span_and_are_silent_outside(tmp_path: Path) -> None:
    capture = read_capture(folder_of(tmp_path, {"clip": "clip.mp4", "prompts": [span()]}))
    assert capture.clip == tmp_path / "clip.mp4"
    assert capture.degrees_at(0.99) is None
    assert capture.degrees_at(3.01) is None
    assert capture.degrees_at(1.0) == REST_DEGREES
    assert capture.degrees_at(2.0) == pytest.approx({**REST_DEGREES, "smile": 0.5, "left_eye": 0.75})
    assert capture.degrees_at(3.0) == pytest.approx({**REST_DEGREES, "smile": 1.0, "left_eye": 0.5})


@pytest.mark.parametrize(
    ("changes", "error", "field"),
    [
        ({"to_degrees": {"smlie": 1}}, UnknownParameterError, "prompts[0].to_degrees[smlie]"),
        ({"to_degrees": {"smile": 1.5}}, ParameterRangeError, "prompts[0].to_degrees[smile]"),
        ({"from_degrees": {"smile": float("nan")}}, ParameterRangeError, "prompts[0].from_degrees[smile]"),
        ({"from_degrees": {"smile": True}}, ParameterRangeError, "prompts[0].from_degrees[smile]"),
        ({"from_degrees": None}, InvalidInputError, "prompts[0].from_degrees"),
        ({"start_secs": -1.0}, InvalidInputError, "prompts[0].start_secs"),
        ({"end_secs": 1.0}, InvalidInputError, "prompts[0].start_secs"),
        ({"end_secs": "3"}, ParameterRangeError, "prompts[0].end_secs"),
        ({"name": 7}, InvalidInputError, "prompts[0]"),
    ],
)
def test_a_label_that_cannot_be_is_refused_with_its_place(
    changes: dict[str, Any], error: type[InvalidInputError], field: str, tmp_path: Path
) -> None:
    with pytest.raises(error) as caught:
        read_capture(folder_of(tmp_path, {"clip": "clip.mp4", "prompts": [span(**changes)]}))
    assert caught.value.field == field


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        {"clip": "clip.mp4"},
        {"clip": "clip.mp4", "prompts": []},
        {"clip": "other.mp4", "prompts": [span()]},
        {"clip": "../clip.mp4", "prompts": [span()]},
        {"clip": "clip.mp4", "prompts": [span(), span(start_secs=2.5, end_secs=4.0)]},
    ],
)
def test_a_folder_that_is_no_capture_is_refused(content: object, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError):
        read_capture(folder_of(tmp_path, content))


def test_a_folder_without_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="the folder that a capture wrote"):
        read_capture(tmp_path)
