"""The loop of a fit on tiny random networks: what it keeps, when it stops, and that it repeats itself."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from facewright_models.errors import (
    FitCancelledError,
    UnknownParameterError,
)
from facewright_models.fitting import FitOptions, FitProgress, FitResult, Fitter
from facewright_models.fitting import loop as loop_module
from facewright_models.fitting.features import COARSE_LOSS_PX
from facewright_models.fitting.objective import Terms, objective
from facewright_models.foundry import VectorLayout
from facewright_models.rig import Character, ParameterKind, load_rig, neutral_character, validate_character
from unit.models.fitting_stand_ins import (
    TOY_SCHEMA,
    FaceImitator,
    TinyIdentity,
    TinyParser,
    always,
    person,
    tiny_extractor,
)

Pixels = np.ndarray
SHORT = FitOptions(iterations=4, similarity_threshold=2.0)
"""A few steps that no likeness can stop."""


@pytest.fixture
def fitter(faces: list[Pixels]) -> Fitter:
    """A fitter of a toy creator of which only the imitator is known."""
    layout = VectorLayout(TOY_SCHEMA)
    return Fitter(
        layout=layout, imitator=FaceImitator(layout, faces[0]), extractor=tiny_extractor(), rig=None
    )


@pytest.fixture(scope="module")
def known_mesh(faces: list[Pixels]) -> Fitter:
    """A fitter of the default rig, whose mesh is known."""
    rig = load_rig("anny")
    layout = VectorLayout(rig.schema)
    imitator = FaceImitator(layout, faces[0], strength=0.01)
    return Fitter(layout=layout, imitator=imitator, extractor=tiny_extractor(), rig=rig)


def fit_one(fitter: Fitter, photo: Pixels, options: FitOptions = SHORT) -> FitResult:
    (result,) = fitter.fit([person(photo)], options=options, render=always(photo))
    return result


def sliders(result: FitResult) -> list[float]:
    return list(result.character.sliders.values())


# ----------------------------------------------------------------------------------- where it starts


def test_the_initial_image_equals_the_reference_image(fitter: Fitter, faces: list[Pixels]) -> None:
    """Claim 17."""
    np.testing.assert_array_equal(fitter.initial_image(), fitter.reference_image)
    np.testing.assert_array_equal(fitter.reference_image, faces[0])


def test_the_initial_image_equals_the_reference_image_of_the_default_rig(known_mesh: Fitter) -> None:
    np.testing.assert_array_equal(known_mesh.initial_image(), known_mesh.reference_image)


def test_no_iterations_leave_the_average_shape(fitter: Fitter, faces: list[Pixels]) -> None:
    result = fit_one(fitter, faces[1], FitOptions(iterations=0))
    assert set(sliders(result)) == {0.5}
    assert result.report.iterations == 0


# ------------------------------------------------------------------- both branches get the same treatment


def test_photo_and_imitated_face_are_shown_to_the_networks_alike(fitter: Fitter, faces: list[Pixels]) -> None:
    fit_one(fitter, faces[1])
    parser, identity = fitter._models.extractor._parser, fitter._models.extractor._identity
    assert isinstance(parser, TinyParser)
    assert isinstance(identity, TinyIdentity)
    assert len(parser.seen) > 6
    for shape, low, high in parser.seen:
        assert shape[1:] in ((3, 256, 256), (3, COARSE_LOSS_PX, COARSE_LOSS_PX))
        assert 0.0 <= low < 0.35
        assert 0.5 < high <= 1.0
    for shape, low, high in identity.seen:
        assert shape[1:] == (3, 150, 150)
        assert low >= 0.0
        assert 0.4 < high <= 1.0


def test_a_photo_that_is_the_imitated_face_is_at_no_distance_from_it(
    fitter: Fitter, faces: list[Pixels], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Same pixels through both branches: same image, same landmarks, same chip, likeness one."""
    compared = []

    def spy(photo, shown, *rest):  # type: ignore[no-untyped-def]
        compared.append((photo, shown.detached()))
        return objective(photo, shown, *rest)

    monkeypatch.setattr(loop_module, "objective", spy)
    options = FitOptions(
        iterations=0,
        locked_colors=dict(neutral_character(TOY_SCHEMA).colors),
        locked_styles={"hair": "short"},
    )
    fit_one(fitter, faces[0], options)
    photo, shown = compared[0]
    # The photo was aligned by its own landmarks, which moves it by a small part of a pixel.
    torch.testing.assert_close(photo.landmarks, shown.landmarks, atol=0.05, rtol=0)
    assert float((photo.image - shown.image).abs().mean()) < 3e-3
    assert float((photo.embedding - shown.embedding).norm() / photo.embedding.norm()) < 0.01


