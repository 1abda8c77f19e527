"""Scoring and training of the parser on a small made-up folder: nothing is learnt while scoring."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from facewright_models.errors import InvalidInputError
from facewright_models.evaluation.identity import roc_auc
from facewright_models.evaluation.parsing import evaluate
from facewright_models.parsing import IGNORE, FaceClass, ParsingNetwork
from facewright_models.parsing import train as module
from facewright_models.parsing.photos import held_out_photos, training_photos
from facewright_models.parsing.train import TrainOptions, train


def landmarks(_: np.ndarray) -> np.ndarray:
    points = np.tile(np.array((160.0, 150.0)), (68, 1))
    points[36:42], points[42:48] = (135, 138), (185, 138)
    angles = np.linspace(np.pi, 3 * np.pi, 12, endpoint=False)
    points[48:60] = np.stack([160 + 20 * np.cos(angles), 188 + 7 * np.sin(angles)], -1)
    inner = np.linspace(np.pi, 3 * np.pi, 8, endpoint=False)
    points[60:] = np.stack([160 + 15 * np.cos(inner), 188 + 4 * np.sin(inner)], -1)
    return points


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small steps of a small batch; threads that wait for each other on a busy machine make them slow."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people to train on and one held out, drawn, laid out like the project's shared data."""
    root = tmp_path_factory.mktemp("data")
    for number, skin in ((1, 210), (2, 150), (4, 180)):
        pixels = np.full((320, 320, 3), 205, np.uint8)
        cv2.ellipse(pixels, (160, 130), (72, 88), 0, 0, 360, (50, 45, 70), -1)
        cv2.ellipse(pixels, (160, 150), (55, 75), 0, 0, 360, (skin - 40, skin - 20, skin), -1)
        labels = np.full((320, 320), IGNORE, np.uint8)
        cv2.ellipse(labels, (160, 150), (53, 73), 0, 0, 360, int(FaceClass.FACE), -1)
        for x, brow, eye in ((135, 4, 6), (185, 3, 5)):
            cv2.ellipse(labels, (x, 122), (14, 4), 0, 0, 360, brow, -1)
            cv2.ellipse(labels, (x, 138), (10, 5), 0, 0, 360, eye, -1)
        cv2.ellipse(labels, (160, 160), (10, 18), 0, 0, 360, int(FaceClass.NOSE), -1)
        cv2.ellipse(labels, (160, 188), (20, 5), 0, 180, 360, int(FaceClass.UPPER_LIP), -1)
        cv2.ellipse(labels, (160, 188), (20, 7), 0, 0, 180, int(FaceClass.LOWER_LIP), -1)
        for pose, suffix in (("neutral", "03"), ("smiling", "08")):
            target = root / "faces" / "london" / pose
            target.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(target / f"{number:03d}_{suffix}.jpg"), pixels)
            if pose == "neutral":
                cv2.imwrite(str(target / f"{number:03d}_{suffix}.labels.png"), labels)
    return root


def test_nobody_is_both_trained_on_and_scored(folder: Path) -> None:
    trained = {photo.person for photo in training_photos(folder, landmarks)}
    held = {photo.person for group in held_out_photos(folder, landmarks).values() for photo in group}
    assert trained == {"001", "002"}
    assert held == {"004"}


def test_scoring_leaves_every_weight_and_the_mode_as_they_were(folder: Path) -> None:
    torch.manual_seed(0)
    network = ParsingNetwork(width=8, normalised=True).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    report = evaluate(folder, network=network, find_landmarks=landmarks)
    assert network.training
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert not any(parameter.grad is not None for parameter in network.parameters())
    names = {row.name for row in report.rows}
    assert {"mean IoU of the parts", "left_eye", "hair, automatic labels", "teeth, smiling"} <= names
    average = report.rows[0].baselines["average"]
    assert average > 0.9  # all of them are drawn alike


def test_a_folder_without_held_out_photos_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="no labelled held-out photo"):
        evaluate(tmp_path, network=ParsingNetwork(width=4), find_landmarks=landmarks)
    with pytest.raises(InvalidInputError, match="no labelled training photos"):
        train(tmp_path, None, out=tmp_path / "out", find_landmarks=landmarks)


@pytest.mark.slow
def test_training_resumes_where_it_stopped(folder: Path, tmp_path: Path) -> None:
    """Interrupted after two steps or not, four steps give the same weights; smiles join on the way."""
    options = TrainOptions(steps=4, batch_size=1, warm_up_steps=2, frozen_encoder_steps=1, checkpoint_every=2)
    through = train(folder, None, out=tmp_path / "a", find_landmarks=landmarks, options=options)

    class StopError(Exception):
        pass

    interrupted = tmp_path / "b"
    with pytest.MonkeyPatch.context() as patch:
        advance = module._Run.advance

        def stop_at_two(self, *args):
            if self.step == 2:
                raise StopError
            return advance(self, *args)

        patch.setattr(module._Run, "advance", stop_at_two)
        with pytest.raises(StopError):
            train(folder, None, out=interrupted, find_landmarks=landmarks, options=options)
    resumed = train(folder, None, out=interrupted, find_landmarks=landmarks, options=options)
    assert through.read_bytes() == resumed.read_bytes()
    with pytest.raises(InvalidInputError, match="other options"):
        train(folder, None, out=interrupted, find_landmarks=landmarks, seed=1, options=options)


def test_roc_auc_of_known_distances() -> None:
    assert roc_auc(np.array([0.1, 0.2]), np.array([0.5, 0.6])) == 1.0
    assert roc_auc(np.array([0.5]), np.array([0.5])) == 0.5
    assert roc_auc(np.array([0.9]), np.array([0.1, 1.0])) == 0.5
