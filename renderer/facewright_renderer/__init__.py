"""The lowest layer: a scene of meshes, lights and a camera becomes pixels.

Use:

    renderer = create_renderer()
    frame = renderer.render(scene, size_px=512, passes={"color", "labels"})
"""

from facewright_renderer.backend import Renderer, create_renderer
from facewright_renderer.compare import ImageParity, compare_images, difference_image
from facewright_renderer.errors import ImageShapeError, MissingDriverError, RendererError
from facewright_renderer.scene import LABEL_NAMES, Camera, Frame, Light, Mesh, Pass, Scene

__all__ = [
    "LABEL_NAMES",
    "Camera",
    "Frame",
    "ImageParity",
    "ImageShapeError",
    "Light",
    "Mesh",
    "MissingDriverError",
    "Pass",
    "Renderer",
    "RendererError",
    "Scene",
    "compare_images",
    "create_renderer",
    "difference_image",
]
