"""What networks draw where a guide says that something comes to light."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from facewright_models.expression.guide import GUIDE_LINES
from facewright_models.expression.network import Drawn, Told
from facewright_models.expression.processing import ProcessingModel
from facewright_models.expression.regions import HALVES
from unit.models.test_expression_networks import SMALL


def test_what_comes_to_light_is_made_wholly_but_at_a_regions_border() -> None:
    torch.manual_seed(1)
    mover = ProcessingModel(SMALL).network_of("lower").fine
    side = HALVES["lower"].fine["mouth"].side_px
    drawn = torch.zeros(1, GUIDE_LINES, side, side)
    drawn[:, 3, side // 2 :] = 1
    moved = torch.zeros(1, 2, side, side)
    told = Told(asked=torch.zeros(1, 8), moved=moved, drawn=drawn)
    with torch.no_grad():
        seen = mover.features(torch.rand(1, 5, side, side))
        shown = mover(seen, told, Drawn(moved=moved, gain=torch.ones(1, 1, side, side)))
    assert shown.made is not None
    assert shown.made[0, 0, side // 2 + 4, 20:-20].min() == pytest.approx(1)
    assert shown.made[0, 0, 30, 20:-20].max() < 0.9
    assert shown.made[0, 0, -1].max() < 0.01


@pytest.mark.parametrize(
    ("half", "region", "keeps"), [("lower", "mouth", True), ("upper", "right_eye", False)]
)
def test_teeth_keep_their_light_and_lids_shade_eyes(half: str, region: str, keeps: bool) -> None:
    torch.manual_seed(2)
    mover = ProcessingModel(SMALL).network_of(half).fine
    side = HALVES[half].fine[region].side_px
    drawn = torch.zeros(1, GUIDE_LINES, side, side)
    drawn[:, 2, side // 2 :] = 1
    moved = torch.zeros(1, 2, side, side)
    told = Told(asked=torch.zeros(1, 2 * len(HALVES[half].degrees)), moved=moved, drawn=drawn)
    with torch.no_grad():
        seen = mover.features(torch.rand(1, 5, side, side))
        shown = mover(seen, told, Drawn(moved=moved, gain=torch.full((1, 1, side, side), 0.5)))
    assert shown.made is not None
    opened, skin = np.s_[0, 0, side // 2 + 4, 20:-20], np.s_[0, 0, side // 2 - 8, 20:-20]
    assert shown.gain[skin].max() < 0.8
    assert shown.made[skin].min() > 0.05
    if keeps:
        assert shown.gain[opened] == pytest.approx(1)
        assert shown.made[opened].max() == 0
    else:
        assert shown.gain[opened].max() < 0.8
        assert shown.made[opened].min() > 0.05


def told_of(half: str, drawn: torch.Tensor) -> tuple[Told, Drawn]:
    """What nothing but drawings tells of a half's fine region, whose light is kept."""
    moved = torch.zeros_like(drawn[:, :2])
    asked = torch.zeros(len(drawn), 2 * len(HALVES[half].degrees))
    return Told(asked=asked, moved=moved, drawn=drawn), Drawn(moved=moved, gain=torch.ones_like(drawn[:, :1]))


def drawing_network(half: str) -> torch.nn.Module:
    """Of a half's fine regions; what it makes and how it lights differs from place to place."""
    torch.manual_seed(4)
    mover = ProcessingModel(SMALL).network_of(half).fine.requires_grad_(False)
    for layer in (mover.pixels, mover.motion):
        torch.nn.init.normal_(layer.weight, std=0.2)
    return mover


def test_teeth_that_come_to_light_stay_single_whatever_their_light() -> None:
    mover = drawing_network("lower")
    side = HALVES["lower"].fine["mouth"].side_px
    drawn = torch.zeros(1, GUIDE_LINES, side, side)
    drawn[:, 2:4, 50:80, 30:98] = 1
    drawn[:, 4, 50:80, 30:98] = 1
    drawn[:, 4, 50:80, 40:98:10] = 0.4
    told, along = told_of("lower", drawn)
    color = mover(mover.features(torch.rand(1, 5, side, side)), told, along).color[0, :, 54:76, 34:94]
    light = (color / (0.2 + 0.6 * drawn[0, 4, 54:76, 34:94].sqrt())).log().mean(0, keepdim=True)
    color = color / torch.tensor([1.01, 1.01, 0.96])[:, None, None]  # all the colour that teeth have
    assert color[:, drawn[0, 4, 54:76, 34:94] == 1].std(0).max() < 1e-3
    assert light.std() > 1e-3
    assert light.diff(dim=1).abs().max() < 0.25 * (light.max() - light.min())
    assert light.diff(dim=2).abs().max() < 0.25 * (light.max() - light.min())
    gaps, teeth = (color.mean(0)[..., first::10] for first in (6, 2))
    assert (gaps < 0.8 * teeth[..., : gaps.shape[-1]]).float().mean() > 0.9


