"""Several people in one call: errors, leaving and results of one's own, whoever else is there."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
import torch
from skimage import data

from facewright_models.errors import (
    FaceTooSmallError,
    FacewrightError,
    FitCancelledError,
    InvalidInputError,
    NoFaceError,
    RenderUnavailableError,
    UnknownParameterError,
)
from facewright_models.fitting import FaceBox, FitOptions, FitOutcome, FitProgress, FitResult, Fitter, Subject
from facewright_models.fitting.descent import Descent
from facewright_models.fitting.features import FaceFeatures
from facewright_models.fitting.preparation import AlignedPhoto
from facewright_models.fitting.variables import FitVariables
from facewright_models.fitting.warm_start import MARK_NOISE_PX
from facewright_models.foundry import VectorLayout
from facewright_models.photo import Photo
from facewright_models.rig import Character
from unit.models.fitting_stand_ins import TOY_SCHEMA, FaceImitator, person, tiny_extractor

Pixels = np.ndarray
SHORT = FitOptions(iterations=4, similarity_threshold=2.0)


@pytest.fixture(scope="module")
def face() -> Pixels:
    """(512, 512, 3): a face as large as that of a rendered character."""
    return cv2.resize(np.ascontiguousarray(data.astronaut()[20:270, 100:350]), (512, 512))


@pytest.fixture(scope="module")
def other(face: Pixels) -> Pixels:
    """The same face, darker and bluer: another fit."""
    return (face * np.array([0.6, 0.7, 0.95])).astype(np.uint8)


@pytest.fixture(scope="module")
def fitter(face: Pixels) -> Fitter:
    layout = VectorLayout(TOY_SCHEMA)
    return Fitter(layout=layout, imitator=FaceImitator(layout, face), extractor=tiny_extractor(), rig=None)


@pytest.fixture
def sizes(fitter: Fitter, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Rows of every picture that is imitated from now on."""
    calls: list[int] = []
    monkeypatch.setattr(fitter._models.imitator, "calls", calls)
    return calls


def nobody() -> Subject:
    return person(np.full((300, 400, 3), 127, np.uint8))


def drawn(character: Character) -> Pixels:
    return np.full((512, 512, 3), 128, np.uint8)


def sliders(outcome: FitOutcome) -> list[float]:
    assert isinstance(outcome, FitResult)
    return list(outcome.character.sliders.values())


def after_steps(steps: int, events: list[FitProgress], subject: int = 0) -> Callable[[], bool]:
    """True as soon as a subject has made so many steps."""
    return lambda: any(
        event.stage == "optimise" and event.iteration >= steps and event.subject == subject
        for event in events
    )


# -------------------------------------------------------------------------------------- errors of one's own


def test_a_bad_photo_is_the_error_of_its_own_person(fitter: Fitter, face: Pixels, other: Pixels) -> None:
    small = np.full((400, 400, 3), 160, np.uint8)
    small[100:190, 100:190] = cv2.resize(face, (90, 90), interpolation=cv2.INTER_AREA)
    people = [
        nobody(),
        person(face),
        person(small, boxes=(FaceBox(x=120, y=125, width=50, height=50),)),
        person(other),
        person(face, boxes=(None, None)),
        person(),
    ]
    outcomes = fitter.fit_each(people, options=SHORT, render=drawn)
    kinds = [type(outcome) for outcome in outcomes]
    assert kinds[:2] == [NoFaceError, FitResult]
    assert kinds[2] in (FaceTooSmallError, NoFaceError)
    assert kinds[3:] == [FitResult, InvalidInputError, InvalidInputError]
    fields = [outcome.field for outcome in outcomes if isinstance(outcome, FacewrightError)]
    assert [str(field)[:11] for field in fields] == [f"subjects[{index}]" for index in (0, 2, 4, 5)]
    alone = fitter.fit([person(other)], options=SHORT, render=drawn)
    np.testing.assert_allclose(sliders(outcomes[3]), sliders(alone[0]), atol=2e-4)


def test_a_frame_that_cannot_be_drawn_is_the_error_of_its_own_person(fitter: Fitter, face: Pixels) -> None:
    frames = iter([drawn, drawn])

    def twice(character: Character) -> Pixels:
        for draw in frames:
            return draw(character)
        raise RenderUnavailableError("lost")

    first, second = fitter.fit_each([person(face)] * 2, options=SHORT, render=twice)
    assert isinstance(first, FitResult)
    assert isinstance(second, RenderUnavailableError)


