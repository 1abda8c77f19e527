"""The variables of a fit: where they start, how they stay in bounds, what a lock means."""

import math

import pytest
import torch

from facewright_models.errors import ParameterRangeError, UnknownParameterError
from facewright_models.fitting import FitOptions
from facewright_models.fitting.variables import FitVariables
from facewright_models.foundry import VectorLayout
from facewright_models.rig import neutral_character
from unit.models.fitting_stand_ins import TOY_SCHEMA, average_vector

LAYOUT = VectorLayout(TOY_SCHEMA)
LOCKS = FitOptions(
    locked_sliders={"nose": 1 / 3}, locked_styles={"hair": "long"}, locked_colors={"skin": (0.1, 0.2, 1 / 7)}
)


def variables(options: FitOptions | None = None, owners: tuple[int, ...] = (0,)) -> FitVariables:
    return FitVariables(LAYOUT, torch.tensor(owners), options or FitOptions())


def shaken(options: FitOptions | None = None, owners: tuple[int, ...] = (0,), seed: int = 0) -> FitVariables:
    """Variables after a wild step."""
    result = variables(options, owners)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for tensors in result.leaves().values():
            for tensor in tensors:
                tensor.add_(3 * torch.randn(tensor.shape, generator=generator))
                tensor.requires_grad_(False)
    result.project()
    return result


def test_they_start_at_the_average_character_without_pose() -> None:
    start = variables(owners=(0, 1, 1))
    torch.testing.assert_close(start.final_vectors(), average_vector(LAYOUT).repeat(2, 1))
    neutral = neutral_character(TOY_SCHEMA)
    for character in start.characters():
        assert character.sliders == neutral.sliders
        assert character.styles == neutral.styles
        assert character.colors == neutral.colors


@pytest.mark.parametrize("temperature", [0.1, 1.0, 16.0, 100.0])
def test_style_probabilities_sum_to_one(temperature: float) -> None:
    for probabilities in shaken(owners=(0, 1)).style_probabilities(temperature).values():
        assert probabilities.shape == (2, 3)
        torch.testing.assert_close(probabilities.sum(1), torch.ones(2))
        assert bool((probabilities >= 0).all())


def test_style_probabilities_are_the_tempered_softmax() -> None:
    start = variables()
    with torch.no_grad():
        start.styles["hair"].copy_(torch.tensor([[0.2, 0.9, 0.4]]))
    weights = [math.exp(8 * score) for score in (0.2, 0.9, 0.4)]
    expected = torch.tensor([[weight / sum(weights) for weight in weights]])
    torch.testing.assert_close(start.style_probabilities(8.0)["hair"], expected)
    assert float(start.style_probabilities(1000.0)["hair"][0, 1]) == pytest.approx(1.0)


def test_every_vector_is_inside_the_unit_interval_after_a_wild_step() -> None:
    after = shaken(owners=(0, 0, 1))
    vectors = after.vectors(temperature=4.0)
    assert vectors.shape == (3, LAYOUT.size)
    assert float(vectors.min()) >= 0.0
    assert float(vectors.max()) <= 1.0
    assert float(vectors[:, LAYOUT.sliders].max()) == 1.0  # the step was wild indeed


def test_photos_of_one_person_share_all_but_pose_and_expression() -> None:
    vectors = shaken(owners=(0, 0, 1)).vectors(temperature=4.0)
    pose = min(LAYOUT.nuisance.values())
    torch.testing.assert_close(vectors[0, :pose], vectors[1, :pose])
    assert not torch.equal(vectors[0, pose:], vectors[1, pose:])
    assert not torch.equal(vectors[0, :pose], vectors[2, :pose])


