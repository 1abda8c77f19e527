"""Face captures, the points on the mesh, and the training of the landmark network."""

import dataclasses
import json
import multiprocessing
from functools import partial
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import torch

from facewright_models import described_weights
from facewright_models.errors import InvalidInputError
from facewright_models.foundry import face_capture as capture_module
from facewright_models.foundry.face_capture import (
    FACE_PX,
    FaceShard,
    capture_faces,
    project_mesh,
    random_face,
    read_face_shards,
)
from facewright_models.landmarks import convention as convention_module
from facewright_models.landmarks import train as train_module
from facewright_models.landmarks.dataset import (
    CapturedFaces,
    Locate,
    clip_frames,
    held_out_templates,
    training_photos,
)
from facewright_models.landmarks.mesh_points import calibrated, points_of_rig
from facewright_models.landmarks.network import LandmarkNetworkConfig
from facewright_models.landmarks.register import load_mesh_points, register_landmark_network
from facewright_models.landmarks.store import load_landmark_network, network_from_checkpoint
from facewright_models.landmarks.template import (
    FOREHEAD,
    IRIS_CENTERS,
    POINT_COUNT,
    POINT_MIRROR,
    eye_distance,
)
from facewright_models.landmarks.train import TrainOptions, train
from facewright_models.landmarks.types import FaceBox
from facewright_models.landmarks.views import reshaped
from facewright_models.rig import BakedRig, load_rig
from facewright_models.weights import load_weights, register_weights
from unit.models.test_foundry import InProcessPool


@pytest.fixture(scope="module")
def rig() -> BakedRig:
    return load_rig("anny")


def write_captures(folder: Path, rig: BakedRig, count: int = 6) -> Path:
    """A shard with grey noise for frames."""
    generator = np.random.default_rng(0)
    jpegs = [
        cv2.imencode(".jpg", generator.integers(0, 255, (FACE_PX, FACE_PX, 3), np.uint8))[1].ravel()
        for _ in range(count)
    ]
    masks = [
        cv2.imencode(".png", np.full((FACE_PX, FACE_PX), 255, np.uint8))[1].ravel() for _ in range(count)
    ]
    folder.mkdir(parents=True)
    np.savez(
        folder / "shard_00000.npz",
        jpegs=np.concatenate(jpegs),
        offsets=np.cumsum([0, *map(len, jpegs)]),
        masks_png=np.concatenate(masks),
        mask_offsets=np.cumsum([0, *map(len, masks)]),
        sliders=generator.uniform(0.3, 0.7, (count, len(rig.schema.continuous_names))).astype(np.float32),
        expressions=np.zeros((count, len(rig.schema.facial_actions)), np.float32),
        views=np.zeros((count, 2), np.float32),
        crops=np.tile(np.array([[100, 100, 300]], np.float32), (count, 1)),
    )
    return folder


def write_photos(data: Path) -> Path:
    """Two people to train on and one held out, with noise for faces; one smiles."""
    generator = np.random.default_rng(1)
    for name in ("neutral/001_03", "neutral/002_03", "neutral/004_03", "smiling/001_08"):
        path = data / "faces" / "london" / f"{name}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), generator.integers(0, 255, (200, 200, 3), np.uint8))
        if "neutral" in name:
            points = generator.uniform(40, 160, (189, 2))
            lines = ["189", *(f"{x:.1f}\t{y:.1f}" for x, y in points)]
            path.with_suffix(".tem").write_text("\n".join(lines))
    return data


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> TrainOptions:
    """A network that takes no time, and points that stay where the rig has them."""
    small = LandmarkNetworkConfig(points=POINT_COUNT, widths=(4, 4, 4, 4, 4), blocks=(1, 1, 1, 1), joined=4)
    monkeypatch.setattr(train_module, "LandmarkNetworkConfig", lambda points: small)
    monkeypatch.setattr(train_module, "_REPORT_STEPS", 1)

    def mesh(data: Path, own: BakedRig, captures: CapturedFaces) -> object:
        points = points_of_rig(own)
        captures.place(points)
        return points

    def teacher(data: Path, network: object) -> Locate:
        return lambda pixels: np.random.default_rng(5).uniform(40, 160, (POINT_COUNT, 2))

    monkeypatch.setattr(train_module, "_mesh", mesh)
    monkeypatch.setattr(train_module, "expression_teacher", teacher)
    return TrainOptions(steps=6, photo_step=2, smile_step=4, batch_size=2)


