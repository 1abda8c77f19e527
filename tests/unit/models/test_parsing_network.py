"""The parser network: shapes, probabilities, gradients, the fused copy, and its start from the identity network."""

import pytest
import torch

from facewright_models.identity import IdentityNetwork
from facewright_models.parsing import CLASS_COUNT, ParsingNetwork
from facewright_models.parsing.parser import parse_aligned, parser_from_state
from facewright_models.parsing.train import cross_entropy, export_state, overlap_loss


@pytest.fixture(scope="module")
def network() -> ParsingNetwork:
    torch.manual_seed(0)
    return ParsingNetwork(width=8, normalised=True).eval().requires_grad_(False)


def test_logits_and_features_have_the_documented_shapes(network: ParsingNetwork) -> None:
    output = network(torch.rand(2, 3, 256, 256))
    assert output.logits.shape == (2, CLASS_COUNT, 256, 256)
    assert [tuple(f.shape[1:]) for f in output.features] == [
        (32, 64, 64),
        (64, 32, 32),
        (128, 16, 16),
        (256, 8, 8),
    ]
    assert all(bool((f >= 0).all()) for f in output.features)


def test_probabilities_sum_to_one_and_are_bounded(network: ParsingNetwork) -> None:
    probabilities = parse_aligned(torch.rand(1, 3, 256, 256), network=network)
    torch.testing.assert_close(probabilities.sum(1), torch.ones(1, 256, 256))
    assert 0 <= float(probabilities.min()) <= float(probabilities.max()) <= 1


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_extreme_pictures_give_finite_answers(network: ParsingNetwork, value: float) -> None:
    assert bool(network(torch.full((1, 3, 256, 256), value)).logits.isfinite().all())


def test_gradients_reach_the_picture(network: ParsingNetwork) -> None:
    image = torch.rand(1, 3, 256, 256, requires_grad=True)
    network(image).probabilities[:, 1].mean().backward()
    assert image.grad is not None
    assert float(image.grad.abs().max()) > 0


def test_the_fused_copy_computes_the_same(network: ParsingNetwork) -> None:
    torch.manual_seed(2)
    trained = ParsingNetwork(width=8, normalised=True)
    with torch.no_grad():
        trained(torch.rand(2, 3, 256, 256))  # gives batch normalisation something to fold
    trained.eval()
    image = torch.rand(1, 3, 256, 256)
    with torch.no_grad():
        torch.testing.assert_close(trained.fused()(image).logits, trained(image).logits, rtol=1e-3, atol=1e-4)


def test_shipped_weights_are_half_precision_and_load_frozen() -> None:
    torch.manual_seed(3)
    original = ParsingNetwork(normalised=True).eval()
    state = export_state(original)
    assert {value.dtype for value in state.values()} == {torch.float16}
    loaded = parser_from_state(state)
    assert not loaded.training
    assert not any(parameter.requires_grad for parameter in loaded.parameters())
    image = torch.rand(1, 3, 256, 256)
    with torch.no_grad():
        difference = loaded(image).probabilities - original(image).probabilities
    assert float(difference.abs().max()) < 0.01


def test_the_encoder_starts_as_the_identity_networks_trunk() -> None:
    identity = IdentityNetwork.from_dlib()
    parser = ParsingNetwork.from_identity(identity)
    torch.testing.assert_close(parser.stem.weight, identity.stem.weight)
    torch.testing.assert_close(parser.stages[3][2].second.weight, identity.blocks[12].second.weight)
    assert len(parser.encoder_parameters()) + len(parser.decoder_parameters()) == len(
        list(parser.parameters())
    )


def test_unlabelled_pixels_take_no_part_in_the_losses() -> None:
    torch.manual_seed(4)
    logits = torch.randn(1, CLASS_COUNT, 4, 4)
    labels = torch.randint(0, CLASS_COUNT, (1, 4, 4))
    labels[0, 0] = 255
    changed = logits.clone()
    changed[0, :, 0] += torch.randn(CLASS_COUNT, 4)
    weights = torch.ones(CLASS_COUNT)
    torch.testing.assert_close(
        cross_entropy(logits, labels, weights), cross_entropy(changed, labels, weights)
    )
    torch.testing.assert_close(overlap_loss(logits, labels), overlap_loss(changed, labels))


def test_cross_entropy_agrees_with_its_formula() -> None:
    logits = torch.tensor([2.0, 0.0] + [-30.0] * 9).view(1, CLASS_COUNT, 1, 1)
    expected = -torch.log(torch.exp(torch.tensor(2.0)) / (torch.exp(torch.tensor(2.0)) + 1))
    loss = cross_entropy(logits, torch.zeros(1, 1, 1, dtype=torch.long), torch.ones(CLASS_COUNT))
    torch.testing.assert_close(loss, expected)


def test_a_batch_without_any_label_has_no_loss() -> None:
    logits = torch.randn(1, CLASS_COUNT, 2, 2, requires_grad=True)
    labels = torch.full((1, 2, 2), 255)
    total = cross_entropy(logits, labels, torch.ones(CLASS_COUNT)) + overlap_loss(logits, labels)
    total.backward()
    assert float(total.detach()) == 0.0
