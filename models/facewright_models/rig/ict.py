"""ICT-FaceKit as a rig: a linear face model with 100 identity modes and ARKit-like expression shapes.

It keeps the rest of the code honest about knowing only one rig; no game character is made with it. The data
(MIT) is read from a folder of npz files and is not part of the package:
`topology_neutral.npz` with `neutral` (V, 3) centimetres, `faces` (F, 4, -1 where there is no fourth corner),
`material_names` and `face_material`; `identity_*_int16.npz` and `expressions_int16.npz` with `delta` (K, V, 3)
int16, `scale` (K,) and `names` (K,): a shape's offsets are `delta[k] * scale[k]`; `vertex_indices.json` with
the 68 landmark vertices.

Source: Li et al., "Learning Formation of Physically-Based Face Attributes" (CVPR 2020), section 3.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facewright_models.errors import WeightsError
from facewright_models.rig.schema import Parameter, ParameterKind, RigSchema

__all__ = ["IDENTITY_SIGMAS", "IctRig", "load_ict"]

IDENTITY_SIGMAS = 2.0
"""Standard deviations of an identity mode at the slider's ends; 0.5 is the mean face."""

_METRES = 0.01  # per centimetre
_BEHIND_EYES = np.array([0.0, 0.0, 4.0])  # centimetres from the eyes' middle back into the head
_SIDES = {"_L": "Left", "_R": "Right"}
_JOINED = ("browInnerUp", "cheekPuff")
"""Two shapes in the data, one action in ARKit."""
_NOT_ARKIT = ("PupilDilate", "cheekRaiser")
Array = NDArray[np.float32]


class IctRig:
    """Satisfies `Rig`. Everything is linear: neutral + identity modes + facial actions."""

    def __init__(
        self,
        *,
        schema: RigSchema,
        template: Tensor,
        identity: Tensor,
        actions: Tensor,
        landmark_vertices: Tensor,
        triangles_by_material: Mapping[str, NDArray[np.int64]],
    ) -> None:
        """template (V, 3); identity (P, V, 3) at one standard deviation; actions (E, V, 3); all in metres."""
        self._schema = schema
        self._template = template
        self._basis = torch.cat([identity * IDENTITY_SIGMAS, actions]).flatten(1)  # (P + E, V * 3)
        self.landmark_vertices = landmark_vertices
        self.triangles_by_material = triangles_by_material
        self.triangles = np.concatenate(list(triangles_by_material.values()))
        picked = torch.cat([identity * IDENTITY_SIGMAS, actions])[:, landmark_vertices]
        self._landmark_basis = picked.flatten(1).contiguous()  # (P + E, 68 * 3)

    @property
    def schema(self) -> RigSchema:
        """The 100 identity sliders and the facial actions; no styles, no colours."""
        return self._schema

    @property
    def vertex_count(self) -> int:
        """V."""
        return len(self._template)

    def __call__(self, parameters: Tensor, expression: Tensor | None = None) -> Tensor:
        """Vertices (B, V, 3) in metres; see `Rig`."""
        moved = _moved(self._basis, parameters, expression)
        return self._template.to(moved) + moved

    def shape_weights(self, parameters: Tensor, expression: Tensor | None = None) -> Tensor:
        """See `Rig`; the identity modes, then the facial actions."""
        if expression is None:
            expression = parameters.new_zeros(len(parameters), len(self._schema.facial_actions))
        return torch.cat([2 * parameters - 1, expression], 1)

    def offsets(self, weights: Tensor, *, parts: Collection[str] | None = None) -> Tensor:  # noqa: ARG002
        """See `Rig`; this rig has no hair."""
        return (weights @ self._basis.to(weights)).view(len(weights), -1, 3)

    def landmarks(self, parameters: Tensor, expression: Tensor | None = None) -> Tensor:
        """The 68 landmark points (B, 68, 3) in metres."""
        moved = _moved(self._landmark_basis, parameters, expression)
        return self._template[self.landmark_vertices].to(moved) + moved


