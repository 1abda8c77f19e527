"""The closer look: its windows, its points, the lids of shut eyes in what teaches it."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from facewright_models.landmarks.closer.model import CloserLook, cut
from facewright_models.landmarks.closer.network import CloserConfig, CloserNetworks
from facewright_models.landmarks.closer.store import closer_from_checkpoint
from facewright_models.landmarks.closer.train import with_shut_lids
from facewright_models.landmarks.closer.views import random_window
from facewright_models.landmarks.closer.windows import WINDOW_PX, WINDOWS, window_of
from facewright_models.landmarks.crops import apply, inverse
from facewright_models.landmarks.views import MarkedFace
from facewright_models.training_run import TrainingRun

SMALL = CloserConfig(widths=(4, 6, 8, 10, 12), joined=6)


def points_of_a_face() -> np.ndarray:
    """81 points, eyes 100 px apart about (200, 150)."""
    points = np.zeros((81, 2))
    angle = np.linspace(math.pi, 0, 17)
    points[:17] = np.stack([110 * np.cos(angle), 30 + 165 * np.sin(angle)], 1)
    points[17:22] = [(-85, -25), (-70, -35), (-55, -38), (-40, -35), (-22, -30)]
    points[22:27] = points[17:22][::-1] * [-1, 1]
    points[27:31] = [(0, 0), (0, 20), (0, 40), (0, 60)]
    points[31:36] = [(-20, 68), (-10, 71), (0, 73), (10, 71), (20, 68)]
    points[36:42] = [(-66, 0), (-56, -5), (-44, -5), (-34, 0), (-44, 5), (-56, 5)]
    points[42:48] = points[[39, 38, 37, 36, 41, 40]] * [-1, 1]
    ring = np.linspace(math.pi, -math.pi, 13)[:12]
    points[48:60] = np.stack([41 * np.cos(ring), 110 - 12 * np.sin(ring)], 1)
    points[60:68] = points[[48, 50, 51, 52, 54, 56, 57, 58]] * [0.8, 1]
    points[75:78] = [(-50, 0), (-56, 0), (-44, 0)]
    points[78:81] = [(50, 0), (44, 0), (56, 0)]
    return points + np.array([200, 150])


def test_windows_hold_their_points_upright_and_the_left_eye_mirrored() -> None:
    points = points_of_a_face()
    for tilt in (0.0, 0.7, -2.0):
        turn = np.array([[math.cos(tilt), -math.sin(tilt)], [math.sin(tilt), math.cos(tilt)]])
        turned = points @ turn.T
        for name, window in WINDOWS.items():
            inside = apply(inverse(window_of(turned, window)), turned[list(window.points)])
            assert (inside > 0).all(), name
            assert (inside < WINDOW_PX - 1).all(), name
    right, left = (
        apply(inverse(window_of(points, WINDOWS[name])), points[list(WINDOWS[name].points)])
        for name in ("right_eye", "left_eye")
    )
    assert right == pytest.approx(left, abs=1e-6)


@pytest.mark.parametrize("scale", [0.5, 1.0, 4.0])
def test_a_cut_shows_a_point_where_the_window_says_it_is(scale: float) -> None:
    points = scale * points_of_a_face()
    pixels = np.zeros((round(420 * scale), round(420 * scale), 3), np.uint8)
    x, y = np.round(points[36]).astype(int)
    reach = max(1, round(2 * scale))
    pixels[y - reach : y + reach + 1, x - reach : x + reach + 1] = 255
    matrix = window_of(points, WINDOWS["right_eye"])
    seen = cut(pixels, matrix)[..., 0].astype(float)
    rows, columns = np.indices(seen.shape)
    center = np.array([(columns * seen).sum(), (rows * seen).sum()]) / seen.sum()
    assert center == pytest.approx(apply(inverse(matrix), np.array([[x, y]], float))[0], abs=0.35)


def test_a_look_moves_only_the_points_of_its_windows() -> None:
    torch.manual_seed(0)
    look = CloserLook(CloserNetworks(SMALL).eval())
    points = points_of_a_face()
    pixels = np.random.default_rng(0).integers(0, 255, (400, 400, 3), np.uint8)
    found = look.refined(pixels, points)
    moved = (found != points).any(1)
    expected = {index for window in WINDOWS.values() for index in window.points}
    assert set(np.flatnonzero(moved)) == expected
    assert np.isfinite(found).all()


def test_a_mirrored_photo_has_mirrored_points() -> None:
    """The two eyes share a network, and of a mouth both sides are looked at."""
    from facewright_models.landmarks.template import POINT_MIRROR

    torch.manual_seed(0)
    look = CloserLook(CloserNetworks(SMALL).eval(), looks=1)
    points = points_of_a_face()
    pixels = np.random.default_rng(0).integers(0, 255, (400, 400, 3), np.uint8)
    mirrored = look.refined(
        np.ascontiguousarray(pixels[:, ::-1]), (points * [-1, 1] + [399, 0])[POINT_MIRROR]
    )
    there = look.refined(pixels, points)
    assert (mirrored * [-1, 1] + [399, 0])[POINT_MIRROR] == pytest.approx(there, abs=0.35)


def test_random_windows_are_seeded_and_know_their_points() -> None:
    face = MarkedFace(
        pixels=np.random.default_rng(1).integers(0, 255, (400, 400, 3), np.uint8), points=points_of_a_face()
    )
    for name, window in WINDOWS.items():
        first, second = (random_window(face, window, np.random.default_rng(5)) for _ in range(2))
        for a, b in zip(first, second, strict=True):
            assert np.array_equal(a, b), name
        image, points, known = first
        assert image.shape == (WINDOW_PX, WINDOW_PX, 3)
        assert 0 <= image.min() <= image.max() <= 1
        assert points.shape == (len(window.points), 2)
        assert known.mean() > 0.6


@pytest.mark.parametrize(("opening", "wanted"), [(0.0, 0.0), (0.12, 0.0), (0.3, 0.3)])
def test_lids_that_are_marked_hardly_open_meet(opening: float, wanted: float) -> None:
    points = points_of_a_face()
    width = points[39, 0] - points[36, 0]
    points[[37, 38], 1] = 150 - opening * width / 2
    points[[40, 41], 1] = 150 + opening * width / 2
    found = with_shut_lids(points)
    assert found[41, 1] - found[37, 1] == pytest.approx(wanted * width, abs=1e-9)
    assert found[36] == pytest.approx(points[36])
    assert with_shut_lids(np.zeros((0, 2))).size == 0


def test_a_checkpoint_becomes_the_same_networks(tmp_path: Path) -> None:
    torch.manual_seed(1)
    networks = CloserNetworks(SMALL)
    run = TrainingRun("anny", networks, networks.config, torch.optim.SGD(networks.parameters(), 0.1))
    run.save(tmp_path / "closer.pt", step=1)
    loaded = closer_from_checkpoint(tmp_path / "closer.pt")
    crop = torch.rand(2, 3, WINDOW_PX, WINDOW_PX)
    for name in ("right_eye", "mouth"):
        with torch.inference_mode():
            points, _ = loaded.of(name)(crop)
            assert torch.equal(points, networks.of(name).eval()(crop)[0])
            assert points.shape[1] == len(WINDOWS[name].points)