def test_outcomes_are_told_as_they_come(fitter: Fitter, face: Pixels) -> None:
    told: list[tuple[int, type, int]] = []
    events: list[FitProgress] = []
    outcomes = fitter.fit_each(
        [person(face), nobody()],
        options=SHORT,
        render=drawn,
        on_progress=events.append,
        on_outcome=lambda index, outcome: told.append((index, type(outcome), len(events))),
    )
    assert told[0] == (1, NoFaceError, 0)  # before the work on the others
    assert [entry[:2] for entry in told[1:]] == [(0, FitResult)]
    assert [type(outcome) for outcome in outcomes] == [FitResult, NoFaceError]
    assert {event.subject for event in events} == {0}


def test_when_nobody_can_be_fitted_all_the_errors_come_back(fitter: Fitter) -> None:
    outcomes = fitter.fit_each([nobody(), nobody()], options=SHORT, render=drawn)
    assert [type(outcome) for outcome in outcomes] == [NoFaceError, NoFaceError]


def test_options_that_mean_nothing_are_everybodys_error(fitter: Fitter, face: Pixels) -> None:
    options = FitOptions(locked_sliders={"tail": 0.5})
    with pytest.raises(UnknownParameterError):
        fitter.fit_each([person(face)], options=options, render=drawn)


# ---------------------------------------------------------------------------------------------- leaving


def test_who_is_abandoned_leaves_the_computation_and_the_others_get_what_they_get_alone(
    fitter: Fitter, face: Pixels, other: Pixels, sizes: list[int]
) -> None:
    events: list[FitProgress] = []
    has_left = after_steps(2, events, subject=0)
    outcomes = fitter.fit_each(
        [person(face, face), person(other)],
        options=SHORT,
        render=drawn,
        on_progress=events.append,
        is_abandoned=lambda index: index == 0 and has_left(),
    )
    assert isinstance(outcomes[0], FitCancelledError)
    in_the_loop = sizes[2:-1]  # before it the styles of two people, after it one picture
    assert in_the_loop == [3, 3, 3, 1, 1]  # three photos, and one once the first person has left
    alone = fitter.fit([person(other)], options=SHORT, render=drawn)
    np.testing.assert_allclose(sliders(outcomes[1]), sliders(alone[0]), atol=2e-4)


def test_when_everybody_is_abandoned_the_call_ends(fitter: Fitter, face: Pixels) -> None:
    events: list[FitProgress] = []
    has_left = after_steps(1, events)
    with pytest.raises(FitCancelledError, match="abandoned"):
        fitter.fit_each(
            [person(face)] * 2,
            options=SHORT,
            render=drawn,
            on_progress=events.append,
            is_abandoned=lambda index: has_left(),
        )
    assert max(event.iteration for event in events) == 1


def test_when_the_rest_is_abandoned_the_errors_of_the_others_still_come_back(
    fitter: Fitter, face: Pixels
) -> None:
    outcomes = fitter.fit_each(
        [nobody(), person(face)], options=SHORT, render=drawn, is_abandoned=lambda index: index == 1
    )
    assert [type(outcome) for outcome in outcomes] == [NoFaceError, FitCancelledError]


def test_a_stopped_call_ends_for_everybody(fitter: Fitter, face: Pixels) -> None:
    with pytest.raises(FitCancelledError, match="cancelled"):
        fitter.fit_each([nobody(), person(face)], options=SHORT, render=drawn, should_stop=lambda: True)


def test_a_long_call_asks_often_whether_it_is_to_stop(fitter: Fitter, face: Pixels) -> None:
    """Between the parts of a step, on the way back as well; each one is a place where the work can end."""
    asked = 0

    def count() -> bool:
        nonlocal asked
        asked += 1
        return False

    fitter.fit([person(face)], options=FitOptions(iterations=0), render=drawn, should_stop=count)
    before = asked
    asked = 0
    fitter.fit(
        [person(face)],
        options=FitOptions(iterations=1, similarity_threshold=2.0),
        render=drawn,
        should_stop=count,
    )
    assert asked - before >= 8


@pytest.mark.parametrize("place", range(0, 40, 3))
def test_a_call_can_end_wherever_it_asks(place: int, fitter: Fitter, face: Pixels) -> None:
    asked = iter(range(1_000_000))
    with pytest.raises(FitCancelledError):
        fitter.fit([person(face)], options=SHORT, render=drawn, should_stop=lambda: next(asked) >= place)


# ------------------------------------------------------------------------------ whoever else is there


