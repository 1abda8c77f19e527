"""The landmark network: what its points are, where it looks, and how it stands behind the protocol."""

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from facewright_models.errors import InvalidInputError, UnknownParameterError
from facewright_models.landmarks import (
    LANDMARK_COUNT,
    DlibLandmarkModel,
    FaceBox,
    LandmarkModel,
    LandmarkNetworkModel,
    TiltedFaceDetector,
    detect_faces,
    detect_frontal_faces,
    landmarks_near,
    use_landmark_model,
)
from facewright_models.landmarks import choice as choice_module
from facewright_models.landmarks import finding as finding_module
from facewright_models.landmarks.choice import default_landmark_model
from facewright_models.landmarks.crops import apply, crop_of_box, crop_of_points, cut, inverse
from facewright_models.landmarks.network import CROP_PX, LandmarkNetwork, LandmarkNetworkConfig, heat_loss
from facewright_models.landmarks.template import (
    IRIS_CENTERS,
    POINT_COUNT,
    POINT_MIRROR,
    TEMPLATE_POINTS,
    points_of_template,
    read_template,
)
from facewright_models.landmarks.train import likelihood_loss
from facewright_models.landmarks.views import MarkedFace, random_view


def tiny_network() -> LandmarkNetwork:
    torch.manual_seed(0)
    config = LandmarkNetworkConfig(points=POINT_COUNT, widths=(4, 8, 8, 8, 8), blocks=(1, 1, 1, 1), joined=8)
    return LandmarkNetwork(config).eval()


def face_points() -> np.ndarray:
    """81 points somewhat like a face, 100 pixels wide."""
    generator = np.random.default_rng(3)
    points = generator.uniform(120, 180, (POINT_COUNT, 2))
    angle = np.linspace(0, math.pi, 17)
    points[:17] = np.stack([150 - 50 * np.cos(angle), 130 + 65 * np.sin(angle)], 1)
    points[36:42] = np.array((130, 135)) + generator.uniform(-6, 6, (6, 2))
    points[42:48] = np.array((170, 135)) + generator.uniform(-6, 6, (6, 2))
    points[48:68] = np.array((150, 175)) + generator.uniform(-12, 12, (20, 2))
    return points


def turned(points: np.ndarray, degrees: float, scale: float, shift: tuple[float, float]) -> np.ndarray:
    angle = math.radians(degrees)
    linear = scale * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return points @ linear.T + np.array(shift)


def test_every_point_has_a_place_and_a_scale() -> None:
    points, scales = tiny_network()(torch.rand(2, 3, CROP_PX, CROP_PX))
    assert points.shape == (2, POINT_COUNT, 2)
    assert scales.shape == (2, POINT_COUNT)
    assert bool(((points > 0) & (points < CROP_PX)).all())


def test_brightness_and_contrast_of_the_whole_crop_do_not_matter() -> None:
    crop = torch.rand(1, 3, CROP_PX, CROP_PX)
    network = tiny_network()
    before, after = network(crop)[0], network(0.5 * crop + 0.2)[0]
    torch.testing.assert_close(before, after, atol=1.0, rtol=0)


def test_the_loss_is_least_where_the_scale_is_the_distance() -> None:
    points, truth = torch.zeros(1, 1, 2), torch.full((1, 1, 2), 3.0)
    known = torch.ones(1, 1, dtype=torch.bool)
    losses = [
        float(likelihood_loss(points, torch.tensor([[math.log(scale)]]), truth, known))
        for scale in (1.5, 3.0, 6.0)
    ]
    assert losses[1] == min(losses)
    assert losses[1] == pytest.approx(1 + math.log(3) + 0.3)


def test_heat_is_best_where_the_point_is() -> None:
    points = torch.tensor([[[63.5, 31.5]]])  # the middle between four cells
    known = torch.ones(1, 1, dtype=torch.bool)

    def loss(column: int, row: int) -> float:
        heat = torch.zeros(1, 1, 32, 32)
        heat[0, 0, row, column] = 3.0
        return float(heat_loss(heat, points, known))

    assert loss(15, 7) == pytest.approx(loss(16, 8), abs=1e-5)
    assert loss(15, 7) < loss(18, 7) < loss(25, 20)
    assert float(heat_loss(torch.zeros(1, 1, 32, 32), points, known)) == pytest.approx(math.log(1024))


