"""An `ExportModel` as one binary glTF 2.0 file.

Written here rather than with pygltflib: that package holds glTF's objects, while packing, sparse accessors, bounds
and alignment, which are all there is to write, would be ours anyway.

Source: Khronos glTF 2.0 specification; names of morphs in `mesh.extras.targetNames`, as exporters agree on.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from facewright_models.export.model import ExportMesh, ExportModel, Material
from facewright_models.export.packing import BufferPacker

__all__ = ["EXTRAS_KEY", "write_glb"]

EXTRAS_KEY = "facewright"
"""Under this name the scene's extras hold what Facewright has to say."""

_MAGIC, _JSON_CHUNK, _BINARY_CHUNK = b"glTF", b"JSON", b"BIN\0"
_VERSION = 2
_LINEAR, _LINEAR_MIPMAP_LINEAR, _CLAMP_TO_EDGE = 9729, 9987, 33071


def write_glb(model: ExportModel, *, generator: str) -> bytes:
    """The file. The same model gives the same bytes."""
    packer = BufferPacker()
    textures = _Textures(packer)
    meshes: list[dict[str, Any]] = []
    materials: list[dict[str, Any]] = []
    for mesh in model.meshes:
        meshes.append(_mesh(mesh, len(materials), packer))
        materials.append(_material(mesh.material, textures))
    joint_count = len(model.joints)
    document: dict[str, Any] = {
        "asset": {"version": "2.0", "generator": generator, "copyright": model.copyright},
        "scene": 0,
        "scenes": [
            {
                "name": model.name,
                # Skinned meshes are roots: what is above them would not move them.
                "nodes": [
                    *(i for i, joint in enumerate(model.joints) if joint.parent is None),
                    *range(joint_count, joint_count + len(meshes)),
                ],
                "extras": {EXTRAS_KEY: dict(model.extras)},
            }
        ],
        "nodes": [
            *_joint_nodes(model),
            *({"name": mesh.name, "mesh": index, "skin": 0} for index, mesh in enumerate(model.meshes)),
        ],
        "skins": [_skin(model, packer)],
        "meshes": meshes,
        "materials": materials,
        **textures.document(),
    }
    content = packer.content
    document |= {
        "accessors": packer.accessors,
        "bufferViews": packer.views,
        "buffers": [{"byteLength": len(content)}],
    }
    return _container(document, content)


def _mesh(mesh: ExportMesh, material: int, packer: BufferPacker) -> dict[str, Any]:
    attributes = {
        "POSITION": packer.attribute(mesh.positions),
        "NORMAL": packer.attribute(mesh.normals),
    }
    if mesh.tangents is not None:
        attributes["TANGENT"] = packer.attribute(mesh.tangents)
    if mesh.uv is not None:
        attributes["TEXCOORD_0"] = packer.attribute(mesh.uv)
    if mesh.colors is not None:
        opaque = np.concatenate([np.clip(mesh.colors, 0, 1), np.ones((len(mesh.colors), 1), np.float32)], 1)
        # Sixteen bits: linear light in eight has steps in the dark that the eye sees.
        attributes["COLOR_0"] = packer.attribute(
            np.round(opaque * 0xFFFF).astype(np.uint16), is_normalized=True
        )
    joints = np.zeros((len(mesh.positions), 4), np.uint8)
    joints[:, 0] = mesh.joints
    weights = np.zeros_like(joints)
    weights[:, 0] = 0xFF
    attributes["JOINTS_0"] = packer.attribute(joints)
    attributes["WEIGHTS_0"] = packer.attribute(weights, is_normalized=True)
    primitive: dict[str, Any] = {
        "attributes": attributes,
        "indices": packer.triangles(mesh.triangles),
        "material": material,
    }
    written: dict[str, Any] = {"name": mesh.name, "primitives": [primitive]}
    if mesh.morphs:
        primitive["targets"] = [
            dict(
                zip(("POSITION", "NORMAL"), packer.displacements(morph.positions, morph.normals), strict=True)
            )
            for morph in mesh.morphs
        ]
        written["weights"] = [0.0] * len(mesh.morphs)
        written["extras"] = {"targetNames": [morph.name for morph in mesh.morphs]}
    return written


def _material(material: Material, textures: _Textures) -> dict[str, Any]:
    surface: dict[str, Any] = {"metallicFactor": 0.0, "roughnessFactor": material.roughness}
    if material.base_color_png is not None:
        surface["baseColorTexture"] = textures.add(material.base_color_png, f"{material.name}_base_color")
    if material.roughness_png is not None:
        surface["roughnessFactor"] = 1.0
        surface["metallicRoughnessTexture"] = textures.add(
            material.roughness_png, f"{material.name}_roughness"
        )
    written: dict[str, Any] = {"name": material.name, "pbrMetallicRoughness": surface}
    if material.normal_png is not None:
        written["normalTexture"] = textures.add(material.normal_png, f"{material.name}_normal")
    if material.is_double_sided:
        written["doubleSided"] = True
    return written


def _joint_nodes(model: ExportModel) -> list[dict[str, Any]]:
    places = {joint.name: np.array(joint.position) for joint in model.joints}
    nodes = []
    for joint in model.joints:
        above = np.zeros(3) if joint.parent is None else places[joint.parent]
        node: dict[str, Any] = {
            "name": joint.name,
            "translation": (places[joint.name] - above).tolist(),
        }
        children = [i for i, other in enumerate(model.joints) if other.parent == joint.name]
        if children:
            node["children"] = children
        nodes.append(node)
    return nodes


def _skin(model: ExportModel, packer: BufferPacker) -> dict[str, Any]:
    inverse = np.tile(np.eye(4, dtype=np.float32), (len(model.joints), 1, 1))
    inverse[:, :3, 3] = [[-x for x in joint.position] for joint in model.joints]
    return {
        "name": model.name,
        "skeleton": 0,
        "joints": list(range(len(model.joints))),
        "inverseBindMatrices": packer.matrices(inverse),
    }


class _Textures:
    """Images inside the file, each once, all read in the same way."""

    def __init__(self, packer: BufferPacker) -> None:
        self._packer = packer
        self._index_of: dict[bytes, int] = {}
        self._images: list[dict[str, Any]] = []

    def add(self, png: bytes, name: str) -> dict[str, Any]:
        """The texture info of a PNG file."""
        if png not in self._index_of:
            self._index_of[png] = len(self._images)
            self._images.append({"name": name, "mimeType": "image/png", "bufferView": self._packer.view(png)})
        return {"index": self._index_of[png]}

    def document(self) -> Mapping[str, Any]:
        """The objects to put into the file."""
        if not self._images:
            return {}
        sampler = {
            "magFilter": _LINEAR,
            "minFilter": _LINEAR_MIPMAP_LINEAR,
            "wrapS": _CLAMP_TO_EDGE,
            "wrapT": _CLAMP_TO_EDGE,
        }
        return {
            "images": self._images,
            "samplers": [sampler],
            "textures": [{"sampler": 0, "source": index} for index in range(len(self._images))],
        }


def _container(document: Mapping[str, Any], content: bytes) -> bytes:
    text = json.dumps(document, separators=(",", ":"), allow_nan=False).encode()
    text += b" " * (-len(text) % 4)
    content += bytes(-len(content) % 4)
    chunks = b"".join(
        struct.pack("<I", len(chunk)) + kind + chunk
        for kind, chunk in ((_JSON_CHUNK, text), (_BINARY_CHUNK, content))
    )
    return _MAGIC + struct.pack("<II", _VERSION, 12 + len(chunks)) + chunks
