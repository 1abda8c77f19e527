"""Projection, and the frozen value objects of a scene."""

import dataclasses

import numpy as np
import pytest

from facewright_renderer import LABEL_NAMES, Frame
from unit.renderer.conftest import camera_at


def test_a_point_on_the_axis_is_in_the_middle_at_its_distance() -> None:
    np.testing.assert_allclose(camera_at(2.0).project(np.array([[0.0, 0.0, 0.5]]), 200), [[100, 100, 1.5]])


def test_the_edge_of_the_view_angle_is_the_edge_of_the_image() -> None:
    half = 2.0 * np.tan(np.deg2rad(15.0))
    points = np.array([[half, 0, 0], [-half, 0, 0], [0, half, 0], [0, -half, 0]])
    expected = [[200, 100, 2], [0, 100, 2], [100, 0, 2], [100, 200, 2]]
    np.testing.assert_allclose(camera_at(2.0).project(points, 200), expected, atol=1e-9)


def test_a_turned_camera_sees_the_world_turned() -> None:
    turned = camera_at(2.0, about_y_degrees=90.0)  # it stands at +X and looks towards -X
    projected = turned.project(np.array([[0.5, 0.0, 0.0], [0.0, 0.0, -0.3]]), 100)
    np.testing.assert_allclose(projected[0], [50, 50, 1.5], atol=1e-9)
    assert projected[1, 0] > 50  # what lies behind the first camera's look is to this one's right


def test_there_are_eleven_classes_in_the_documented_order() -> None:
    assert len(LABEL_NAMES) == len(set(LABEL_NAMES)) == 11
    assert LABEL_NAMES[0] == "background"
    assert LABEL_NAMES[5:7] == ("left_eye", "right_eye")


def test_a_frame_holds_only_what_was_asked_for_and_cannot_be_changed() -> None:
    frame = Frame()
    assert (frame.color, frame.labels, frame.depth, frame.normals) == (None, None, None, None)
    with pytest.raises(dataclasses.FrozenInstanceError):
        frame.color = np.zeros((1, 1, 3), np.uint8)  # type: ignore[misc]