def test_points_that_are_not_known_teach_nothing() -> None:
    points = torch.zeros(1, 2, 2, requires_grad=True)
    known = torch.tensor([[True, False]])
    likelihood_loss(points, torch.zeros(1, 2), torch.ones(1, 2, 2), known).backward()
    assert points.grad is not None
    assert bool(points.grad[0, 0].abs().sum() > 0)
    assert points.grad[0, 1].abs().sum() == 0


def test_the_loss_has_the_gradient_of_its_formula() -> None:
    generator = torch.Generator().manual_seed(1)
    points, truth = (torch.randn(2, 3, 2, generator=generator, dtype=torch.float64) for _ in range(2))
    logarithm = torch.randn(2, 3, generator=generator, dtype=torch.float64)
    known = torch.tensor([[True, False, True], [True, True, True]])
    assert torch.autograd.gradcheck(
        lambda p, s: likelihood_loss(p, s, truth, known),
        (points.requires_grad_(), logarithm.requires_grad_()),
    )


@pytest.mark.parametrize("degrees", [0.0, 35.0, -90.0, 180.0])
def test_a_crop_follows_its_face_wherever_it_lies(degrees: float) -> None:
    points = face_points()
    moved = turned(points, degrees, 2.5, (400, 30))
    one, other = (apply(inverse(crop_of_points(each[:68])), each) for each in (points, moved))
    np.testing.assert_allclose(one, other, atol=1e-6)
    assert one[:68].min() > 0
    assert one[:68].max() < CROP_PX


def test_points_that_coincide_have_a_crop() -> None:
    assert np.isfinite(crop_of_points(np.full((68, 2), 7.0))).all()


def test_a_box_says_where_how_large_and_how_tilted_the_crop_is() -> None:
    upright = crop_of_box(FaceBox(x=10, y=20, width=64, height=64))
    tilted = crop_of_box(FaceBox(x=10, y=20, width=64, height=64, tilt_degrees=90.0))
    middle = np.full((1, 2), (CROP_PX - 1) / 2)
    np.testing.assert_allclose(apply(upright, middle), apply(tilted, middle), atol=1e-9)
    np.testing.assert_allclose(apply(upright, middle), [[41.5, 51.5]], atol=1e-9)
    # the crop's upper edge is at the picture's right where the head lies on that side
    top = np.array([[(CROP_PX - 1) / 2, 0.0]])
    assert apply(tilted, top)[0, 0] > 60


@pytest.mark.parametrize("step", [0.5, 1.0, 3.0, 7.0])
def test_a_crop_shows_what_lies_there_at_every_size(step: float) -> None:
    rows, columns = np.mgrid[0:900, 0:900]
    picture = np.stack([columns // 4, rows // 4, np.full_like(rows, 9)], -1).astype(np.uint8)
    crop = cut(picture, np.array([[step, 0.0, 3.0], [0.0, step, 2.0]]))
    expected = np.array([3.0 + step * 64, 2.0 + step * 50]) / 4
    np.testing.assert_allclose(crop[50, 64, :2], expected, atol=1.5)


def test_a_crop_outside_the_picture_is_black() -> None:
    crop = cut(np.full((40, 40, 3), 200, np.uint8), np.array([[4.0, 0, 500], [0, 4.0, 500]]))
    assert crop.max() == 0


def test_mirrored_templates_have_mirrored_points() -> None:
    template = np.random.default_rng(0).uniform(0, 300, (TEMPLATE_POINTS, 2))
    points = points_of_template(template)
    assert points.shape == (POINT_COUNT, 2)
    assert np.isfinite(points).all()
    np.testing.assert_array_equal(POINT_MIRROR[POINT_MIRROR], np.arange(POINT_COUNT))
    np.testing.assert_array_equal(points[list(IRIS_CENTERS)], template[[0, 1]])


def test_points_of_templates_move_with_them() -> None:
    template = np.random.default_rng(0).uniform(0, 300, (TEMPLATE_POINTS, 2))
    moved = turned(template, 20.0, 1.7, (30, 40))
    np.testing.assert_allclose(
        points_of_template(moved), turned(points_of_template(template), 20.0, 1.7, (30, 40)), atol=1e-6
    )


@pytest.mark.parametrize("text", ["", "two\n1 2", "2\n1 2\n3 4\n", "189\n1 2\n"])
def test_a_template_of_another_form_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.tem"
    path.write_text(text)
    with pytest.raises(InvalidInputError, match=r"a\.tem"):
        read_template(path)


def test_a_missing_template_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"none\.tem"):
        read_template(tmp_path / "none.tem")


def test_random_views_depend_on_the_seed_alone_and_stay_in_range() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (300, 300, 3), np.uint8)
    face = MarkedFace(pixels=pixels, points=face_points(), opacity=np.full((300, 300), 255, np.uint8))
    for seed in range(30):
        first, again = (random_view(face, np.random.default_rng(seed)) for _ in range(2))
        for one, other in zip(first, again, strict=True):
            np.testing.assert_array_equal(one, other)
        assert first[0].shape == (CROP_PX, CROP_PX, 3)
        assert first[0].min() >= 0
        assert first[0].max() <= 1