# -------------------------------------------------------------------------------------- what comes out


def test_the_result_is_a_valid_character_with_all_its_pictures(fitter: Fitter, faces: list[Pixels]) -> None:
    result = fit_one(fitter, faces[1])
    assert validate_character(TOY_SCHEMA, result.character) == result.character
    assert result.character.rig == "toy"
    for picture in (result.aligned_photo, result.imitated, result.rendered):
        assert picture.shape == (512, 512, 3)
        assert picture.dtype == np.uint8
    report = result.report
    assert set(report.seconds) == {"align", "features", "optimise", "render", "total"}
    parts = sum(value for stage, value in report.seconds.items() if stage != "total")
    assert 0 < parts <= report.seconds["total"] * 1.01
    assert report.iterations == 4
    assert -1 <= report.identity_cosine <= 1
    assert report.content_l1 >= 0
    assert report.landmark_nme >= 0
    assert report.confidence == {}  # of this creator only the imitator is known


def test_the_imitated_picture_is_that_of_the_final_parameters(fitter: Fitter, faces: list[Pixels]) -> None:
    """[0135]: pose and expression are gone from it, styles are decided."""
    result = fit_one(fitter, faces[1])
    layout = VectorLayout(TOY_SCHEMA)
    vector = torch.zeros(layout.size)
    vector[layout.sliders] = torch.tensor(sliders(result))
    options = TOY_SCHEMA.styles["hair"].options
    vector[layout.styles["hair"].start + options.index(result.character.styles["hair"])] = 1.0
    for name, block in layout.colors.items():
        vector[block] = torch.tensor(result.character.colors[name])
    vector[[layout.nuisance["yaw"], layout.nuisance["pitch"]]] = 0.5
    with torch.inference_mode():
        expected = fitter._models.imitator(vector[None])[0].permute(1, 2, 0).numpy() * 255
    assert np.abs(result.imitated - expected).max() < 2.5  # saved values have four digits


def test_a_render_that_is_the_photo_measures_as_perfect(fitter: Fitter, faces: list[Pixels]) -> None:
    report = fit_one(fitter, faces[0]).report
    assert report.identity_cosine > 0.995
    assert report.landmark_nme < 0.01
    assert report.content_l1 < 0.1
    worse = fitter.fit([person(faces[0])], options=SHORT, render=always(faces[2]))[0].report
    assert worse.landmark_nme > report.landmark_nme
    assert worse.content_l1 > report.content_l1


def test_the_loss_falls_and_sliders_move(fitter: Fitter, faces: list[Pixels]) -> None:
    losses: list[float] = []
    (result,) = fitter.fit(
        [person(faces[1])],
        options=FitOptions(iterations=12, similarity_threshold=2.0),
        render=always(faces[1]),
        on_progress=lambda p: losses.append(p.loss) if p.stage == "optimise" else None,
    )
    assert min(losses[-3:]) < losses[0]
    assert max(abs(value - 0.5) for value in sliders(result)) > 0.02
    assert result.character.sliders["jaw-asymmetry"] == 0.5  # left and right stay tied


def test_the_same_seed_gives_the_same_result(fitter: Fitter, faces: list[Pixels]) -> None:
    first, again = fit_one(fitter, faces[1]), fit_one(fitter, faces[1])
    assert first.character == again.character
    np.testing.assert_array_equal(first.imitated, again.imitated)
    other = fit_one(fitter, faces[1], replace(SHORT, seed=1))
    assert max(abs(a - b) for a, b in zip(sliders(first), sliders(other), strict=True)) < 0.2