def test_the_final_vector_drops_pose_and_expression_and_decides_the_style() -> None:
    after = shaken(owners=(0, 1))
    final = after.final_vectors()
    assert [float(final[0, LAYOUT.nuisance[name]]) for name in ("yaw", "pitch")] == [0.5, 0.5]
    assert float(final[:, min(LAYOUT.nuisance.values()) + 2 :].abs().max()) == 0.0
    assert sorted(final[0, LAYOUT.styles["hair"]].tolist()) == [0.0, 0.0, 1.0]


def test_locked_values_are_kept_to_the_last_digit() -> None:
    for character in shaken(LOCKS, owners=(0, 1)).characters():
        assert character.sliders["nose"] == 1 / 3
        assert character.styles["hair"] == "long"
        assert character.colors["skin"] == (0.1, 0.2, 1 / 7)


def test_locks_hold_in_the_vectors_of_every_step() -> None:
    for locked in (variables(LOCKS), shaken(LOCKS)):
        vector = locked.vectors(temperature=50.0)[0]
        assert float(vector[1]) == pytest.approx(1 / 3)
        assert float(vector[LAYOUT.styles["hair"]][2]) == pytest.approx(1.0, abs=1e-6)
        assert float(vector[LAYOUT.colors["skin"]][2]) == pytest.approx(1 / 7)


def test_locked_styles_and_measured_colours_are_not_among_the_leaves() -> None:
    leaves, free = variables(LOCKS).leaves(), variables().leaves()
    assert len(leaves["styles"]) == len(free["styles"]) - 1
    assert "colors" not in free


def test_colours_of_several_photos_are_averaged_and_locks_stay() -> None:
    start = variables(LOCKS, owners=(0, 0, 1))
    seen = torch.tensor([[0.2, 0.2, 0.2], [0.4, 0.6, 0.2], [0.9, 0.1, 0.1]])
    start.set_colors({"lips": seen, "skin": seen})
    torch.testing.assert_close(start.colors["lips"], torch.tensor([[0.3, 0.4, 0.2], [0.9, 0.1, 0.1]]))
    torch.testing.assert_close(start.colors["skin"], torch.tensor([[0.1, 0.2, 1 / 7]] * 2))


def test_gradients_of_locked_and_asymmetric_sliders_are_zero() -> None:
    start = variables(LOCKS, owners=(0, 1))
    start.leaves()
    start.vectors(temperature=4.0).square().sum().backward()
    start.mask_gradients()
    gradient = start.sliders.grad
    assert gradient is not None
    for index, name in enumerate(TOY_SCHEMA.continuous_names):
        moved = bool(gradient[:, index].all())
        assert moved == (name not in {"nose", "jaw-asymmetry"}), name
    assert start.free_sliders.tolist() == [True, False, True, True, False]


def test_narrowed_variables_are_those_of_the_people_who_stay() -> None:
    before = shaken(owners=(0, 0, 1, 2, 2))
    after = before.narrowed(torch.tensor([0, 2]), torch.tensor([0, 1, 3, 4]))
    assert after.photo_subjects.tolist() == [0, 0, 1, 1]
    torch.testing.assert_close(after.vectors(temperature=4.0), before.vectors(temperature=4.0)[[0, 1, 3, 4]])
    assert after.characters() == [before.characters()[0], before.characters()[2]]
    with torch.no_grad():
        after.sliders.zero_()
    assert before.sliders.any()  # a copy


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (FitOptions(locked_sliders={"tail": 0.5}), UnknownParameterError),
        (FitOptions(locked_styles={"hair": "green"}), UnknownParameterError),
        (FitOptions(locked_colors={"tail": (0.1, 0.1, 0.1)}), UnknownParameterError),
        (FitOptions(locked_sliders={"jaw": math.nan}), ParameterRangeError),
        (FitOptions(locked_colors={"skin": (0.1, 1.1, 0.1)}), ParameterRangeError),
    ],
)
def test_impossible_locks_are_refused(options: FitOptions, error: type[Exception]) -> None:
    with pytest.raises(error, match="locked parameter") as caught:
        variables(options)
    assert getattr(caught.value, "field", None) == "options.locks"
