"""Photos that cannot be used, and photos that look as if they could not, over the real connection."""

import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from facewright import Character, Client, FaceBox, FitResult, Photo, View, errors
from integration import photos
from integration.photos import FEW_STEPS

pytestmark = pytest.mark.integration


def face_difference(one: FitResult, other: FitResult) -> float:
    """Mean absolute difference of the aligned photos, in the middle, where the face is; 0 to 255."""
    first, second = (
        photos.decoded(result.aligned_photo_png)[150:400, 130:380].astype(float) for result in (one, other)
    )
    return float(np.abs(first - second).mean())


def warning_codes(result: FitResult) -> list[str]:
    return [notice.code for notice in result.report.warnings]


@pytest.mark.parametrize(
    "content",
    [b"", b"GIF", b"this is no image at all", bytes(1000), b"%PDF-1.7 ..."],
    ids=lambda text: text[:8],
)
def test_what_is_no_image_is_an_invalid_image(client: Client, content: bytes) -> None:
    with pytest.raises(errors.InvalidImageError) as caught:
        client.fit(content)
    assert caught.value.field_violations[0].field == "subjects[0].photos[0].content"


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_a_truncated_image_is_an_invalid_image(client: Client, portrait: np.ndarray, share: float) -> None:
    for content in (photos.jpeg(portrait), photos.png(portrait)):
        with pytest.raises(errors.InvalidImageError, match="send"):
            client.fit(content[: int(len(content) * share)])


def test_more_than_100_megapixels_are_refused(client: Client) -> None:
    with pytest.raises(errors.ImageTooLargeError, match="100,010,000"):
        client.fit(photos.flat_png(10_000, 10_001))


def test_a_header_that_announces_gigapixels_is_refused(client: Client) -> None:
    with pytest.raises(errors.ImageTooLargeError):
        client.fit(photos.png_header_only(60_000, 60_000))


def test_a_decompression_bomb_below_the_limit_is_refused(client: Client) -> None:
    with pytest.raises(errors.ImageTooLargeError, match="bomb"):
        client.fit(photos.png_header_only(9_000, 9_000))


@pytest.mark.parametrize("kind", ["flat", "noise"])
def test_a_picture_without_a_face_is_refused(fitting: Client, kind: str) -> None:
    pixels = np.full((256, 256, 3), 120, np.uint8)
    if kind == "noise":
        pixels = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
    with pytest.raises(errors.NoFaceError):
        fitting.fit(photos.png(pixels))


def test_a_box_without_a_face_is_refused(fitting: Client, portrait: np.ndarray) -> None:
    with pytest.raises(errors.NoFaceError):
        fitting.fit(Photo(photos.jpeg(portrait), FaceBox(0, 300, 90, 90)))


def test_a_face_under_40_pixels_is_refused(fitting: Client, portrait: np.ndarray) -> None:
    with pytest.raises(errors.FaceTooSmallError, match="at least 40 px"):
        fitting.fit(Photo(photos.png(photos.scaled(portrait, 0.3)), FaceBox(51, 24, 33, 33)))


@pytest.fixture(scope="session")
def large(portrait: np.ndarray) -> np.ndarray:
    """Only the head, so that nothing else can pass for a face."""
    return np.ascontiguousarray(portrait[0:280, 90:370])


@pytest.fixture(scope="session")
def small(large: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(photos.scaled(large, 0.8)[:, ::-1])


def test_of_several_faces_the_largest_is_taken_and_the_warning_names_the_count(
    fitting: Client, large: np.ndarray, small: np.ndarray, plain_fit: FitResult
) -> None:
    result = fitting.fit(photos.png(photos.side_by_side(large, small)), options=FEW_STEPS)
    (notice,) = [notice for notice in result.report.warnings if notice.code == "SEVERAL_FACES"]
    assert "2" in notice.message
    assert face_difference(result, plain_fit) < 6


def test_a_box_chooses_among_several_faces(fitting: Client, large: np.ndarray, small: np.ndarray) -> None:
    # In the portrait the face is at x 170..280, y 60..200; cut out, shrunk, mirrored and put aside, it is here:
    box = FaceBox(280 + round((280 - 190) * 0.8), 48, 88, 112)
    chosen = fitting.fit(Photo(photos.png(photos.side_by_side(large, small)), box), options=FEW_STEPS)
    alone = fitting.fit(photos.png(small), options=FEW_STEPS)
    assert face_difference(chosen, alone) < 8


def test_an_animation_is_accepted_and_its_first_frame_used(fitting: Client, portrait: np.ndarray) -> None:
    assert "ANIMATED_FIRST_FRAME" in warning_codes(
        fitting.fit(photos.animated_gif(portrait), options=FEW_STEPS)
    )


@pytest.mark.parametrize(
    "encode", [photos.png_16_bit, photos.transparent_png], ids=lambda encode: encode.__name__
)
def test_unusual_files_without_loss_are_read_like_the_plain_one(
    fitting: Client, portrait: np.ndarray, plain_fit: FitResult, encode
) -> None:
    result = fitting.fit(encode(portrait), options=FEW_STEPS)
    assert face_difference(result, plain_fit) < 1


@pytest.mark.parametrize(
    "encode", [photos.cmyk_jpeg, photos.exif_rotated_jpeg], ids=lambda encode: encode.__name__
)
def test_unusual_jpegs_are_read_like_a_plain_file_of_the_same_pixels(
    fitting: Client, portrait: np.ndarray, encode
) -> None:
    content = encode(portrait)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("RGB")
    plain = fitting.fit(photos.png(np.asarray(upright)), options=FEW_STEPS)
    assert face_difference(fitting.fit(content, options=FEW_STEPS), plain) < 1


def test_a_face_that_is_not_frontal_is_fitted_with_a_warning(fitting: Client) -> None:
    turned = fitting.render(Character(), view=View(yaw_degrees=38), size_px=512).pngs["color"]
    assert "NOT_FRONTAL" in warning_codes(fitting.fit(turned, options=FEW_STEPS))