def test_a_known_mesh_is_fitted_through_its_landmarks(known_mesh: Fitter, faces: list[Pixels]) -> None:
    options = FitOptions(iterations=2, similarity_threshold=2.0)
    result = fit_one(known_mesh, faces[1], options)
    assert max(abs(value - 0.5) for value in sliders(result)) > 0.1
    groups = {p.group for p in load_rig("anny").schema.of_kind(ParameterKind.CONTINUOUS)}
    assert result.report.confidence.keys() == groups
    assert all(0 <= value <= 1 for value in result.report.confidence.values())
    without = fit_one(known_mesh, faces[1], replace(options, landmark_weight=0.0))
    assert max(abs(value - 0.5) for value in sliders(without)) < 0.1


# ---------------------------------------------------------------------------------------------- options


def test_locked_parameters_are_kept_exactly(fitter: Fitter, faces: list[Pixels]) -> None:
    options = replace(
        SHORT,
        locked_sliders={"nose": 1 / 3, "jaw": 0.0},
        locked_styles={"hair": "bald"},
        locked_colors={"skin": (0.123456789, 0.5, 1.0)},
    )
    character = fit_one(fitter, faces[1], options).character
    assert (character.sliders["nose"], character.sliders["jaw"]) == (1 / 3, 0.0)
    assert character.styles == {"hair": "bald"}
    assert character.colors["skin"] == (0.123456789, 0.5, 1.0)
    assert character.sliders["brow"] != 0.5


def test_an_impossible_lock_is_refused_before_any_work(fitter: Fitter, faces: list[Pixels]) -> None:
    calls = len(fitter._models.imitator.calls)  # type: ignore[operator, arg-type]
    with pytest.raises(UnknownParameterError):
        fit_one(fitter, faces[1], replace(SHORT, locked_sliders={"tail": 0.5}))
    assert len(fitter._models.imitator.calls) == calls  # type: ignore[operator, arg-type]


def test_the_l2_option_is_another_fit(fitter: Fitter, faces: list[Pixels]) -> None:
    options = FitOptions(iterations=6, similarity_threshold=2.0, identity_weight=0.0)
    first = fit_one(fitter, faces[1], options)
    second = fit_one(fitter, faces[1], replace(options, content_norm="l2"))
    assert sliders(first) != sliders(second)
    assert all(0 <= value <= 1 for value in sliders(second))


def test_the_affine_option_is_another_alignment(fitter: Fitter, faces: list[Pixels]) -> None:
    first = fit_one(fitter, faces[1], FitOptions(iterations=0))
    second = fit_one(fitter, faces[1], FitOptions(iterations=0, alignment="affine"))
    assert np.abs(first.aligned_photo.astype(int) - second.aligned_photo.astype(int)).mean() > 0.3


def test_the_threshold_stops_early(fitter: Fitter, faces: list[Pixels]) -> None:
    assert (
        fit_one(fitter, faces[1], FitOptions(iterations=9, similarity_threshold=-1.0)).report.iterations == 0
    )


# --------------------------------------------------------------------------------------------- several


def test_two_equal_photos_of_one_person_are_one_fit_like_that_of_one_photo(
    fitter: Fitter, faces: list[Pixels]
) -> None:
    (both,) = fitter.fit([person(faces[1], faces[1])], options=SHORT, render=always(faces[1]))
    np.testing.assert_allclose(sliders(both), sliders(fit_one(fitter, faces[1])), atol=2e-3)


def test_two_photos_of_one_person_give_one_character_between_them(
    fitter: Fitter, faces: list[Pixels]
) -> None:
    # Without corrections on the way: what the stand-in draws does not take on the colours that it is given.
    once = replace(SHORT, iterations=1)
    results = fitter.fit([person(faces[1], faces[2])], options=once, render=always(faces[1]))
    assert len(results) == 1
    skins = [fit_one(fitter, faces[i], once).character.colors["skin"] for i in (1, 2)]
    middle = results[0].character.colors["skin"]
    for channel in range(3):
        assert middle[channel] == pytest.approx((skins[0][channel] + skins[1][channel]) / 2, abs=0.02)


