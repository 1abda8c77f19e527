"""A character as a scene, and its frame with the 68 landmarks."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from types import TracebackType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facewright_models.errors import ParameterRangeError, RenderUnavailableError, UnknownParameterError
from facewright_models.look.shading import part_colors, part_roughness
from facewright_models.look.staging import AMBIENT, LIGHTS, View, head_rotation, portrait_camera
from facewright_models.rig import (
    BakedRig,
    Character,
    RigPart,
    expression_vector,
    slider_vector,
    validate_character,
)
from facewright_renderer import Frame, Mesh, MissingDriverError, Pass, Scene, create_renderer

__all__ = ["BACKGROUND", "CharacterRenderer", "RenderedCharacter", "visible_parts"]

BACKGROUND = (0.62, 0.63, 0.65)
_PASSES: frozenset[str] = frozenset({"color", "labels", "depth", "normals"})
_MIN_SIZE_PX, _MAX_SIZE_PX = 16, 2048
_VISIBILITY_SLACK_METRES = 0.015
"""A landmark is a mean of vertices, so it lies up to a centimetre under the surface that shows it."""


@dataclass(frozen=True, kw_only=True)
class RenderedCharacter:
    """A frame with its landmarks: (68, 2) pixel positions and (68,) whether nothing lies before them
    (15 mm under a surface still count as on it).
    """

    frame: Frame
    landmarks_px: NDArray[np.float64]
    landmarks_visible: NDArray[np.bool_]


class CharacterRenderer:
    """Draws characters of one rig. Owns a GL context: construct and use it on one thread only.

    Raises RenderUnavailableError when the machine has no EGL driver.
    """

    def __init__(self, rig: BakedRig, *, size_px: int = 512) -> None:
        self._rig = rig
        self._size_px = _checked_size(size_px)
        try:
            self._renderer = create_renderer()
        except MissingDriverError as error:
            raise RenderUnavailableError(str(error)) from error
        self._triangles: dict[tuple[str, ...], Tensor] = {}

    def __enter__(self) -> CharacterRenderer:  # noqa: PYI034 - the run-time type checker refuses Self here
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free the GL context."""
        self._renderer.close()

    def render(
        self,
        character: Character,
        *,
        expression: Mapping[str, float] | None = None,
        view: View | None = None,
        size_px: int | None = None,
        passes: Set[str] = frozenset({"color"}),
    ) -> RenderedCharacter:
        """One frame. Raises UnknownParameterError, ParameterRangeError, RigVersionError, UnknownRigError."""
        unknown = min(set(passes) - _PASSES, default=None)
        if unknown is not None:
            raise UnknownParameterError(
                f"unknown pass '{unknown}'; passes: {', '.join(sorted(_PASSES))}",
                field="passes",
                metadata={"got": unknown},
            )
        size = self._size_px if size_px is None else _checked_size(size_px)
        complete = validate_character(self._rig.schema, character)
        actions = expression_vector(self._rig.schema, expression or {})[None]
        with torch.inference_mode():
            vertices = self._rig(slider_vector(self._rig.schema, complete)[None], actions)
        return self.render_vertices(vertices, complete, view=view, size_px=size, passes=passes)

    def render_vertices(
        self,
        vertices: Tensor,
        character: Character,
        *,
        view: View | None = None,
        size_px: int,
        passes: Set[str] = frozenset({"color"}),
    ) -> RenderedCharacter:
        """A frame of ready vertices (1, V, 3) with the colours and styles of a complete character."""
        rotation = head_rotation(view or View())
        turned = vertices[0] @ torch.from_numpy(rotation.T).to(vertices)  # (V, 3)
        parts = visible_parts(self._rig, character)
        points, normals = turned.numpy(), self._normals(turned, parts)
        camera = portrait_camera()
        scene = Scene(
            meshes=_meshes(self._rig, parts, points, normals, character),
            camera=camera,
            lights=LIGHTS,
            ambient=AMBIENT,
            background=BACKGROUND,
        )
        wanted: set[Pass] = {name for name in passes if name in _PASSES}  # type: ignore[misc]
        frame = self._renderer.render(scene, size_px=size_px, passes=wanted | {"depth"})
        marks = self._rig.pick_landmarks(torch.from_numpy(points)[None])[0]
        projected = camera.project(marks.numpy(), size_px)
        visible = _in_front(frame, projected, size_px)
        if "depth" not in passes:
            frame = Frame(color=frame.color, labels=frame.labels, normals=frame.normals)
        return RenderedCharacter(frame=frame, landmarks_px=projected[:, :2], landmarks_visible=visible)

    def _normals(self, vertices: Tensor, parts: list[RigPart]) -> NDArray[np.float32]:
        """(V, 3) smooth unit normals of the given parts' vertices, triangles weighted by area."""
        key = tuple(part.name for part in parts)
        if key not in self._triangles:
            self._triangles[key] = torch.from_numpy(
                np.concatenate([part.triangles.astype(np.int64) + part.vertices.start for part in parts])
            )
        triangles = self._triangles[key]
        a, b, c = vertices[triangles].unbind(1)
        face = torch.linalg.cross(b - a, c - a)
        total = torch.zeros_like(vertices)
        for corner in range(3):
            total.index_add_(0, triangles[:, corner], face)
        normals: NDArray[np.float32] = torch.nn.functional.normalize(total, dim=1).numpy()
        return normals


