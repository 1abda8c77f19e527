"""Hairstyles on random heads, and that the check would notice a style that does not fit."""

import numpy as np
import pytest

from facewright_models.evaluation import styles
from facewright_models.evaluation.styles import StyleFit, evaluate, style_fits

HAIR, FACE = 2, 1


def test_hairstyles_fit_a_dozen_random_heads() -> None:
    fits = list(style_fits(12, every=False))
    assert len({fit.style for fit in fits}) == 11
    assert [fit for fit in fits if not fit.fits] == []


def landmarks() -> np.ndarray:
    """68 points whose jaw is the lower half of a circle and whose brows are its diameter."""
    points = np.full((68, 2), 64.0)
    angle = np.linspace(np.pi, 0, 17)
    points[:17] = 64 + 40 * np.stack([np.cos(angle), np.sin(angle)], 1)
    points[17:27] = np.stack([np.linspace(34, 94, 10), np.full(10, 60.0)], 1)
    return points


def test_hair_over_the_face_is_found() -> None:
    labels = np.full((128, 128), FACE, np.uint8)
    assert styles._face_covered(labels, landmarks()) == 0
    labels[:59] = HAIR  # above the brows
    labels[:, :24] = HAIR  # beside the face
    assert styles._face_covered(labels, landmarks()) == 0
    labels[70:90, 50:70] = HAIR
    covered = styles._face_covered(labels, landmarks())
    assert 0.1 < covered < 0.3
    assert not StyleFit(style="bob", character=0, face=covered, scalp=0.0).fits


def test_scalp_in_the_hair_is_found() -> None:
    labels = np.full((10, 10), HAIR, np.uint8)
    assert styles._scalp_seen(labels) == 0
    labels[0] = styles._SCALP
    assert styles._scalp_seen(labels) == pytest.approx(0.1)
    assert not StyleFit(style="bob", character=0, face=0.0, scalp=0.1).fits


def test_the_table_names_every_style_and_its_worst_head(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        StyleFit(style="bob", character=0, face=0.0, scalp=0.002),
        StyleFit(style="bob", character=1, face=0.25, scalp=0.0),
        StyleFit(style="afro", character=0, face=0.0, scalp=0.0),
    ]
    monkeypatch.setattr(styles, "style_fits", lambda count, rig_name: iter(found))
    report = evaluate(limit=2)
    assert [(row.name, row.measured, row.n) for row in report.rows] == [
        ("heads that bob does not fit", 1.0, 2),
        ("heads that afro does not fit", 0.0, 1),
    ]
    assert "25.00% of the face" in report.rows[0].note
    assert not report.passed
