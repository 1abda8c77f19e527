"""An `ExportModel` as OBJ with its MTL and textures: a still shape, for tools that read nothing newer.

Colours of vertices follow their positions (`v x y z r g b`, sRGB), which Blender, MeshLab and trimesh read; for the
others every material has the mean colour of its mesh.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facewright_models.export.model import ExportMesh, ExportModel
from facewright_models.export.texture import linear_to_display

__all__ = ["write_obj"]

_TEXTURES = (("map_Kd", "base_color"), ("map_Pr", "roughness"), ("norm", "normal"))


def write_obj(model: ExportModel, *, generator: str) -> dict[str, bytes]:
    """File name -> bytes: `NAME.obj`, `NAME.mtl` and a PNG for every texture. Faces count from 1."""
    files: dict[str, bytes] = {}
    lines = [f"# {generator}", f"# {model.copyright}", f"mtllib {model.name}.mtl"]
    materials = [f"# {generator}"]
    start, uv_start = 1, 1
    for mesh in model.meshes:
        lines += _mesh_lines(mesh, start, uv_start)
        start += len(mesh.positions)
        uv_start += 0 if mesh.uv is None else len(mesh.uv)
        materials += _material_lines(mesh)
        for entry, kind in _TEXTURES:
            png = getattr(mesh.material, f"{kind}_png")
            if png is not None:
                file_name = f"{model.name}_{mesh.material.name}_{kind}.png"
                files[file_name] = png
                materials.append(f"{entry} {file_name}")
    text = {f"{model.name}.obj": lines, f"{model.name}.mtl": materials}
    return {name: ("\n".join(rows) + "\n").encode() for name, rows in text.items()} | files


def _mesh_lines(mesh: ExportMesh, start: int, uv_start: int) -> list[str]:
    lines = [f"o {mesh.name}"]
    if mesh.colors is None:
        lines += [_row("v", position) for position in mesh.positions.tolist()]
    else:
        painted = np.concatenate([mesh.positions, linear_to_display(mesh.colors)], 1)
        lines += [_row("v", values) for values in painted.tolist()]
    lines += [_row("vn", normal) for normal in mesh.normals.tolist()]
    has_uv = mesh.uv is not None
    if mesh.uv is not None:
        lines += [f"vt {u:.6f} {1 - v:.6f}" for u, v in mesh.uv.tolist()]
    lines += [f"usemtl {mesh.material.name}", "s 1"]
    lines += [_face(corners, start, uv_start if has_uv else None) for corners in mesh.triangles.tolist()]
    return lines


def _row(kind: str, values: list[float]) -> str:
    return f"{kind} " + " ".join(f"{value:.6f}" for value in values)


def _face(corners: list[int], start: int, uv_start: int | None) -> str:
    if uv_start is None:
        return "f " + " ".join(f"{i + start}//{i + start}" for i in corners)
    return "f " + " ".join(f"{i + start}/{i + uv_start}/{i + start}" for i in corners)


def _material_lines(mesh: ExportMesh) -> list[str]:
    mean: NDArray[np.float32] = (
        np.ones((1, 3), np.float32)
        if mesh.colors is None
        else linear_to_display(mesh.colors.mean(0, keepdims=True))
    )
    return [
        f"newmtl {mesh.material.name}",
        _row("Kd", mean[0].tolist()),
        "Ks 0.040000 0.040000 0.040000",
        f"Pr {mesh.material.roughness:.6f}",
        "Pm 0.000000",
        "d 1.000000",
        "illum 2",
    ]