def visible_parts(rig: BakedRig, character: Character) -> list[RigPart]:
    """The parts that a complete character shows."""
    return [
        part
        for part in rig.parts
        if len(part.triangles) and (part.style is None or character.styles[part.style[0]] == part.style[1])
    ]


def _meshes(
    rig: BakedRig,
    shown: list[RigPart],
    points: NDArray[np.float32],
    normals: NDArray[np.float32],
    character: Character,
) -> tuple[Mesh, ...]:
    """Visible parts, merged by roughness so that few draw calls remain."""
    groups: dict[float, list[RigPart]] = {}
    for part in shown:
        groups.setdefault(part_roughness(part), []).append(part)
    meshes = []
    for roughness, parts in groups.items():
        starts = np.cumsum([0, *(p.vertices.stop - p.vertices.start for p in parts)])
        meshes.append(
            Mesh(
                vertices=np.concatenate([points[p.vertices] for p in parts]).astype(np.float32),
                normals=np.concatenate([normals[p.vertices] for p in parts]).astype(np.float32),
                colors=np.concatenate([part_colors(rig, p, character) for p in parts]).astype(np.float32),
                triangles=np.concatenate(
                    [p.triangles + s for p, s in zip(parts, starts, strict=False)]
                ).astype(np.int32),
                labels=np.concatenate([p.labels for p in parts]),
                roughness=roughness,
                double_sided=parts[0].name.startswith("hair"),
            )
        )
    return tuple(meshes)


def _in_front(frame: Frame, projected: NDArray[np.float64], size_px: int) -> NDArray[np.bool_]:
    depth = frame.depth
    if depth is None:
        return np.zeros(len(projected), bool)
    column, row = (np.floor(projected[:, axis]).astype(int) for axis in (0, 1))
    inside = (column >= 0) & (column < size_px) & (row >= 0) & (row < size_px)
    seen = depth[np.clip(row, 0, size_px - 1), np.clip(column, 0, size_px - 1)]
    return np.asarray(inside & ((seen == 0) | (projected[:, 2] < seen + _VISIBILITY_SLACK_METRES)))


def _checked_size(size_px: int) -> int:
    if not _MIN_SIZE_PX <= size_px <= _MAX_SIZE_PX:
        raise ParameterRangeError(
            f"size_px is {size_px}; expected {_MIN_SIZE_PX}..{_MAX_SIZE_PX}",
            field="size_px",
            metadata={"got": str(size_px)},
        )
    return size_px