def test_a_result_does_not_depend_on_who_else_is_fitted(fitter: Fitter, face: Pixels, other: Pixels) -> None:
    options = FitOptions(iterations=7, similarity_threshold=2.0, seed=5)  # colours are measured again at 6
    people = [person(other), person(face, other, face, other), person(face)]  # more than go at once
    together = fitter.fit_each(people, options=options, render=drawn)
    for subject, outcome in zip(people, together, strict=True):
        (alone,) = fitter.fit([subject], options=options, render=drawn)
        assert isinstance(outcome, FitResult)
        np.testing.assert_allclose(sliders(outcome), sliders(alone), atol=5e-4)
        assert outcome.character.styles == alone.character.styles
        for name, color in alone.character.colors.items():
            np.testing.assert_allclose(outcome.character.colors[name], color, atol=5e-4)


def test_many_photos_go_through_the_networks_a_few_at_a_time(
    fitter: Fitter, face: Pixels, sizes: list[int]
) -> None:
    fitter.fit([person(*[face] * 6)], options=FitOptions(iterations=0), render=drawn)
    assert max(sizes) == 4


# --------------------------------------------------------------------------------- the state of the loop


def state_of(owners: list[int]) -> Descent:
    """Some people's photos, told apart by their numbers."""
    layout = VectorLayout(TOY_SCHEMA)
    count = len(owners)
    numbers = torch.arange(count, dtype=torch.float32)
    features = FaceFeatures(
        image=numbers[:, None, None, None].expand(count, 3, 2, 2),
        landmarks=torch.zeros(count, 68, 2),
        depths=(numbers[:, None, None, None].clone(),),
        probabilities=torch.zeros(count, 11, 2, 2),
        embedding=numbers[:, None].clone(),
    )
    photo = Photo(pixels=np.zeros((2, 2, 3), np.uint8), warnings=())
    aligned = [
        AlignedPhoto(
            subject=owner,
            photo=photo,
            photo_landmarks=np.zeros((68, 2)),
            frame_from_photo=np.zeros((2, 3)),
            frame=np.zeros((512, 512, 3), np.uint8),
            landmarks=np.full((68, 2), float(index)),
            warnings=(),
        )
        for index, owner in enumerate(owners)
    ]
    options = FitOptions()
    variables = FitVariables(layout, torch.tensor(owners), options)
    people = [10 * owner for owner in sorted(set(owners))]
    noise = MARK_NOISE_PX * (1 + torch.arange(len(owners)))[:, None, None]
    return Descent(people, variables, aligned, features, features, torch.zeros(1, 68, 2), noise, options)


def pull(state: Descent) -> None:
    """A gradient of its own for every row."""
    for tensor in (state.variables.sliders, *state.variables.styles.values(), state.variables.nuisance):
        weights = torch.arange(len(tensor), dtype=torch.float32)[:, None] + 1

        tensor.grad = 0.01 * weights.expand_as(tensor).clone()


def test_rows_that_stay_keep_their_photos_gradients_and_momenta() -> None:
    whole, narrowed = state_of([0, 0, 1, 2]), state_of([0, 0, 1, 2])
    for state in (whole, narrowed):
        pull(state)
        state.step(0.1)
        pull(state)
    narrowed.keep([0, 2])
    assert narrowed.people == [0, 20]
    assert narrowed.marked[:, 0, 0].tolist() == [0.0, 1.0, 3.0]
    assert narrowed.photo.embedding[:, 0].tolist() == [0.0, 1.0, 3.0]
    torch.testing.assert_close(narrowed.certainty, whole.certainty[[0, 1, 3]], rtol=0, atol=0)
    assert narrowed.certainty[:, 0].tolist() == pytest.approx([1.0, 1 / 2, 1 / 4])
    assert narrowed.photo_counts.tolist() == [2, 1]
    for state in (whole, narrowed):
        state.step(0.2)
    torch.testing.assert_close(narrowed.variables.sliders, whole.variables.sliders[[0, 2]], rtol=0, atol=0)
    torch.testing.assert_close(
        narrowed.variables.styles["hair"], whole.variables.styles["hair"][[0, 2]], rtol=0, atol=0
    )
    torch.testing.assert_close(
        narrowed.variables.nuisance, whole.variables.nuisance[[0, 1, 3]], rtol=0, atol=0
    )
    assert not torch.equal(whole.variables.sliders, state_of([0, 0, 1, 2]).variables.sliders)


def test_everybody_starts_from_the_same_styles() -> None:
    """Noise against ties is drawn once: what a person gets does not depend on their place."""
    scores = state_of([0, 1, 2]).variables.styles["hair"]
    assert torch.equal(scores, scores[:1].expand_as(scores))
    assert len(set(scores[0].tolist())) == 3