def load_ict(folder: Path) -> IctRig:
    """The rig from a folder of ICT-FaceKit data. Raises WeightsError when files are missing or damaged."""
    try:
        with np.load(folder / "topology_neutral.npz") as topology:
            neutral: Array = topology["neutral"]
            faces: NDArray[np.int32] = topology["faces"]
            materials: NDArray[np.str_] = topology["material_names"][topology["face_material"]]
        modes = [mode for path in sorted(folder.glob("identity_*_int16.npz")) for mode in _shapes(path)]
        shapes = dict(_shapes(folder / "expressions_int16.npz"))
        marks = json.loads((folder / "vertex_indices.json").read_text())["idx_to_landmark_verts"]
    except (OSError, KeyError, ValueError) as error:
        raise WeightsError(
            f"cannot read ICT-FaceKit from {folder}: {error}; expected topology_neutral.npz, "
            "identity_*_int16.npz, expressions_int16.npz and vertex_indices.json"
        ) from error
    eye_vertices = np.unique(faces[np.char.startswith(materials, "M_Sclera")])
    origin = neutral[eye_vertices[eye_vertices >= 0]].mean(0) - _BEHIND_EYES
    actions = _arkit_actions(shapes)
    return IctRig(
        schema=_schema([name for name, _ in modes], tuple(actions)),
        template=torch.from_numpy(((neutral - origin) * _METRES).astype(np.float32)),
        identity=torch.from_numpy(np.stack([offsets for _, offsets in modes])),
        actions=torch.from_numpy(np.stack(list(actions.values()))),
        landmark_vertices=torch.tensor(marks, dtype=torch.long),
        triangles_by_material={
            str(name): _triangles(faces[materials == name]) for name in np.unique(materials)
        },
    )


def _shapes(path: Path) -> Iterator[tuple[str, Array]]:
    """Name and offsets (V, 3) in metres of every shape in a file."""
    with np.load(path) as file:
        for name, delta, scale in zip(file["names"], file["delta"], file["scale"], strict=True):
            yield str(name), delta.astype(np.float32) * np.float32(scale * _METRES)


def _arkit_actions(shapes: dict[str, Array]) -> dict[str, Array]:
    """ARKit name -> offsets, in alphabetical order; ARKit's tongueOut has no shape in the data."""
    actions: dict[str, Array] = {}
    for name, offsets in shapes.items():
        stem, side = name[:-2], _SIDES.get(name[-2:])
        if side is None:
            actions[name] = offsets
        elif stem in _JOINED:
            actions[stem] = actions.get(stem, np.zeros_like(offsets)) + offsets
        elif stem not in _NOT_ARKIT:
            actions[stem + side] = offsets
    return dict(sorted(actions.items()))


def _schema(modes: list[str], actions: tuple[str, ...]) -> RigSchema:
    return RigSchema(
        name="ict",
        version="1.0.0",
        license="MIT (ICT-FaceKit)",
        parameters=tuple(
            Parameter(
                name=name,
                group="identity",
                kind=ParameterKind.CONTINUOUS,
                description=f"Identity mode {index}; 0 and 1 = {IDENTITY_SIGMAS:g} standard deviations "
                "either way",
                neutral=0.5,
            )
            for index, name in enumerate(modes)
        ),
        facial_actions=actions,
    )


def _triangles(faces: NDArray[np.int32]) -> NDArray[np.int64]:
    quads = faces[faces[:, 3] >= 0]
    return np.concatenate([faces[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).astype(np.int64)


def _moved(basis: Tensor, parameters: Tensor, expression: Tensor | None) -> Tensor:
    weights = 2 * parameters - 1  # (B, P)
    if expression is None:
        rows = basis[: weights.shape[1]]
    else:
        rows = basis
        weights = torch.cat([weights, expression], 1)  # (B, P + E)
    return (weights @ rows.to(weights)).view(len(weights), -1, 3)
