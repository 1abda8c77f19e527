"""The lowest layer: a scene of meshes, lights and a camera becomes pixels.

Use:

    renderer = create_renderer()
    frame = renderer.render(scene, size_px=512, passes={"color", "labels"})
"""

from facewright_renderer.backend import BACKENDS, Renderer, create_renderer
from facewright_renderer.compare import ImageParity, compare_images, difference_image
from facewright_renderer.errors import (
    ImageShapeError,
    MissingDriverError,
    RendererError,
    UnknownBackendError,
    WrongThreadError,
)
from facewright_renderer.scene import (
    LABEL_NAMES,
    Backend,
    Camera,
    Frame,
    Light,
    Mesh,
    Pass,
    Preset,
    Scene,
)

__all__ = [
    "BACKENDS",
    "LABEL_NAMES",
    "Backend",
    "Camera",
    "Frame",
    "ImageParity",
    "ImageShapeError",
    "Light",
    "Mesh",
    "MissingDriverError",
    "Pass",
    "Preset",
    "Renderer",
    "RendererError",
    "Scene",
    "UnknownBackendError",
    "WrongThreadError",
    "compare_images",
    "create_renderer",
    "difference_image",
]
