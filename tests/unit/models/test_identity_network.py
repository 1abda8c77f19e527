"""The identity network: read from dlib's file, equal to dlib's own numbers, differentiable, frozen."""

from pathlib import Path

import dlib
import numpy as np
import pytest
import torch

from facewright_models.errors import WeightsError
from facewright_models.identity import EMBEDDING_SIZE, IdentityNetwork, cosine_similarity, embedding_distance
from facewright_models.identity.dlib_file import read_layers
from facewright_models.landmarks import detect_faces, dlib_model_path
from facewright_models.photo import decode_photo

_FILE = "dlib_face_recognition_resnet_model_v1.dat"


@pytest.fixture(scope="module")
def network() -> IdentityNetwork:
    return IdentityNetwork.from_dlib()


def dlib_chip(pixels: np.ndarray) -> np.ndarray:
    points = detect_faces(pixels)[0].landmarks_px
    box = dlib.rectangle(0, 0, 10, 10)
    shape = dlib.full_object_detection(box, [dlib.point(int(x), int(y)) for x, y in points])
    return dlib.get_face_chip(np.ascontiguousarray(pixels), shape, 150, 0.25)


def difference_to_dlib(network: IdentityNetwork, pictures: list[np.ndarray]) -> float:
    reference = dlib.face_recognition_model_v1(str(dlib_model_path(_FILE)))
    worst = 0.0
    for pixels in pictures:
        chip = dlib_chip(pixels)
        expected = np.array(reference.compute_face_descriptor(chip))
        tensor = torch.from_numpy(chip).permute(2, 0, 1)[None].float() / 255
        worst = max(worst, float(np.abs(network.embed(tensor)[0].numpy() - expected).max()))
    return worst


def test_the_port_gives_dlibs_numbers_on_a_real_portrait(
    network: IdentityNetwork, astronaut: np.ndarray
) -> None:
    assert difference_to_dlib(network, [astronaut]) <= 1e-4


def test_the_port_gives_dlibs_numbers_on_twenty_real_photos(
    network: IdentityNetwork, shared_data: Path
) -> None:
    paths = sorted((shared_data / "faces" / "london" / "neutral").glob("*.jpg"))[:20]
    assert len(paths) == 20
    assert difference_to_dlib(network, [decode_photo(path.read_bytes()).pixels for path in paths]) <= 1e-4


def test_embeddings_and_features_have_the_documented_shapes(network: IdentityNetwork) -> None:
    features = network.features(torch.rand(2, 3, 150, 150))
    assert features.embedding.shape == (2, EMBEDDING_SIZE)
    assert len(features.blocks) == 14
    assert [block.shape[1] for block in features.blocks] == [32] * 3 + [64] * 4 + [128] * 3 + [256] * 4


def test_gradients_reach_the_chips_and_no_weight_wants_one(network: IdentityNetwork) -> None:
    chips = torch.rand(1, 3, 150, 150, requires_grad=True)
    network.embed(chips).square().sum().backward()
    assert chips.grad is not None
    assert bool(chips.grad.isfinite().all())
    assert float(chips.grad.abs().max()) > 0
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_the_gradient_agrees_with_finite_differences() -> None:
    doubled = IdentityNetwork.from_dlib().double()
    torch.manual_seed(0)
    chips = torch.rand(1, 3, 150, 150, dtype=torch.float64, requires_grad=True)
    direction = torch.randn_like(chips)
    value = doubled.embed(chips).sum()
    (gradient,) = torch.autograd.grad(value, chips)
    step = 1e-6
    with torch.no_grad():
        ahead = doubled.embed(chips + step * direction).sum()
        behind = doubled.embed(chips - step * direction).sum()
    expected = float((ahead - behind) / (2 * step))
    # Within the step some of the many kinks (rectifiers, maxima) are crossed, hence no tighter.
    assert float((gradient * direction).sum()) == pytest.approx(expected, rel=1e-2)


def test_a_cut_file_is_refused(tmp_path: Path) -> None:
    content = dlib_model_path(_FILE).read_bytes()
    cut = tmp_path / "cut.dat"
    cut.write_bytes(content[: len(content) // 2])
    with pytest.raises(WeightsError, match="past its end"):
        read_layers(cut)


def test_a_file_with_bytes_to_spare_is_refused(tmp_path: Path) -> None:
    longer = tmp_path / "longer.dat"
    longer.write_bytes(dlib_model_path(_FILE).read_bytes() + b"\0")
    with pytest.raises(WeightsError, match="more bytes"):
        read_layers(longer)


@pytest.mark.parametrize("content", [b"", b"no network", bytes(1000), b"\x01\x01\x01\x05hello"])
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.dat"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"other\.dat"):
        read_layers(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="cannot read"):
        read_layers(tmp_path / "absent.dat")


def test_cosine_and_distance_of_known_vectors() -> None:
    first = torch.tensor([[3.0, 4.0], [1.0, 0.0]])
    second = torch.tensor([[3.0, 4.0], [0.0, 2.0]])
    assert cosine_similarity(first, second).tolist() == pytest.approx([1.0, 0.0], abs=1e-6)
    assert embedding_distance(first, second).tolist() == pytest.approx([0.0, 5**0.5], abs=1e-5)


def test_the_distance_of_equal_vectors_has_a_finite_gradient() -> None:
    vector = torch.ones(1, 4, requires_grad=True)
    embedding_distance(vector, vector.detach().clone()).sum().backward()
    assert vector.grad is not None
    assert bool(vector.grad.isfinite().all())
