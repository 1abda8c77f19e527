"""Plots of what was measured against what was asked for."""

from __future__ import annotations

import cv2
import numpy as np

from facewright_models.sheets.curves import curves_sheet

STEPS = (0.0, 0.5, 1.0)


def median_rows(sheet: np.ndarray) -> np.ndarray:
    """Rows of the thick line, from the left to the right of a plot, without its round ends."""
    thick = np.abs(sheet.astype(int) - [30, 70, 170]).max(2) < 30
    columns = np.flatnonzero(thick.any(0))
    return np.array([np.flatnonzero(thick[:, column]).mean() for column in columns[4:-4]])


def test_what_is_measured_as_asked_lies_on_the_diagonal_and_what_is_not_does_not() -> None:
    exact = curves_sheet(STEPS, {"smile": np.array([STEPS] * 3)}, columns=1)
    assert exact.shape == (320, 320, 3)
    rows = median_rows(exact)
    assert np.abs(np.diff(rows) + 1).max() < 0.8
    half = median_rows(curves_sheet(STEPS, {"smile": np.array([STEPS] * 3) / 2}, columns=1))
    assert np.ptp(half) < 0.6 * np.ptp(rows)


def test_each_face_has_a_line_and_strange_values_stay_inside() -> None:
    one = curves_sheet(STEPS, {"jaw": np.array([[0.0, 0.5, 1.0]])}, columns=1)
    two = curves_sheet(
        STEPS, {"jaw": np.array([[0.0, 0.5, 1.0], [0.0, 0.5, 1.0], [0.3, 0.1, 9.0]])}, columns=1
    )
    changed = np.abs(one.astype(int) - two).max(2) > 40
    assert changed.sum() > 100
    rows, columns = np.nonzero(changed)
    assert rows.min() > 40
    assert max(rows.max(), columns.max()) < 280


def test_there_is_a_plot_for_each_name_even_without_faces() -> None:
    names = ("a", "b", "c", "d", "e")
    sheet = curves_sheet(STEPS, {name: np.zeros((0, 3)) for name in names})
    assert sheet.shape == (640, 1280, 3)
    grey = cv2.cvtColor(sheet, cv2.COLOR_RGB2GRAY)
    assert grey[400:, 400:].max() == 128