@pytest.mark.parametrize("proposed", [-3.0, -1.5, 1.5, 3.0])
def test_teeth_are_hardly_darker_or_brighter_than_the_whites_of_eyes_say(proposed: float) -> None:
    mover = drawing_network("lower")
    torch.nn.init.constant_(mover.pixels.bias, proposed)
    side = HALVES["lower"].fine["mouth"].side_px
    drawn = torch.zeros(1, GUIDE_LINES, side, side)
    drawn[:, 2:4, 40:90, 30:98] = 1
    drawn[:, 4, 40:65, 30:98] = 1
    color = mover(mover.features(torch.rand(1, 5, side, side)), *told_of("lower", drawn)).color[0]
    light = (color[:, 50:60, 40:88].mean(0) / 0.8).log()
    assert light.abs().max() < 0.27
    assert light.mean() * np.sign(proposed) > 0.1
    dark = color[:, 75:85, 40:88].mean(0)
    assert dark.max() < 0.1 if proposed < 0 else dark.max() < 0.21


def test_lips_beside_what_comes_to_light_keep_their_colour() -> None:
    mover = drawing_network("lower")
    torch.nn.init.zeros_(mover.motion.weight)
    side = HALVES["lower"].fine["mouth"].side_px
    drawn = torch.zeros(1, GUIDE_LINES, side, side)
    drawn[:, 2, 60:64, 30:98] = 1
    drawn[:, 3, 56:68, 26:102] = 1
    region = torch.full((1, 5, side, side), 0.5)
    shown = mover(mover.features(region), *told_of("lower", drawn))
    for lips in (np.s_[0, :, 57:59, 40:88], np.s_[0, :, 40:52, 40:88]):
        color = shown.color[lips]
        assert (color - 0.5).abs().max() > 0.02
        assert (color - color.mean(0)).abs().max() < 1e-4


def test_a_tooth_of_which_more_comes_to_light_goes_on_as_bright_as_it_was() -> None:
    mover = drawing_network("lower")
    torch.nn.init.zeros_(mover.motion.weight)
    side = HALVES["lower"].fine["mouth"].side_px
    drawn = torch.zeros(1, GUIDE_LINES, side, side)
    drawn[:, 2, 40:90, 30:98] = 1
    drawn[:, 3, 60:90, 30:98] = 1
    drawn[:, 4, 40:70, 30:98] = 1
    told, along = told_of("lower", drawn)
    for bright in (0.25, 0.5, 0.9):
        region = torch.rand(1, 5, side, side)
        region[:, :3, 40:60] = bright
        color = mover(mover.features(region), told, along).color[0]
        assert color[:, 61:64, 40:88].mean() == pytest.approx(bright, rel=0.25)
    drawn[:, 3, 40:90] = 1
    alone = mover(mover.features(region), *told_of("lower", drawn)).color[0]
    assert (alone[:, 61:64, 40:88] - color[:, 61:64, 40:88]).abs().max() > 0.05


def test_teeth_on_which_the_edge_of_a_lip_is_marked_leave_no_line_around_a_mouth() -> None:
    mover = drawing_network("lower")
    torch.nn.init.zeros_(mover.pixels.weight)
    torch.nn.init.zeros_(mover.motion.weight)
    side = HALVES["lower"].fine["mouth"].side_px
    drawn = torch.zeros(1, GUIDE_LINES, side, side)
    drawn[:, 2, 40:90, 30:98] = 1
    drawn[:, 3, 40:92, 28:100] = 1
    region = torch.full((1, 5, side, side), 0.4)
    region[:, :3, 89:92] = 0.9
    told, along = told_of("lower", drawn)
    shown = mover(mover.features(region), told, along)
    painted = shown.paint(region[:, :3])[0, :, 90:92, 40:88]
    assert painted.max() < 0.55


def test_skin_far_from_an_eye_is_not_drawn_anew() -> None:
    mover = drawing_network("upper")
    side = HALVES["upper"].fine["right_eye"].side_px
    region = torch.rand(1, 5, side, side)
    region[:, 3:] = 0
    region[:, 3, 40:56, 30:66] = 1
    drawn = torch.zeros(1, GUIDE_LINES, side, side)
    drawn[:, [0, 2], 46:56, 30:66] = 1
    told, along = told_of("upper", drawn)
    shown = mover(mover.features(region), told, along)
    lid, cheek = np.s_[0, 0, 42:54, 32:64], np.s_[0, 0, 78:]
    assert shown.made[lid].max() > 0.01
    assert shown.made[cheek].max() < 1e-3
    assert (shown.gain[lid] - 1).abs().max() > 0.01
    assert (shown.gain[cheek] - 1).abs().max() < 1e-3


@pytest.mark.parametrize("half", HALVES)
def test_at_its_border_a_fine_region_has_the_light_of_the_coarse_one(half: str) -> None:
    mover = drawing_network(half)
    side = next(iter(HALVES[half].fine.values())).side_px
    drawn = torch.zeros(1, GUIDE_LINES, side, side)
    drawn[:, 2, 40:56, 20:76] = 1
    told, along = told_of(half, drawn)
    lit_before = Drawn(moved=along.moved, gain=torch.full_like(along.gain, 0.7))
    region = torch.rand(1, 5, side, side)
    shown = mover(mover.features(region), told, lit_before)
    for border in (
        shown.gain[..., :1, :],
        shown.gain[..., -1:, :],
        shown.gain[..., :1],
        shown.gain[..., -1:],
    ):
        assert (border - 0.7).abs().max() < 0.01
    assert (shown.gain - 0.7).abs().max() > 0.02
