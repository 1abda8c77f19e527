"""The variables of a fit: what is adjusted, what is locked, and how they form imitator vectors.

S subjects (people), N photos, P sliders, D vector length.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor

from facewright_models.errors import ParameterRangeError, UnknownParameterError
from facewright_models.fitting.types import FitOptions
from facewright_models.foundry.sampling import VectorLayout
from facewright_models.plausible_faces.prior import PlausibleFaces
from facewright_models.rig import (
    Character,
    Color,
    ParameterKind,
    neutral_character,
    slider_vector,
    validate_character,
)

__all__ = ["FitVariables"]

_PIXELS_OF_THE_GAME = 8.0
_CROPPED = frozenset({"bald", "buzz"})
"""Hair that has the brows' colour, as far as a photo tells."""
_ASYMMETRY = "asymmetry"  # the schema group of sliders that set left against right


class FitVariables:
    """Initialised at the average character ([0059]-[0066]): sliders 0.5, styles one-hot, no pose.

    The asymmetry sliders stay at 0.5 (left and right are tied) and locked parameters at their values.
    Pose and expression belong to each photo; they are fitted and then dropped. `centers` (S, P) is where the
    prior holds the sliders, and `trust` (S, P) how much more firmly than where the photo shows a slider well;
    `of_the_game` (S,) says whose photo is a picture of the game, `started` (S,) who begins at a character of their own.
    Slots that are settled are adjusted no more.
    """

    def __init__(self, layout: VectorLayout, photo_subjects: Tensor, options: FitOptions) -> None:
        schema = layout.schema
        self.layout = layout
        self.photo_subjects = photo_subjects  # (N,)
        self._locked = _checked_locks(layout, options)
        count = int(photo_subjects.max()) + 1
        neutral = neutral_character(schema)
        self.sliders = torch.full((count, len(schema.continuous_names)), 0.5)
        self.centers = self.sliders.clone()
        self.trust = torch.ones_like(self.sliders)
        self.of_the_game = torch.zeros(count, dtype=torch.bool)
        self.started = torch.zeros(count, dtype=torch.bool)
        self.plausible: PlausibleFaces | None = None
        self.styles = {
            slot: torch.tensor(
                [[float(option == neutral.styles[slot]) for option in schema.styles[slot].options]]
            ).repeat(count, 1)
            for slot in schema.styles
        }
        self.colors = {name: torch.tensor(neutral.colors[name]).repeat(count, 1) for name in schema.colors}
        self.nuisance = torch.zeros(len(photo_subjects), len(layout.nuisance))
        self.nuisance[:, :2] = 0.5
        self._settled: frozenset[str] = frozenset(self._locked.styles)
        tied = {p.name for p in schema.of_kind(ParameterKind.CONTINUOUS) if p.group != _ASYMMETRY}
        free = [name in tied and name not in self._locked.sliders for name in schema.continuous_names]
        self._free_sliders = torch.tensor(free)
        self._own_sliders = torch.tensor(
            [name not in self._locked.sliders for name in schema.continuous_names]
        )
        self.project()

    @property
    def free_sliders(self) -> Tensor:
        """(P,) whether a slider is adjusted."""
        return self._free_sliders

    @property
    def own_sliders(self) -> Tensor:
        """(P,) whether the fit may choose a slider: the adjusted ones, and the asymmetries, which are read at once
        or not at all.
        """
        return self._own_sliders

    def leaves(self) -> dict[str, list[Tensor]]:
        """The tensors that an optimiser adjusts, by kind, with gradients switched on.

        Colours are not among them: they are measured in the photo, because a gradient through an image
        gladly paints brows green to please a recogniser.
        """
        groups = {
            "sliders": [self.sliders],
            "styles": self.unsettled_styles(),
            "nuisance": [self.nuisance],
        }
        for tensors in groups.values():
            for tensor in tensors:
                tensor.requires_grad_(True)
        return groups

    @property
    def settled(self) -> frozenset[str]:
        """Slots that are locked or settled."""
        return self._settled

    def unsettled_styles(self) -> list[Tensor]:
        """The scores (S, options) of the slots that are adjusted."""
        return [score for slot, score in self.styles.items() if slot not in self._settled]

    def mask_gradients(self) -> None:
        """Zero the gradients of locked sliders."""
        if self.sliders.grad is not None:
            self.sliders.grad[:, ~self._free_sliders] = 0

    def narrowed(self, subjects: Tensor, photos: Tensor) -> FitVariables:
        """Copies of the variables of some subjects (K,) and of exactly their photos (M,), renumbered."""
        result = copy.copy(self)
        renumbered = torch.full((len(self.sliders),), -1, dtype=torch.long)
        renumbered[subjects] = torch.arange(len(subjects))
        result.photo_subjects = renumbered[self.photo_subjects[photos]]
        result.sliders = self.sliders.detach()[subjects]
        result.centers, result.trust = self.centers[subjects], self.trust[subjects]
        result.of_the_game = self.of_the_game[subjects]
        result.started = self.started[subjects]
        result.styles = {slot: score.detach()[subjects] for slot, score in self.styles.items()}
        result.colors = {name: color[subjects] for name, color in self.colors.items()}
        result.nuisance = self.nuisance.detach()[photos]
        return result

    @torch.no_grad()
    def project(self) -> None:
        """Back into [0,1] after a step ([0053], s.t. x in [0,1]); locked parameters to their values."""
        for tensor in (self.sliders, *self.styles.values(), *self.colors.values(), self.nuisance):
            tensor.clamp_(0, 1)
        for name, value in self._locked.sliders.items():
            self.sliders[:, self.layout.schema.continuous_names.index(name)] = value
        for slot, option in self._locked.styles.items():
            self.styles[slot].zero_()[:, self.layout.schema.styles[slot].options.index(option)] = 1
        for name, rgb in self._locked.colors.items():
            self.colors[name].copy_(torch.tensor(rgb))

    def style_probabilities(self, temperature: float) -> dict[str, Tensor]:
        """Slot -> (S, options), summing to one: the softmax of the style scores times `temperature`, of settled slots
        the option.
        """
        return {
            slot: score if slot in self._settled else (score * temperature).softmax(1)
            for slot, score in self.styles.items()
        }

    def surprises(self) -> Tensor:
        """(N, P): the sliders as the prior sees them: 0.5 where it holds them, further off where it is firm.

        Who begins at a character of their own, and pictures of the game, are measured slider by slider; others by what
        is plausible for people, where that is known.
        """
        away = self.sliders - self.centers
        if self.plausible is not None:
            own = (self.started | self.of_the_game)[:, None]
            away = torch.where(own, away, 0.5 * self.plausible.surprises(self.sliders))
        return (0.5 + away * self.trust.sqrt())[self.photo_subjects]

    def pixel_weights(self) -> Tensor:
        """(N,): what the plain distance of images counts; more in pictures of the game."""
        return torch.where(self.of_the_game[self.photo_subjects], _PIXELS_OF_THE_GAME, 1.0)

    def vectors(self, temperature: float) -> Tensor:
        """Imitator vectors (N, D), one per photo."""
        blocks = [self.sliders, *self.style_probabilities(temperature).values(), *self.colors.values()]
        shared = torch.cat(blocks, 1)[self.photo_subjects]
        return torch.cat([shared, self.nuisance], 1)

    def worn(self, slot: str) -> list[str | None]:
        """(N,) the option that the person of each photo is known to wear; None where nobody settled the slot."""
        if slot not in self._settled:
            return [None] * len(self.photo_subjects)
        options = self.layout.schema.styles[slot].options
        return [options[index] for index in self.styles[slot].argmax(1)[self.photo_subjects].tolist()]

    @torch.no_grad()
    def final_vectors(self) -> Tensor:
        """(S, D): the largest style as one-hot, no pose, no expression."""
        hard = [
            torch.nn.functional.one_hot(score.argmax(1), score.shape[1]).float()
            for score in self.styles.values()
        ]
        rest = torch.zeros(len(self.sliders), len(self.layout.nuisance))
        rest[:, :2] = 0.5
        return torch.cat([self.sliders, *hard, *self.colors.values(), rest], 1)

    def characters(self) -> list[Character]:
        """The fitted characters; locked values are kept to the last digit."""
        result = []
        for vector in self.final_vectors():
            fitted = self.layout.decode(vector)
            result.append(
                Character(
                    rig=fitted.rig,
                    rig_version=fitted.rig_version,
                    sliders={**_rounded(fitted.sliders), **self._locked.sliders},
                    styles={**fitted.styles, **self._locked.styles},
                    colors={**_rounded_colors(fitted.colors), **self._locked.colors},
                )
            )
        return result

    @torch.no_grad()
    def start_at(self, characters: Mapping[int, Character]) -> None:
        """Let subjects begin at sliders and colours of their own; the prior holds the sliders there."""
        for subject, character in characters.items():
            whole = validate_character(self.layout.schema, character)
            self.sliders[subject] = slider_vector(self.layout.schema, whole)
            self.centers[subject] = self.sliders[subject]
            for name, rgb in whole.colors.items():
                self.colors[name][subject] = torch.tensor(rgb)
            self.started[subject] = True
        self.project()

    @torch.no_grad()
    def set_shape(self, subject: int, photos: Tensor, vectors: Tensor) -> None:
        """Take a subject's sliders and its photos' pose and expression from imitator vectors (N, D)."""
        self.sliders[subject] = vectors[0, self.layout.sliders]
        self.nuisance[photos] = vectors[:, sorted(self.layout.nuisance.values())]
        self.project()

    @torch.no_grad()
    def settle(self, choices: Mapping[str, Tensor]) -> None:
        """Give slots the options (S,) that they keep. Locked ones stay as they are."""
        for slot, options in choices.items():
            if slot not in self._locked.styles:
                count = self.styles[slot].shape[1]
                self.styles[slot] = torch.nn.functional.one_hot(options, count).float()
        self._settled = self._settled | frozenset(choices)
        self._color_cropped_hair()
        self.project()

    @torch.no_grad()
    def set_colors(self, per_photo: Mapping[str, Tensor]) -> None:
        """Colour name -> (N, 3) sRGB of each photo; a subject gets the mean of its photos."""
        count = len(self.sliders)
        weight = torch.nn.functional.one_hot(self.photo_subjects, count).float()  # (N, S)
        weight = weight / weight.sum(0)
        for name, colors in per_photo.items():
            self.colors[name].copy_(weight.T @ colors)
        self._color_cropped_hair()
        self.project()

    def _color_cropped_hair(self) -> None:
        if {"hair", "brows"} <= self.colors.keys():
            cropped = self._is_cropped()
            self.colors["hair"][cropped] = self.colors["brows"][cropped]

    def _is_cropped(self) -> Tensor:
        """(S,) whose hair was settled to be so short that a mean over it is a mean of skin."""
        if "hair" not in self._settled or "hair" not in self.styles:
            return torch.zeros(len(self.sliders), dtype=torch.bool)
        options = self.layout.schema.styles["hair"].options
        worn = self.styles["hair"].argmax(1).tolist()
        return torch.tensor([options[index] in _CROPPED for index in worn])


def _checked_locks(layout: VectorLayout, options: FitOptions) -> Character:
    """The locks as a character. Raises UnknownParameterError, ParameterRangeError naming the option."""
    schema = layout.schema
    locks = Character(
        rig=schema.name,
        rig_version=schema.version,
        sliders=dict(options.locked_sliders),
        styles=dict(options.locked_styles),
        colors=dict(options.locked_colors),
    )
    try:
        validate_character(schema, locks)
    except (UnknownParameterError, ParameterRangeError) as error:
        raise type(error)(
            f"locked parameter: {error}", field="options.locks", metadata=error.metadata
        ) from error
    return locks


def _rounded(sliders: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in sliders.items()}


def _rounded_colors(colors: Mapping[str, Color]) -> dict[str, Color]:
    return {name: (round(r, 4), round(g, 4), round(b, 4)) for name, (r, g, b) in colors.items()}
