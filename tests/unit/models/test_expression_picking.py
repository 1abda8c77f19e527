"""The frame that is picked of a video shows an expression, sharply, with open eyes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facewright_models.errors import InvalidInputError, NoFaceError, ParameterRangeError
from facewright_models.expression import DEGREE_RANGES, REST_DEGREES, VideoFrame, pick_frame, pick_frame_at
from facewright_models.expression.picking import face_sharpness, frame_score

FACE_BOX = (170, 60, 110, 150)
SHARP = np.random.default_rng(0).integers(0, 255, (40, 40, 3), np.uint8).repeat(4, 0).repeat(4, 1)


@dataclass(frozen=True)
class Clip:
    """Frames whose degrees are known by the brightness of their first pixel, as a measure would find them."""

    frames: list[VideoFrame]
    degrees: list[Mapping[str, float] | None]

    def measure(self, pixels: np.ndarray) -> Mapping[str, float] | None:
        return self.degrees[int(pixels[0, 0, 0])]


def clip(*degrees: Mapping[str, float] | None, blurred: tuple[int, ...] = ()) -> Clip:
    frames = []
    for index in range(len(degrees)):
        pixels = cv2.GaussianBlur(SHARP, (0, 0), 6) if index in blurred else SHARP.copy()
        pixels[0, 0] = index
        frames.append(VideoFrame(index=index, time_secs=index / 25, pixels=pixels))
    return Clip(frames, list(degrees))


def picked(video: Clip) -> int:
    return pick_frame(video.frames, video.measure).frame.index


def test_the_clearest_expression_is_picked() -> None:
    assert picked(clip(REST_DEGREES, {"smile": 0.4}, {"smile": 0.9}, {"smile": 0.6})) == 2
    assert picked(clip({"jaw": 0.3}, {"brow_raise": 0.8, "jaw": 0.5}, {"brow_raise": 0.8})) == 1
    assert picked(clip(REST_DEGREES, {"left_eye": 1.4, "right_eye": 1.4}, REST_DEGREES)) == 1


def test_closed_eyes_are_no_expression() -> None:
    blink = {"smile": 0.6, "left_eye": 0.0, "right_eye": 0.0}
    assert picked(clip(REST_DEGREES, blink, {"smile": 0.4})) == 2
    assert picked(clip({"left_eye": 0.1, "right_eye": 0.1}, REST_DEGREES)) == 1
    half = {"smile": 0.6, "left_eye": 0.05, "right_eye": 1.0}
    assert picked(clip(half, {"smile": 0.4})) == 1


def test_a_sharp_smile_is_preferred_to_a_slightly_wider_blurred_one() -> None:
    assert picked(clip({"smile": 0.8}, {"smile": 0.7}, blurred=(0,))) == 1


def test_of_equal_frames_the_earliest_is_picked() -> None:
    frames = [VideoFrame(index=index, time_secs=0.0, pixels=SHARP) for index in range(3)]
    assert pick_frame(frames, lambda _: {"smile": 0.5}).frame.index == 0


def test_frames_without_a_face_are_passed_over_and_counted() -> None:
    video = clip(None, {"smile": 0.3}, None)
    found = pick_frame(video.frames, video.measure)
    assert (found.frame.index, found.frame_count, found.face_count) == (1, 3, 1)
    assert found.degrees == {"smile": 0.3}


def test_whether_an_expression_is_shown_at_all_is_told() -> None:
    smiling = clip({"smile": 0.5})
    assert pick_frame(smiling.frames, smiling.measure).shows_expression
    resting = clip({**REST_DEGREES, "smile": 0.05})
    assert not pick_frame(resting.frames, resting.measure).shows_expression


def test_a_video_without_any_face_is_refused() -> None:
    video = clip(None, None, None)
    with pytest.raises(NoFaceError, match="none of 3 frames"):
        pick_frame(video.frames, video.measure)


def test_no_frames_at_all_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="no frame"):
        pick_frame([], clip().measure)


def test_frames_are_looked_at_one_by_one() -> None:
    """A video is longer than memory: what was not picked is let go."""
    import weakref

    alive: list[weakref.ref[VideoFrame]] = []

    def frames() -> Iterator[VideoFrame]:
        for frame in clip(*[{"smile": index / 30} for index in range(20)]).frames:
            fresh = VideoFrame(index=frame.index, time_secs=frame.time_secs, pixels=frame.pixels.copy())
            alive.append(weakref.ref(fresh))
            yield fresh
            del fresh
            assert sum(reference() is not None for reference in alive) <= 2

    video = clip(*[{"smile": index / 30} for index in range(20)])
    assert pick_frame(frames(), video.measure).frame.index == 19


# ---------------------------------------------------------------------------------------------- by number


def test_a_frame_is_picked_by_its_number_and_only_it_is_measured() -> None:
    video = clip(REST_DEGREES, {"smile": 0.9}, {"smile": 0.2})
    measured = []

    def measure(pixels: np.ndarray) -> Mapping[str, float] | None:
        measured.append(int(pixels[0, 0, 0]))
        return video.measure(pixels)

    found = pick_frame_at(video.frames, 2, measure)
    assert (found.frame.index, found.degrees, measured) == (2, {"smile": 0.2}, [2])


@pytest.mark.parametrize(("index", "expected"), [(3, "0 to 2"), (999, "0 to 2"), (-1, "0 for the first")])
def test_a_number_out_of_range_is_refused(index: int, expected: str) -> None:
    video = clip(REST_DEGREES, REST_DEGREES, REST_DEGREES)
    with pytest.raises(ParameterRangeError, match=f"no frame {index}; .*{expected}") as refused:
        pick_frame_at(video.frames, index, video.measure)
    assert refused.value.field == "frame_index"


def test_a_frame_that_was_left_out_is_refused_with_the_next_one() -> None:
    video = clip(REST_DEGREES, REST_DEGREES, REST_DEGREES)
    with pytest.raises(InvalidInputError, match=r"frame 1 .* the next one is 2"):
        pick_frame_at([video.frames[0], video.frames[2]], 1, video.measure)


def test_a_chosen_frame_without_a_face_is_refused() -> None:
    video = clip(REST_DEGREES, None)
    with pytest.raises(NoFaceError, match="frame 1 of the video shows no face"):
        pick_frame_at(video.frames, 1, video.measure)


# ---------------------------------------------------------------------------------------------- scores


def test_sharpness_falls_with_every_blur(astronaut: np.ndarray) -> None:
    blurs = [astronaut, *(cv2.GaussianBlur(astronaut, (0, 0), sigma) for sigma in (0.7, 1.5, 3, 6))]
    values = [face_sharpness(blurred, FACE_BOX) for blurred in blurs]
    assert values == sorted(values, reverse=True)
    assert values[0] > 0.6
    assert values[-1] < 0.05


def test_the_background_does_not_count_where_the_face_is_known(astronaut: np.ndarray) -> None:
    left, top, width, height = FACE_BOX
    blurred_face = astronaut.copy()
    face = (slice(top, top + height), slice(left, left + width))
    blurred_face[face] = cv2.GaussianBlur(astronaut, (0, 0), 4)[face]
    blurred_around = cv2.GaussianBlur(astronaut, (0, 0), 4)
    blurred_around[face] = astronaut[face]
    frames = [
        VideoFrame(index=index, time_secs=float(index), pixels=pixels)
        for index, pixels in enumerate((blurred_face, blurred_around))
    ]
    found = pick_frame(frames, lambda _: {"smile": 0.5}, box=lambda _: FACE_BOX)
    assert found.frame.index == 1


def test_sharpness_hardly_depends_on_light_and_size(astronaut: np.ndarray) -> None:
    sharp = face_sharpness(astronaut, FACE_BOX)
    dim = face_sharpness((astronaut * 0.4).astype(np.uint8), FACE_BOX)
    assert dim == pytest.approx(sharp, abs=0.05)
    doubled = np.ascontiguousarray(cv2.resize(astronaut, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC))
    assert face_sharpness(doubled, tuple(2 * value for value in FACE_BOX)) == pytest.approx(sharp, abs=0.1)


@pytest.mark.parametrize("box", [(-50, -50, 10, 10), (600, 600, 50, 50), (-20, 400, 900, 900), (5, 5, 0, 0)])
def test_a_box_beside_the_picture_still_gives_a_number(
    astronaut: np.ndarray, box: tuple[int, int, int, int]
) -> None:
    assert 0.0 <= face_sharpness(astronaut, box) <= 1.0


def test_a_flat_picture_is_not_sharp() -> None:
    assert face_sharpness(np.full((9, 9, 3), 7, np.uint8)) == 0.0


DEGREES = st.fixed_dictionaries({name: st.floats(low, high) for name, (low, high) in DEGREE_RANGES.items()})


@settings(max_examples=50, deadline=None)
@given(degrees=DEGREES, more=st.floats(0, 1))
def test_more_expression_never_scores_less(degrees: dict[str, float], more: float) -> None:
    stronger = {**degrees, "jaw": degrees["jaw"] + more * (1 - degrees["jaw"])}
    assert frame_score(SHARP, stronger).total >= frame_score(SHARP, degrees).total
    assert frame_score(SHARP, REST_DEGREES).expression == 0.0
    assert frame_score(SHARP, degrees).total > 0.0
