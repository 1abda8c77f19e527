"""Characters, reports and command-line values by themselves."""

import argparse
import json
import math

import pytest

from facewright import Character, Color, FaceBox, FitReport, FitSeconds, Notice, errors
from facewright.cli.values import face_box, locks_of, named_number, named_value

CHARACTER = Character("anny", "1.0.0", {"nose_width": 0.1}, {"hair": "bob"}, {"skin": Color(0.5, 0.25, 1.0)})


def test_a_save_file_reads_back_as_the_same_character() -> None:
    assert Character.from_json(CHARACTER.to_json()) == CHARACTER


def test_a_save_file_is_the_protobuf_json_of_a_character() -> None:
    assert json.loads(CHARACTER.to_json()) == {
        "rig": "anny",
        "rigVersion": "1.0.0",
        "sliders": {"nose_width": 0.1},
        "styles": {"hair": "bob"},
        "colors": {"skin": {"red": 0.5, "green": 0.25, "blue": 1.0}},
    }


def test_a_save_file_may_use_the_field_names_of_the_proto() -> None:
    assert Character.from_json('{"rig_version": "2"}').rig_version == "2"


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"sliders": {"a": "x"}}', '{"no_such": 1}', b"\xff\xfe", "null", "7"]
)
def test_what_is_no_save_file_is_a_clear_error(text: str | bytes) -> None:
    with pytest.raises(errors.CharacterFileError, match="not a character file"):
        Character.from_json(text)


def test_nan_in_a_save_file_is_left_for_the_server_to_refuse() -> None:
    assert math.isnan(Character.from_json('{"sliders": {"a": "NaN"}}').sliders["a"])


def test_report_json_has_exactly_the_promised_keys() -> None:
    notices = (Notice("GLASSES", "glasses"),)
    report = FitReport(0.5, 0.25, 0.125, 60, FitSeconds(1, 2, 3, 4, 10), notices, {"nose": 0.5})
    assert json.loads(report.to_json()) == {
        "identity_cosine": 0.5,
        "content_l1": 0.25,
        "landmark_nme": 0.125,
        "iterations": 60,
        "seconds": {"align": 1, "features": 2, "optimise": 3, "render": 4, "total": 10},
        "warnings": [{"code": "GLASSES", "message": "glasses"}],
        "confidence": {"nose": 0.5},
    }


def test_locks_are_told_apart_by_their_values() -> None:
    pairs = [named_value(text) for text in ("a=0.3", "b=#ff0080", "c=1,0.5,0", "hair=bob", "a=0.4")]
    locks = locks_of(pairs)
    assert locks.sliders == {"a": 0.4}
    assert locks.styles == {"hair": "bob"}
    assert locks.colors["c"] == Color(1, 0.5, 0)
    assert locks.colors["b"].blue == pytest.approx(128 / 255)


@pytest.mark.parametrize("text", ["a", "=1", "a=", "a=#12", "a=#gggggg", "a=1,2,x", "a=#1122334455"])
def test_a_malformed_lock_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="expected"):
        named_value(text)


@pytest.mark.parametrize("text", ["jawOpen", "jawOpen=", "jawOpen=wide", "=1"])
def test_a_malformed_expression_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="expected"):
        named_number(text)


def test_a_box_is_four_whole_numbers() -> None:
    assert face_box("1, -2,30,40") == FaceBox(1, -2, 30, 40)
    for text in ("1,2,3", "1,2,3,4,5", "a,b,c,d", "1.5,2,3,4", ""):
        with pytest.raises(argparse.ArgumentTypeError):
            face_box(text)


def test_a_save_file_keeps_the_name_of_its_skin_and_an_older_one_has_none() -> None:
    worn = Character("anny", "2.0.0", {"age": 0.25}, skin_texture="f" * 64)
    assert Character.from_json(worn.to_json()) == worn
    assert Character.from_json('{"rig": "anny", "rigVersion": "1.0.0"}').skin_texture == ""
    assert "skinTexture" not in Character("anny").to_json()