def test_a_batch_of_people_gives_each_their_own_fit(fitter: Fitter, faces: list[Pixels]) -> None:
    together = fitter.fit([person(faces[1]), person(faces[2])], options=SHORT, render=always(faces[1]))
    assert len(together) == 2
    np.testing.assert_allclose(sliders(together[0]), sliders(fit_one(fitter, faces[1])), atol=2e-3)
    assert sliders(together[0]) != sliders(together[1])
    assert np.abs(together[0].aligned_photo.astype(int) - together[1].aligned_photo.astype(int)).mean() > 5


def test_who_is_like_enough_stays_as_they_are_while_others_go_on(
    fitter: Fitter, faces: list[Pixels], monkeypatch: pytest.MonkeyPatch
) -> None:
    def alike_after(iteration: int) -> None:
        """The first row of the step of that number is like enough, also in detail, and nobody else ever."""
        steps = iter(range(100))

        def judged(*arguments):  # type: ignore[no-untyped-def]
            terms = objective(*arguments)
            likeness = torch.zeros_like(terms.similarity)
            likeness[0] = float(next(steps) in (iteration, iteration + 1))
            return Terms(total=terms.total, similarity=likeness)

        monkeypatch.setattr(loop_module, "objective", judged)

    options = FitOptions(iterations=9, similarity_threshold=0.5)
    alike_after(3)
    alone = fit_one(fitter, faces[1], options)
    alike_after(3)
    calls = fitter._models.imitator.calls
    assert isinstance(calls, list)
    calls.clear()
    both = fitter.fit([person(faces[1]), person(faces[2])], options=options, render=always(faces[1]))
    assert [result.report.iterations for result in both] == [3, 9]
    assert alone.report.iterations == 3
    np.testing.assert_allclose(sliders(both[0]), sliders(alone), atol=2e-3)
    styles_and_pictures = 4
    assert (
        calls.count(2) == 5
    )  # steps 0 to 3, that twice, are of both, and then one row is all that is computed
    assert calls[-6 - 2 :] == [1] * 8
    assert len(calls) == 5 + 6 + styles_and_pictures


# ------------------------------------------------------------------------------- progress and stopping


def test_progress_names_every_step_of_every_person(fitter: Fitter, faces: list[Pixels]) -> None:
    events: list[FitProgress] = []
    fitter.fit(
        [person(faces[1]), person(faces[2])],
        options=SHORT,
        render=always(faces[1]),
        on_progress=events.append,
    )
    assert {event.stage for event in events} >= {"align", "optimise"}
    for subject in (0, 1):
        own = [e for e in events if e.subject == subject and e.stage == "optimise"]
        assert [event.iteration for event in own] == [0, 1, 2, 3, 4]
        assert {event.iterations for event in own} == {4}
        assert all(np.isfinite(event.loss) and -1.0 <= event.similarity <= 1.001 for event in own)


def test_a_cancelled_fit_ends_within_one_step(fitter: Fitter, faces: list[Pixels]) -> None:
    events: list[FitProgress] = []

    def third_step_reached() -> bool:
        return sum(event.stage == "optimise" for event in events) >= 3

    def never(character: Character) -> Pixels:
        raise AssertionError("a cancelled fit must not draw")

    with pytest.raises(FitCancelledError):
        fitter.fit(
            [person(faces[1])],
            options=FitOptions(iterations=50, similarity_threshold=2.0),
            render=never,
            on_progress=events.append,
            should_stop=third_step_reached,
        )
    assert sum(event.stage == "optimise" for event in events) == 3


@pytest.mark.parametrize("after", [0, 1, 3])
def test_a_fit_can_be_cancelled_before_the_loop_too(after: int, fitter: Fitter, faces: list[Pixels]) -> None:
    asked = iter(range(1000))
    with pytest.raises(FitCancelledError):
        fitter.fit(
            [person(faces[1])],
            options=SHORT,
            render=always(faces[1]),
            should_stop=lambda: next(asked) >= after,
        )


def test_a_fitter_works_after_a_cancelled_fit(fitter: Fitter, faces: list[Pixels]) -> None:
    before = fit_one(fitter, faces[1])
    with pytest.raises(FitCancelledError):
        fitter.fit([person(faces[2])], options=SHORT, render=always(faces[1]), should_stop=lambda: True)
    assert fit_one(fitter, faces[1]).character == before.character
