"""Characters as files that engines and tools open: binary glTF 2.0 and OBJ.

Use:

    content = export_glb(load_rig("anny"), character)
"""

from facewright_models.export.assembly import ExportOptions, build_model
from facewright_models.export.characters import export_glb, export_obj
from facewright_models.export.gltf import EXTRAS_KEY, write_glb
from facewright_models.export.model import ExportMesh, ExportModel, Joint, Material, Morph
from facewright_models.export.obj import write_obj
from facewright_models.export.surfaces import MESH_NAMES, Surface, character_surfaces

__all__ = [
    "EXTRAS_KEY",
    "MESH_NAMES",
    "ExportMesh",
    "ExportModel",
    "ExportOptions",
    "Joint",
    "Material",
    "Morph",
    "Surface",
    "build_model",
    "character_surfaces",
    "export_glb",
    "export_obj",
    "write_glb",
    "write_obj",
]
