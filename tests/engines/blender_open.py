# Inside Blender: blender -b --factory-startup -P blender_open.py -- FILE.glb REPORT.json PICTURE.png AGAIN.glb
"""Imports a GLB, reports what came of it, draws it, and exports it again."""

import json
import sys
from pathlib import Path

import bpy
import mathutils
import numpy as np

# Blender 3.4's glTF importer uses a name that the numpy it runs with has dropped.
np.bool = bool

file, report, picture, again = sys.argv[sys.argv.index("--") + 1 :]
bpy.ops.wm.read_factory_settings(use_empty=True)
bpy.ops.import_scene.gltf(filepath=file)
bpy.context.view_layer.update()

meshes = {}
for item in bpy.data.objects:
    if item.type != "MESH" or "glTF_not_exported" in {group.name for group in item.users_collection}:
        continue  # the importer keeps the shape of its bones there
    corners = [item.matrix_world @ mathutils.Vector(corner) for corner in item.bound_box]
    keys = item.data.shape_keys
    moved = {}
    if keys is not None:
        base = keys.key_blocks[0].data
        for key in keys.key_blocks[1:]:
            moved[key.name] = max((a.co - b.co).length for a, b in zip(key.data, base, strict=True))
    meshes[item.name] = {
        "vertices": len(item.data.vertices),
        "low": [min(corner[axis] for corner in corners) for axis in range(3)],
        "high": [max(corner[axis] for corner in corners) for axis in range(3)],
        "shape_keys": moved,
        "groups": [group.name for group in item.vertex_groups],
        "colors": [attribute.name for attribute in item.data.color_attributes],
        "materials": [slot.material.name for slot in item.material_slots],
        "paints_colors": all(
            any(
                node.type == "VERTEX_COLOR" and node.outputs[0].links
                for node in slot.material.node_tree.nodes
            )
            for slot in item.material_slots
        ),
    }
bones = {}
for item in bpy.data.objects:
    if item.type == "ARMATURE":
        for bone in item.data.bones:
            place = item.matrix_world @ bone.head_local
            bones[bone.name] = {"head": list(place), "parent": bone.parent.name if bone.parent else None}

Path(report).write_text(json.dumps({"meshes": meshes, "bones": bones}), encoding="utf-8")

scene = bpy.context.scene
camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
camera.data.angle = 0.28
camera.location = (0, -0.94, 0)
camera.rotation_euler = (1.5708, 0, 0)
scene.collection.objects.link(camera)
scene.camera = camera
jaws = [keys.key_blocks["jawOpen"] for keys in bpy.data.shape_keys if "jawOpen" in keys.key_blocks]
for jaw in jaws:
    jaw.value = 0.6
scene.render.engine = "BLENDER_WORKBENCH"
scene.display.shading.color_type = "VERTEX"
scene.render.resolution_x = scene.render.resolution_y = 384
scene.render.filepath = picture
try:
    bpy.ops.render.render(write_still=True)
except RuntimeError as error:
    print("no picture:", error)
for jaw in jaws:
    jaw.value = 0.0
scene.collection.objects.unlink(camera)
bpy.ops.export_scene.gltf(filepath=again, export_extras=True)
