"""Light at the vertices: diffuse with a soft terminator, a broad highlight, ambient.

`backends.shaders` has the same formulas in GLSL; a parity test holds the two together.

Shading per vertex costs about two milliseconds for a head; the same light per pixel in a software rasteriser
costs 100 ms at 512 x 512 (measured on two CPU cores). The meshes are dense enough for it.

Source: wrapped diffuse, Green, "Real-Time Approximations to Subsurface Scattering", GPU Gems (2004),
ch. 16; highlight, Blinn, "Models of Light Reflection for Computer Synthesized Pictures" (1977), with the
exponent 2/roughness^4 - 2 of a Beckmann width. Hair: Kajiya and Kay, "Rendering Fur with Three Dimensional
Textures" (1989), with the two shifted lobes of Scheuermann, "Practical Real-Time Hair Rendering and Shading" (2004).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facewright_renderer.errors import RendererError
from facewright_renderer.scene import Mesh, Scene

__all__ = [
    "DARKEST",
    "GAMMA",
    "STRAND_LOBES",
    "STRAND_TINTED",
    "STRAND_WHITE",
    "STRAND_WRAP",
    "WRAP",
    "gloss",
    "linear_to_srgb",
    "shade_vertices",
]

WRAP = 0.30
GAMMA = 2.2
_REFLECTANCE = 0.045
DARKEST = 0.02
_LINEAR = np.power(np.arange(256, dtype=np.float32) / 255, np.float32(GAMMA))
STRAND_WRAP = 0.45
STRAND_LOBES = ((-0.12, 5), (0.16, 3))
"""Of the light that strands reflect at once and of the light that went through them: shift from the root, and how
often the sine is squared: exponents 64 and 16."""
STRAND_WHITE, STRAND_TINTED = 0.075, 0.85


def linear_to_srgb(linear: NDArray[np.float32]) -> NDArray[np.float32]:
    """Linear -> display values in [0,1], exponent 1/2.2."""
    result: NDArray[np.float32] = np.power(np.clip(linear, 0, 1), np.float32(1 / GAMMA))
    return result


def gloss(roughness: float) -> tuple[float, float]:
    """Exponent and energy of the highlight of a surface with that roughness."""
    exponent = 2 / max(roughness, 0.05) ** 4 - 2
    return exponent, (exponent + 2) / 8 * _REFLECTANCE


def shade_vertices(mesh: Mesh, scene: Scene) -> NDArray[np.float32]:
    """(V, 3) display colours of a mesh under the scene's lights, seen from its camera."""
    if mesh.tangents is not None:
        return _shade_strands(mesh, mesh.tangents, scene)
    normals = mesh.normals
    toward_eye = scene.camera.world_from_camera[:3, 3].astype(np.float32) - mesh.vertices
    toward_eye /= np.linalg.norm(toward_eye, axis=1, keepdims=True)
    if mesh.double_sided:
        facing = np.sign((normals * toward_eye).sum(1, keepdims=True))
        normals = normals * np.where(facing == 0, 1, facing)
    exponent, energy = gloss(mesh.roughness)
    sky = 0.75 + 0.25 * normals[:, 1:2]
    diffuse = scene.ambient * sky * np.ones(3, np.float32)
    highlight = np.zeros((len(normals), 3), np.float32)
    for index, light in enumerate(scene.lights):
        toward = np.asarray(light.toward_light, np.float32)
        toward = toward / np.linalg.norm(toward)
        color = np.asarray(light.color, np.float32) * light.intensity
        if index == 0 and mesh.shade is not None:
            color = color * (1 - mesh.shade)[:, None]
        cosine = normals @ toward
        diffuse = diffuse + (np.clip((cosine + WRAP) / (1 + WRAP), 0, None) ** 1.3)[:, None] * color
        half = toward_eye + toward
        half /= np.linalg.norm(half, axis=1, keepdims=True)
        shine = np.clip((normals * half).sum(1), 0, 1) ** exponent * np.clip(cosine, 0, 1)
        highlight += (energy * shine)[:, None] * color
    openness = mesh.colors.max(1, keepdims=True)
    albedo = mesh.colors if mesh.texture is None else mesh.colors * _at_vertices(mesh)
    lit = linear_to_srgb((albedo * diffuse + highlight * np.clip(4 * openness, 0, 1)).astype(np.float32))
    if mesh.texture is None:
        return lit
    # The texture is multiplied in display values, in which a power law keeps products products.
    shown = np.power(_at_vertices(mesh), np.float32(1 / GAMMA))
    return (lit / np.maximum(shown, np.float32(DARKEST))).astype(np.float32, copy=False)


