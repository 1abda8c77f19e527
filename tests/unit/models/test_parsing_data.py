"""What the parser learns from: alignment, mirrored labels, automatic labels, random views, captures."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from facewright_models.errors import InvalidInputError
from facewright_models.parsing import (
    IGNORE,
    FaceClass,
    crop_similarity,
    mirror_labels,
    similarity_from_labels,
    warp_crop,
    warp_labels,
)
from facewright_models.parsing.augment import random_view
from facewright_models.parsing.autolabel import backdrop_opacity, complete_labels, studio_background
from facewright_models.parsing.captures import CaptureShards
from facewright_models.parsing.photos import is_held_out, mouth_labels, read_labels


def landmarks(scale: float = 1.0, centre: tuple[float, float] = (128.0, 130.0)) -> np.ndarray:
    """68 points of a schematic face whose eyes are 64 * scale pixels apart."""
    points = np.zeros((68, 2))
    points[36:42], points[42:48] = (-32, 0), (32, 0)
    angles = np.linspace(np.pi, 3 * np.pi, 12, endpoint=False)
    points[48:60] = np.stack([22 * np.cos(angles), 68 + 9 * np.sin(angles)], -1)
    inner = np.linspace(np.pi, 3 * np.pi, 8, endpoint=False)
    points[60:] = np.stack([16 * np.cos(inner), 68 + 4 * np.sin(inner)], -1)
    return points * scale + centre


def studio_portrait() -> tuple[np.ndarray, np.ndarray]:
    """A schematic portrait (320, 320, 3): brown hair, skin, white shirt, grey backdrop; and its facial labels."""
    rng = np.random.default_rng(0)
    pixels = np.full((320, 320, 3), (205, 208, 210), np.uint8)
    cv2.ellipse(pixels, (160, 130), (72, 88), 0, 0, 360, (70, 45, 30), -1)
    cv2.rectangle(pixels, (130, 180), (190, 260), (200, 150, 125), -1)
    cv2.ellipse(pixels, (160, 320), (130, 70), 0, 0, 360, (245, 245, 245), -1)
    cv2.ellipse(pixels, (160, 150), (55, 75), 0, 0, 360, (215, 165, 140), -1)
    noisy = np.clip(pixels + rng.normal(0, 3, pixels.shape), 0, 255).astype(np.uint8)
    labels = np.full((320, 320), IGNORE, np.uint8)
    cv2.ellipse(labels, (160, 150), (53, 73), 0, 0, 360, int(FaceClass.FACE), -1)
    for x, brow, eye in ((135, 4, 6), (185, 3, 5)):
        cv2.ellipse(labels, (x, 122), (14, 4), 0, 0, 360, brow, -1)
        cv2.ellipse(labels, (x, 138), (10, 5), 0, 0, 360, eye, -1)
    cv2.ellipse(labels, (160, 160), (10, 18), 0, 0, 360, int(FaceClass.NOSE), -1)
    cv2.ellipse(labels, (160, 188), (20, 5), 0, 180, 360, int(FaceClass.UPPER_LIP), -1)
    cv2.ellipse(labels, (160, 188), (20, 7), 0, 0, 180, int(FaceClass.LOWER_LIP), -1)
    return noisy, labels


def test_eyes_come_to_lie_where_the_canonical_crop_wants_them() -> None:
    for scale, centre in ((1.0, (128.0, 130.0)), (2.7, (400.0, 300.0)), (0.4, (60.0, 90.0))):
        points = landmarks(scale, centre)
        inverse = cv2.invertAffineTransform(crop_similarity(points))
        eyes = np.stack([points[36:42].mean(0), points[42:48].mean(0)]) @ inverse[:, :2].T + inverse[:, 2]
        assert np.abs(eyes[1] - eyes[0] - (64, 0)).max() < 1.5
        assert np.abs(eyes[:, 1] / 256 - 0.46).max() < 0.01


def test_half_the_scale_shows_twice_the_surroundings_around_the_same_middle() -> None:
    near, wide = crop_similarity(landmarks()), crop_similarity(landmarks(), scale=0.5)
    assert np.allclose(wide[:, :2], 2 * near[:, :2])
    middle = np.array([127.5, 127.5, 1])
    assert np.allclose(near @ middle, wide @ middle)


def test_labels_and_landmarks_give_nearly_the_same_crop() -> None:
    _, labels = studio_portrait()
    found = similarity_from_labels(labels)
    assert found is not None
    eyes = np.linalg.inv(np.vstack([found, (0, 0, 1)])) @ np.array([[135, 185], [138, 138], [1, 1]])
    assert eyes[0, 1] - eyes[0, 0] == pytest.approx(64, abs=4)
    assert similarity_from_labels(np.full((32, 32), IGNORE, np.uint8)) is None


def test_shrinking_is_a_plain_average_for_every_source() -> None:
    """Photos and renders are resized by one filter, equal to the area mean where the grid fits."""
    picture = np.random.default_rng(0).integers(0, 256, (512, 512, 3)).astype(np.uint8)
    half = np.array([[2.0, 0.0, 0.5], [0.0, 2.0, 0.5]])
    expected = cv2.resize(picture, (256, 256), interpolation=cv2.INTER_AREA)
    assert np.abs(warp_crop(picture, half).astype(int) - expected).max() <= 1


def test_label_maps_are_warped_without_new_classes() -> None:
    _, labels = studio_portrait()
    transform = np.array([[0.9, 0.2, 10.0], [-0.2, 0.9, 40.0]])
    assert set(np.unique(warp_labels(labels, transform))) <= set(np.unique(labels)) | {IGNORE}


def test_mirroring_twice_changes_nothing_and_once_swaps_the_sides() -> None:
    labels = np.random.default_rng(0).choice(np.array([*range(11), IGNORE], np.uint8), (20, 30))
    assert np.array_equal(mirror_labels(mirror_labels(labels)), labels)
    assert np.array_equal(
        mirror_labels(labels) == FaceClass.LEFT_EYE, (labels == FaceClass.RIGHT_EYE)[:, ::-1]
    )


def test_automatic_labels_find_backdrop_and_hair_and_leave_the_face_alone() -> None:
    pixels, labels = studio_portrait()
    completed = complete_labels(pixels, labels)
    assert completed[10, 10] == FaceClass.BACKGROUND
    assert completed[60, 160] == FaceClass.HAIR
    assert completed[235, 160] == FaceClass.BACKGROUND  # neck
    assert np.isin(completed[labels == FaceClass.LEFT_EYE], FaceClass.LEFT_EYE).all()
    face = labels == FaceClass.FACE
    assert (completed[face] == FaceClass.FACE).mean() > 0.95


def test_a_bald_head_gets_no_hair() -> None:
    pixels, labels = studio_portrait()
    brown = (np.abs(pixels.astype(int) - (70, 45, 30)).max(-1) < 25)[..., None]
    bald = np.where(brown, np.array((215, 165, 140), np.uint8), pixels)
    assert not (complete_labels(bald, labels) == FaceClass.HAIR).any()


def test_the_backdrop_is_transparent_and_the_person_is_not() -> None:
    pixels, labels = studio_portrait()
    opacity = backdrop_opacity(pixels, labels)
    assert opacity[10, 10] == 0.0
    assert opacity[labels != IGNORE].min() == 1.0
    assert not studio_background(pixels, labels)[labels != IGNORE].any()


def test_random_views_are_repeatable_bounded_and_keep_to_known_classes() -> None:
    pixels, labels = studio_portrait()
    transform = similarity_from_labels(labels)
    assert transform is not None
    opacity = backdrop_opacity(pixels, labels)
    for seed in range(20):
        view, target = random_view(pixels, labels, transform, np.random.default_rng(seed), opacity=opacity)
        again, _ = random_view(pixels, labels, transform, np.random.default_rng(seed), opacity=opacity)
        assert view.shape == (256, 256, 3)
        assert np.array_equal(view, again)
        assert 0.0 <= float(view.min()) <= float(view.max()) <= 1.0
        assert np.isfinite(view).all()
        assert np.isin(target, [*range(11), IGNORE]).all()


def test_a_view_of_no_strength_is_the_canonical_crop_or_its_mirror_image() -> None:
    pixels, labels = studio_portrait()
    transform = similarity_from_labels(labels)
    assert transform is not None
    crop = warp_crop(pixels, transform).astype(np.float32) / 255
    for seed in range(4):
        view, _ = random_view(pixels, labels, transform, np.random.default_rng(seed), strength=0.0)
        assert min(np.abs(view - crop).mean(), np.abs(view[:, ::-1] - crop).mean()) < 0.01


def test_mouth_labels_show_teeth_only_where_the_lips_part() -> None:
    points = landmarks()
    assert (mouth_labels(points, (256, 256)) == FaceClass.TEETH).any()
    points[60:, 1] = 198.0
    assert not (mouth_labels(points, (256, 256)) == FaceClass.TEETH).any()


def test_every_fourth_person_is_held_out() -> None:
    held_out = [number for number in (1, 2, 3, 4, 104) if is_held_out(Path(f"{number:03d}_03.jpg"))]
    assert held_out == [4, 104]


def test_a_picture_that_is_no_label_map_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "labels.png"
    cv2.imwrite(str(path), np.full((4, 4), 77, np.uint8))
    with pytest.raises(InvalidInputError, match="77"):
        read_labels(path)
    cv2.imwrite(str(path), np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(InvalidInputError, match="8-bit index image"):
        read_labels(path)


def write_shard(folder: Path, frames: list[tuple[np.ndarray, np.ndarray]]) -> None:
    jpegs = [
        cv2.imencode(".jpg", frame[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])[1].ravel()
        for frame, _ in frames
    ]
    pngs = [cv2.imencode(".png", labels)[1].ravel() for _, labels in frames]
    np.savez(
        folder / "shard_00000.npz",
        jpegs=np.concatenate(jpegs),
        offsets=np.cumsum([0, *(len(j) for j in jpegs)]),
        labels_png=np.concatenate(pngs),
        label_offsets=np.cumsum([0, *(len(p) for p in pngs)]),
        parameters=np.zeros((len(frames), 3), np.float32),
    )


def test_captures_come_back_as_they_were_written(tmp_path: Path) -> None:
    pixels, labels = studio_portrait()
    labels = np.where(labels == IGNORE, 0, labels).astype(np.uint8)
    write_shard(tmp_path, [(pixels, labels)] * 10)
    shards = CaptureShards(tmp_path, held_out_share=0.2)
    assert shards.training_count == 8
    assert list(shards.held_out) == [8, 9]
    frame = shards[9]
    assert np.array_equal(frame.labels, labels)
    assert np.abs(frame.pixels.astype(int) - pixels).mean() < 4
    assert frame.opacity[5, 5] == 0.0
    assert frame.opacity[150, 160] == 1.0
    edge = (frame.labels == FaceClass.NOSE) & (frame.training_labels == IGNORE)
    assert edge.any()
    assert (frame.training_labels == FaceClass.NOSE).any()


def test_a_folder_without_captures_and_a_damaged_shard_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="no shard"):
        CaptureShards(tmp_path)
    (tmp_path / "shard_00000.npz").write_bytes(b"nothing")
    with pytest.raises(InvalidInputError, match="no capture shard"):
        CaptureShards(tmp_path)