def test_an_interrupted_training_ends_with_the_same_weights(
    tmp_path: Path, rig: BakedRig, quick: TrainOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, captures = write_photos(tmp_path / "data"), write_captures(tmp_path / "captures", rig)
    whole = train(data, captures, out=tmp_path / "whole.pt", seed=3, options=quick)
    interrupted = tmp_path / "interrupted.pt"

    class StoppedError(Exception):
        pass

    def stop_at_three(points: torch.Tensor, *rest: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        if len(calls) > 3:
            raise StoppedError
        return original(points, *rest)

    calls: list[int] = []
    original = train_module.likelihood_loss
    with monkeypatch.context() as patch:
        patch.setattr(train_module, "likelihood_loss", stop_at_three)
        with pytest.raises(StoppedError):
            train(data, captures, out=interrupted, seed=3, options=quick)
    assert torch.load(interrupted, weights_only=True)["step"] == 3
    train(data, captures, out=interrupted, seed=3, options=quick)
    expected, found = (torch.load(path, weights_only=True)["averaged"] for path in (whole, interrupted))
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=0, atol=0)


def test_a_trained_network_is_registered_with_its_points_on_the_mesh(
    tmp_path: Path, rig: BakedRig, quick: TrainOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "weights"
    monkeypatch.setattr(described_weights, "register_weights", partial(register_weights, folder=folder))
    monkeypatch.setattr(described_weights, "load_weights", partial(load_weights, folder=folder))
    data, captures = write_photos(tmp_path / "data"), write_captures(tmp_path / "captures", rig)
    checkpoint = train(data, captures, out=tmp_path / "a.pt", options=dataclasses.replace(quick, steps=1))
    register_landmark_network(checkpoint, command="c", data="d", quality={"error": 0.5})
    crop = torch.rand(1, 3, 128, 128)
    torch.testing.assert_close(
        load_landmark_network()(crop)[0], network_from_checkpoint(checkpoint)(crop)[0], atol=0.1, rtol=0
    )
    np.testing.assert_allclose(load_mesh_points().shares, points_of_rig(rig).shares, atol=1e-4)


def test_training_without_photos_is_refused(tmp_path: Path, rig: BakedRig, quick: TrainOptions) -> None:
    captures = write_captures(tmp_path / "captures", rig)
    with pytest.raises(InvalidInputError, match="no training photo"):
        train(tmp_path, captures, out=tmp_path / "a.pt", options=quick)


def test_training_without_captures_is_refused(tmp_path: Path, quick: TrainOptions) -> None:
    (tmp_path / "captures").mkdir()
    with pytest.raises(InvalidInputError, match=r"shard_\*"):
        train(write_photos(tmp_path), tmp_path / "captures", out=tmp_path / "a.pt", options=quick)


def test_captures_of_another_kind_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "shard_00000.npz", parameters=np.zeros((1, 3)))
    with pytest.raises(InvalidInputError, match="no face captures"):
        list(read_face_shards(tmp_path))


def test_marks_of_an_expression_are_those_of_the_other_model_less_its_offset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marked, offset = np.random.default_rng(6).uniform(40, 160, (68, 2)), np.full((68, 2), 0.1)
    boxes = [(FaceBox(x=40, y=40, width=100, height=100), 1.0)]
    own = np.full((POINT_COUNT, 2), 7.0)
    monkeypatch.setattr(train_module, "mean_offset", lambda templates, model: offset)
    monkeypatch.setattr(train_module.DlibLandmarkModel, "locate", lambda self, pixels, box: marked)
    monkeypatch.setattr(train_module.DlibFaceDetector, "detect", lambda self, pixels: boxes)
    monkeypatch.setattr(train_module, "mean_of_looks", lambda network, pixels, crop: own.copy())
    picture = np.zeros((200, 200, 3), np.uint8)
    locate = train_module.expression_teacher(
        tmp_path, train_module.LandmarkNetwork(LandmarkNetworkConfig(points=81))
    )
    points = locate(picture)
    np.testing.assert_allclose(points[:68], marked - 0.1 * eye_distance(marked))
    np.testing.assert_array_equal(points[68:], own[68:])
    boxes.clear()
    assert locate(picture).shape == (0, 2)


def test_some_frames_of_the_training_clips_are_learnt_from(tmp_path: Path) -> None:
    folder = tmp_path / "video" / "driving"
    folder.mkdir(parents=True)
    for name in ("d3.mp4", "d9.mp4"):  # the second is for evaluation
        with av.open(str(folder / name), "w") as container:
            stream = container.add_stream("mpeg4", rate=25)
            stream.width = stream.height = 96
            for index in range(30):
                picture = np.full((96, 96, 3), 8 * index, np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            container.mux(stream.encode())
    seen: list[float] = []

    def locate(pixels: np.ndarray) -> np.ndarray:
        seen.append(float(pixels.mean()))
        return np.zeros((0, 2)) if len(seen) == 2 else np.random.default_rng(2).uniform(20, 70, (81, 2))

    assert len(clip_frames(tmp_path, locate)) == 2
    np.testing.assert_allclose(seen, [0, 96, 192], atol=8)
    assert clip_frames(tmp_path / "nothing", locate) == []


def test_points_stay_on_what_they_mark_when_a_face_is_reshaped() -> None:
    generator = np.random.default_rng(3)
    points = generator.uniform(25, 100, (81, 2))
    moved = []
    for point in points[:12]:
        spot = np.zeros((128, 128, 3), np.float32)
        cv2.circle(spot, tuple(round(v) for v in point), 3, (1, 1, 1), -1)
        image, found = reshaped(spot, np.round(points), np.random.default_rng(8))
        rows, columns = np.nonzero(image[..., 0] > 0.3)
        index = int(np.flatnonzero((points == point).all(1))[0])
        assert np.hypot(columns.mean() - found[index, 0], rows.mean() - found[index, 1]) < 0.8
        moved.append(np.linalg.norm(found[index] - np.round(point)))
    assert 0.5 < np.mean(moved) < 8


def test_people_are_held_out_by_number(tmp_path: Path) -> None:
    data = write_photos(tmp_path)
    assert len(training_photos(data)) == 2
    assert [path.stem for path in held_out_templates(data)] == ["004_03"]


def test_an_offset_of_nobody_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(convention_module, "boxed_photos", lambda templates: [])
    with pytest.raises(InvalidInputError, match="no face"):
        convention_module.mean_offset([tmp_path / "a.tem"], train_module.DlibLandmarkModel())


def test_points_of_the_rig_are_mirror_images_and_in_front(rig: BakedRig) -> None:
    rest = rig(torch.full((1, len(rig.schema.continuous_names)), 0.5), parts=()).numpy()
    points = points_of_rig(rig).of(rest)[0]
    np.testing.assert_allclose(points[POINT_MIRROR] * [-1, 1, 1], points, atol=2e-3)
    assert points[FOREHEAD, 1].min() > points[17:27, 1].mean()
    right, left = points[IRIS_CENTERS[0]], points[IRIS_CENTERS[1]]
    np.testing.assert_allclose(right[0], points[36:42, 0].mean(), atol=5e-3)
    assert right[0] < 0 < left[0]
    assert points[76, 0] < right[0] < points[77, 0]
    assert points[79, 0] < left[0] < points[80, 0]


def test_points_on_the_mesh_come_to_lie_where_they_are_wanted(tmp_path: Path, rig: BakedRig) -> None:
    captures = CapturedFaces(write_captures(tmp_path / "captures", rig, count=40), rig)
    captures.place(points_of_rig(rig))
    rows = captures.calm(30)
    wanted = captures.points[rows]
    wanted[:, 30] += [0.0, 6.0]  # the tip of the nose a little lower
    captures.place(calibrated(rig, captures.skin(rows), wanted, FACE_PX - 1))
    moved = np.linalg.norm(captures.points[rows] - wanted, axis=-1).mean(0)
    assert moved[30] < 2.0
    assert moved[27:48].max() < 2.5


@pytest.fixture
def few_faces(monkeypatch: pytest.MonkeyPatch) -> None:
    class Context:
        Pool = InProcessPool

    monkeypatch.setattr(capture_module, "SHARD_SIZE", 2)
    monkeypatch.setattr(multiprocessing, "get_context", lambda method: Context)


@pytest.mark.usefixtures("few_faces")
def test_face_captures_hold_what_points_need_and_resume(tmp_path: Path, rig: BakedRig) -> None:
    assert capture_faces(tmp_path, count=3, seed=4) == 4
    first, second = read_face_shards(tmp_path)
    (tmp_path / "shard_00001.npz").unlink()
    capture_faces(tmp_path, count=3, seed=4)
    again: FaceShard = list(read_face_shards(tmp_path))[1]
    for one, other in zip(second.jpegs, again.jpegs, strict=True):
        np.testing.assert_array_equal(one, other)
    assert json.loads((tmp_path / "layout.json").read_text())["kind"] == "faces"
    landmarks = rig.landmarks(torch.tensor(first.sliders), torch.tensor(first.expressions)).numpy()
    for index in range(2):
        points = project_mesh(landmarks[index], first.views[index], first.crops[index])
        assert points.min() > 0
        assert points.max() < FACE_PX
        mask = cv2.imdecode(first.masks_png[index], cv2.IMREAD_UNCHANGED)
        column, row = points[30].round().astype(int)  # the tip of the nose is drawn
        assert mask[row, column] == 255
    with pytest.raises(InvalidInputError, match="other settings"):
        capture_faces(tmp_path, count=3, seed=5)


def test_random_faces_have_known_actions_within_range(rig: BakedRig) -> None:
    generator = np.random.default_rng(0)
    for _ in range(50):
        posed, expression = random_face(rig.schema, generator)
        assert abs(posed.view.yaw_degrees) <= 45
        assert set(expression) <= set(rig.schema.facial_actions)
        assert all(0 <= weight <= 1 for weight in expression.values())