def test_points_of_a_view_lie_where_the_picture_went() -> None:
    """A dot that stays visible through most changes marks one point that the mirror keeps."""
    points = face_points()
    points[30] = (150, 150)
    pixels = np.full((300, 300, 3), 40, np.uint8)
    cv2.circle(pixels, (150, 150), 4, (255, 255, 255), -1)
    face = MarkedFace(pixels=pixels, points=points)
    distances = []
    for seed in range(40):
        image, moved, _ = random_view(face, np.random.default_rng(seed))
        grey = cv2.GaussianBlur(image.mean(-1), (0, 0), 2.0)
        row, column = np.unravel_index(np.abs(grey - np.median(grey)).argmax(), grey.shape)
        distances.append(np.hypot(column - moved[30, 0], row - moved[30, 1]))
    assert np.median(distances) < 2.5


def test_the_network_is_a_landmark_model() -> None:
    model = LandmarkNetworkModel(tiny_network())
    assert isinstance(model, LandmarkModel)
    points = model.locate(np.zeros((90, 120, 3), np.uint8), FaceBox(x=-20, y=30, width=70, height=50))
    assert points.shape == (LANDMARK_COUNT, 2)
    assert points.dtype == np.float64
    assert np.isfinite(points).all()


def test_the_second_look_is_framed_by_the_first() -> None:
    network = tiny_network()
    pixels = np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)
    box = FaceBox(x=50, y=50, width=100, height=100)
    crop = torch.from_numpy(cut(pixels, crop_of_box(box))).permute(2, 0, 1)[None] / 255
    first = apply(crop_of_box(box), network(crop)[0][0, :LANDMARK_COUNT].detach().double().numpy())
    np.testing.assert_allclose(
        LandmarkNetworkModel(network, looks=1).locate_again(pixels, first),
        LandmarkNetworkModel(network).locate(pixels, box),
        atol=1e-3,
    )


def test_a_mirrored_picture_has_mirrored_points() -> None:
    model = LandmarkNetworkModel(tiny_network(), looks=1)
    pixels = np.random.default_rng(0).integers(0, 255, (128, 128, 3), np.uint8)
    here = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    points = model.mark(pixels, here).points_px
    other = model.mark(np.ascontiguousarray(pixels[:, ::-1]), here).points_px[POINT_MIRROR]
    np.testing.assert_allclose(np.stack([127 - other[:, 0], other[:, 1]], 1), points, atol=1e-3)


def test_scales_are_in_pixels_of_the_picture() -> None:
    model = LandmarkNetworkModel(tiny_network(), looks=1)
    pixels = np.zeros((300, 300, 3), np.uint8)
    small, large = (
        model.mark(pixels, crop_of_box(FaceBox(x=0, y=0, width=side, height=side))).scales_px
        for side in (100, 200)
    )
    np.testing.assert_allclose(2 * small, large, rtol=1e-5)


@pytest.fixture
def restored_choice() -> object:
    before = choice_module._chosen
    yield
    use_landmark_model(before)


@pytest.mark.usefixtures("restored_choice")
def test_the_model_of_a_process_can_be_chosen() -> None:
    use_landmark_model("dlib")
    assert isinstance(default_landmark_model(), DlibLandmarkModel)
    use_landmark_model("network")
    assert isinstance(default_landmark_model(), LandmarkNetworkModel)
    with pytest.raises(UnknownParameterError, match="network, dlib"):
        use_landmark_model("other")


def clockwise(pixels: np.ndarray, degrees: float) -> np.ndarray:
    height, width = pixels.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -degrees, 1.0)
    return cv2.warpAffine(pixels, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)