def _at_vertices(mesh: Mesh) -> NDArray[np.float32]:
    """(V, 3) the texture's linear colours at the vertices."""
    if mesh.texture is None or mesh.uvs is None:
        raise RendererError("a mesh with a texture needs uvs; give both or neither")
    height, width = mesh.texture.shape[:2]
    column = np.floor(mesh.uvs[:, 0] * width).astype(np.int64) % width
    row = np.clip(np.floor((1 - mesh.uvs[:, 1]) * height).astype(np.int64), 0, height - 1)
    values: NDArray[np.float32] = _LINEAR[mesh.texture[row, column]]
    return values


def _shade_strands(mesh: Mesh, tangents: NDArray[np.float32], scene: Scene) -> NDArray[np.float32]:
    """(V, 3) display colours of strands of hair; their highlights run across them."""
    normals = mesh.normals
    gloss = _lengths(tangents)
    tangents = (tangents / np.maximum(gloss, np.float32(1e-6))[:, None]).astype(np.float32, copy=False)
    toward_eye = scene.camera.world_from_camera[:3, 3].astype(np.float32) - mesh.vertices
    toward_eye /= _lengths(toward_eye)[:, None]
    tangent_eye, normal_eye = (np.einsum("vd,vd->v", v, toward_eye) for v in (tangents, normals))
    sky = np.float32(scene.ambient) * (np.float32(0.75) + np.float32(0.25) * normals[:, 1])
    body = np.repeat(sky[:, None], 3, 1)
    white = np.zeros_like(body)
    for light in scene.lights:
        toward = np.asarray(light.toward_light, np.float32)
        toward = toward / np.linalg.norm(toward)
        color = np.asarray(light.color, np.float32) * np.float32(light.intensity)
        cosine, along = normals @ toward, tangents @ toward
        facing = np.maximum((cosine + np.float32(STRAND_WRAP)) / np.float32(1 + STRAND_WRAP), 0)
        # The half vector is toward_eye + toward; its length follows from their angle.
        half = 1 / np.sqrt(np.maximum(2 + 2 * (toward_eye @ toward), np.float32(1e-6)))
        tangent_half, normal_half = (tangent_eye + along) * half, (normal_eye + cosine) * half
        sharp, broad = (
            _power_of_sine(tangent_half + np.float32(shift) * normal_half, doublings)
            for shift, doublings in STRAND_LOBES
        )
        across = np.sqrt(np.maximum(1 - along * along, 0))
        spread = facing * (np.float32(0.45) + np.float32(0.55) * across + np.float32(STRAND_TINTED) * broad)
        body += spread[:, None] * color
        white += (facing * sharp)[:, None] * color
    return linear_to_srgb(mesh.colors * body + np.float32(STRAND_WHITE) * gloss[:, None] * white)


def _lengths(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    result: NDArray[np.float32] = np.sqrt(np.einsum("vd,vd->v", vectors, vectors))
    return result


def _power_of_sine(cosine: NDArray[np.float32], doublings: int) -> NDArray[np.float32]:
    """The sine to the power of two to the `doublings` + 1; squaring is ten times as fast as np.power."""
    power: NDArray[np.float32] = np.maximum(1 - cosine * cosine, np.float32(0))
    for _ in range(doublings):
        power *= power
    return power
