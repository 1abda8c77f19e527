"""The table of edited characters, from known edits."""

import pytest

from facewright_models.evaluation.refit import Edit, refit_rows


def edit(preset: str, distance: float, *, was_fitted: bool = False, strength: float = 1.0) -> Edit:
    return Edit(
        preset=preset, was_fitted=was_fitted, distance=distance, movement=2 * distance, strength=strength
    )


def test_medians_of_random_and_fitted_characters_stand_apart() -> None:
    edits = [edit("older", distance) for distance in (0.1, 0.2, 0.6)]
    edits += [edit("older", 0.5, was_fitted=True, strength=0.5), edit("younger", 0.3)]
    rows = {row.name: row for row in refit_rows(edits)}
    random = rows["older: distance from the person, median of random"]
    fitted = rows["older: distance from the person, median of fitted"]
    assert (random.measured, random.n, random.passed) == (pytest.approx(0.2), 3, True)
    assert random.note == "largest 0.60"
    assert random.interval is not None
    assert (fitted.measured, fitted.n, fitted.passed) == (pytest.approx(0.5), 1, False)
    movement = rows["older: movement along its direction"]
    assert movement.measured == pytest.approx((0.2 + 0.4 + 1.2 + 1.0) / 4)
    assert movement.note == "1 weakened"
    assert "younger: distance from the person, median of fitted" not in rows


def test_nothing_edited_is_no_row() -> None:
    assert refit_rows([]) == []