@pytest.mark.parametrize("degrees", [0.0, 40.0, -90.0, 180.0])
def test_points_follow_a_head_that_is_tilted(degrees: float, astronaut: np.ndarray) -> None:
    portrait = np.ascontiguousarray(astronaut[0:320, 60:380])
    model = LandmarkNetworkModel()
    (upright,) = detect_faces(portrait, landmark_model=model)
    (found,) = detect_faces(clockwise(portrait, degrees), landmark_model=model)
    middle = np.full(2, 159.5)
    expected = turned(upright.landmarks_px - middle, degrees, 1.0, (159.5, 159.5))
    eyes = np.linalg.norm(expected[36:42].mean(0) - expected[42:48].mean(0))
    assert np.linalg.norm(found.landmarks_px - expected, axis=1).mean() < 0.1 * eyes


class UprightBox:
    """A detector that finds a bright square which stands upright."""

    def detect(self, pixels: np.ndarray) -> tuple[tuple[FaceBox, float], ...]:
        rows, columns = np.nonzero(pixels[..., 0] > 128)
        side = math.sqrt(len(rows))
        width, height = float(np.ptp(columns)), float(np.ptp(rows))
        if not len(rows) or max(width, height) > 1.05 * side:
            return ()
        box = FaceBox(x=int(columns.min()), y=int(rows.min()), width=round(width), height=round(height))
        return ((box, 1.0),)


def test_a_tilted_box_lies_where_the_thing_is_with_its_tilt() -> None:
    pixels = np.zeros((200, 300, 3), np.uint8)
    corners = turned(np.array([[-20, -20], [20, -20], [20, 20], [-20, 20]], float), 35.0, 1.0, (190, 80))
    cv2.fillPoly(pixels, [np.round(corners).astype(np.int32)], (255, 255, 255))
    ((box, score),) = TiltedFaceDetector(UprightBox(), tilts_degrees=(0.0, 35.0, 70.0)).detect(pixels)
    assert box.tilt_degrees == 35.0
    assert score == 1.0
    np.testing.assert_allclose(box.center_px, (190, 80), atol=2)
    assert abs(box.width - 40) <= 3


def test_dlib_marks_a_tilted_box_as_it_marks_an_upright_one(astronaut: np.ndarray) -> None:
    portrait = np.ascontiguousarray(astronaut[0:320, 60:380])
    (face,) = detect_frontal_faces(portrait)
    x, y = face.box.center_px
    center = turned(np.array([[x, y]]) - 159.5, 70.0, 1.0, (159.5, 159.5))[0]
    half = (face.box.width - 1) / 2
    tilted = FaceBox(
        x=round(center[0] - half),
        y=round(center[1] - half),
        width=face.box.width,
        height=face.box.height,
        tilt_degrees=70.0,
    )
    dlib = DlibLandmarkModel()
    upright = dlib.locate(portrait, face.box)
    expected = turned(upright - 159.5, 70.0, 1.0, (159.5, 159.5))
    found = dlib.locate(clockwise(portrait, 70.0), tilted)
    eyes = np.linalg.norm(upright[36:42].mean(0) - upright[42:48].mean(0))
    assert np.linalg.norm(found - expected, axis=1).mean() < 0.1 * eyes


def test_points_are_found_near_others_without_a_box_or_by_the_detector(
    astronaut: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that can looks where the points are; for dlib's, the detector's box decides."""
    portrait = np.ascontiguousarray(astronaut[0:320, 60:380])
    (face,) = detect_frontal_faces(portrait)
    strayed = face.landmarks_px + 6.0
    monkeypatch.setattr(finding_module, "_default_detector", lambda: pytest.fail("no face has to be found"))
    near = landmarks_near(portrait, strayed)
    assert near is not None
    eyes = np.linalg.norm(near[36:42].mean(0) - near[42:48].mean(0))
    assert np.linalg.norm(near - face.landmarks_px, axis=1).mean() < 0.05 * eyes
    monkeypatch.undo()
    monkeypatch.setattr(finding_module, "default_landmark_model", DlibLandmarkModel)
    by_box = landmarks_near(portrait, strayed)
    assert by_box is not None
    np.testing.assert_array_equal(by_box, DlibLandmarkModel().locate(portrait, face.box))
    assert landmarks_near(np.zeros((200, 200, 3), np.uint8), strayed) is None
