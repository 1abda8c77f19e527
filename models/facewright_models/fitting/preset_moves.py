"""Presets on a rig whose mesh is known: what they do to the face, and which other sliders do the same.

P sliders, F vertices of the face.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from facewright_models.fitting.presets import Preset, changed_by
from facewright_models.rig import (
    BakedRig,
    Character,
    ParameterKind,
    Rig,
    front_vertices,
    neutral_character,
    slider_vector,
)

__all__ = ["FaceMesh", "PresetMoves"]

_PROBE = 0.25
_RIDGE = 3e-3
"""Weight of small slider changes against a mesh that is met exactly, in mean squared effects of a slider."""
_NO_SUBSTITUTES = frozenset({"asymmetry", "skin", "phenotype"})  # groups of the schema
_DIGITS = 4
_LEAST_LACKING = 0.02


class FaceMesh:
    """The face's vertices as a function of sliders; of a baked rig the front, of others all."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self._front = torch.from_numpy(front_vertices(rig)) if isinstance(rig, BakedRig) else None

    def offsets(self, sliders: Tensor) -> Tensor:
        """(B, P) -> (B, F * 3) metres off the average face."""
        weights = self.rig.shape_weights(sliders)
        if self._front is None or not isinstance(self.rig, BakedRig):
            return self.rig.offsets(weights, parts=()).flatten(1)
        return self.rig.solid_offsets(weights)[:, self._front].flatten(1)


class PresetMoves:
    """The presets of one rig. What is derived from the mesh is derived when it is asked for first, and kept."""

    def __init__(self, rig: Rig) -> None:
        self.mesh = FaceMesh(rig)
        self._schema = rig.schema
        self._directions: dict[str, Tensor] = {}
        self._substitutes: dict[str, Tensor] = {}

    @torch.inference_mode()
    def direction(self, preset: Preset) -> Tensor:
        """(F * 3,) metres: what the preset at strength 1 does to the average face."""
        if preset.name not in self._directions:
            moved = changed_by(self._schema, preset, 1.0, neutral_character(self._schema), frozenset())
            self._directions[preset.name] = self._offsets(moved)
        return self._directions[preset.name]

    @torch.inference_mode()
    def progress(self, preset: Preset, before: Character, after: Character) -> float:
        """How far the face went along the preset's direction; 1 is what strength 1 does to the average face."""
        direction = self.direction(preset)
        moved = self._offsets(after) - self._offsets(before)
        return float(moved @ direction / direction.square().sum().clamp_min(1e-12))

    @torch.inference_mode()
    def moved(
        self, preset: Preset, strength: float, character: Character, locked: frozenset[str]
    ) -> Character:
        """A complete character after the preset; sliders that are not `locked` make up for what an end cut off.

        They do not make up for what a lock holds back.
        """
        result = changed_by(self._schema, preset, strength, character, locked)
        lacking = self._cut_off(preset, strength, character, result, locked)
        if lacking < _LEAST_LACKING:
            return result
        sliders = dict(result.sliders)
        names = self._schema.continuous_names
        for name, change in zip(names, self._substitute(preset).tolist(), strict=True):
            if change and name not in locked and name not in preset.sliders:
                sliders[name] = round(min(1.0, max(0.0, sliders[name] + lacking * change)), _DIGITS)
        return replace(result, sliders=sliders)

    def _cut_off(
        self, preset: Preset, strength: float, before: Character, after: Character, locked: frozenset[str]
    ) -> float:
        """What the ends of sliders took from a movement; see `progress`. A caricature has no direction to lack."""
        is_cut = any(
            name not in locked and not 0 <= before.sliders[name] + strength * change <= 1
            for name, change in preset.sliders.items()
            if name in before.sliders
        )
        if preset.exaggeration or not is_cut:
            return 0.0
        neutral = neutral_character(self._schema)
        whole = changed_by(self._schema, preset, strength, neutral, locked)
        return self.progress(preset, neutral, whole) - self.progress(preset, before, after)

    def _substitute(self, preset: Preset) -> Tensor:
        """(P,): the small changes of other shape sliders that together come nearest to the preset's direction.

        Source: ridge regression; the sliders' effects are taken at the average face.
        """
        if preset.name not in self._substitutes:
            continuous = self._schema.of_kind(ParameterKind.CONTINUOUS)
            chosen = torch.tensor(
                [p.group not in _NO_SUBSTITUTES and p.name not in preset.sliders for p in continuous]
            )
            columns = torch.nonzero(chosen)[:, 0]
            probes = _PROBE * torch.nn.functional.one_hot(columns, len(continuous)).float()
            effects = (self.mesh.offsets(0.5 + probes) - self.mesh.offsets(0.5 - probes)) / (2 * _PROBE)
            gram = effects @ effects.T
            ridge = _RIDGE * gram.diagonal().mean() * torch.eye(len(columns))
            found = torch.linalg.solve(gram + ridge, effects @ self.direction(preset))
            self._substitutes[preset.name] = torch.zeros(len(continuous)).index_copy(0, columns, found)
        return self._substitutes[preset.name]

    def _offsets(self, character: Character) -> Tensor:
        return self.mesh.offsets(slider_vector(self._schema, character)[None])[0]
