"""GLSL of the egl backend: `lighting.shade_vertices` formula by formula, and the outputs of the passes.

Light is computed per vertex, in display values, and interpolated: what pyrender does with colours that come ready.
A texture is multiplied by it in the fragment shader.
"""

from __future__ import annotations

from collections.abc import Sequence

from facewright_renderer.lighting import (
    DARKEST,
    GAMMA,
    STRAND_LOBES,
    STRAND_TINTED,
    STRAND_WHITE,
    STRAND_WRAP,
    WRAP,
)

__all__ = ["KINDS", "LABELS_PER_ROW", "MAX_LIGHTS", "OUTPUTS", "fragment_source", "vertex_source"]

MAX_LIGHTS = 8
LABELS_PER_ROW = 1024
"""Labels of triangles lie row by row in a texture of this width."""

OUTPUTS = ("color", "labels", "normals")
"""Passes that are colour attachments, in the order of their attachments; depth is the depth buffer itself."""

KINDS = ("plain", "textured", "strands")
"""What a mesh can be; each is lit in its own way."""

_VERTEX = f"""
#version 330
uniform mat4 clip_from_world;
uniform mat3 camera_from_world;
uniform mat3 world_from_mesh;
uniform vec3 eye;
uniform vec3 toward_light[{MAX_LIGHTS}];
uniform vec3 light_color[{MAX_LIGHTS}];
uniform int light_count;
uniform float ambient;
uniform float exponent;
uniform float energy;
uniform bool double_sided;
in vec3 in_position;
in vec3 in_normal;
in vec3 in_color;
out vec3 v_color;
out vec3 v_normal;
#ifdef TEXTURED
uniform sampler2D albedo;
in vec2 in_uv;
out vec2 v_uv;

vec3 painted() {{
    ivec2 size = textureSize(albedo, 0);
    ivec2 place = ivec2(floor(in_uv * vec2(size)));
    return texelFetch(albedo, ivec2(place.x % size.x, clamp(place.y, 0, size.y - 1)), 0).rgb;
}}
#endif
#ifdef STRANDS
in vec3 in_tangent;

float power_of_sine(float cosine, int doublings) {{
    float power = max(1.0 - cosine * cosine, 0.0);
    for (int i = 0; i < doublings; ++i) power *= power;
    return power;
}}

vec3 lit(vec3 position, vec3 normal) {{
    vec3 toward_eye = normalize(eye - position);
    float gloss = length(in_tangent);
    vec3 tangent = world_from_mesh * in_tangent / max(gloss, 1e-6);
    vec3 body = vec3(ambient * (0.75 + 0.25 * normal.y));
    vec3 white = vec3(0.0);
    for (int i = 0; i < light_count; ++i) {{
        float cosine = dot(normal, toward_light[i]);
        float along = dot(tangent, toward_light[i]);
        float facing = max((cosine + {STRAND_WRAP}) / (1.0 + {STRAND_WRAP}), 0.0);
        vec3 middle = (toward_eye + toward_light[i])
            / sqrt(max(2.0 + 2.0 * dot(toward_eye, toward_light[i]), 1e-6));
        float slope = dot(tangent, middle), up = dot(normal, middle);
        float sharp = power_of_sine(slope + {STRAND_LOBES[0][0]} * up, {STRAND_LOBES[0][1]});
        float broad = power_of_sine(slope + {STRAND_LOBES[1][0]} * up, {STRAND_LOBES[1][1]});
        float across = sqrt(max(1.0 - along * along, 0.0));
        body += facing * (0.45 + 0.55 * across + {STRAND_TINTED} * broad) * light_color[i];
        white += facing * sharp * light_color[i];
    }}
    vec3 linear = in_color * body + {STRAND_WHITE} * gloss * white;
    return pow(clamp(linear, 0.0, 1.0), vec3(1.0 / {GAMMA}));
}}
#else
in float in_shade;

vec3 lit(vec3 position, vec3 normal) {{
    vec3 toward_eye = normalize(eye - position);
    if (double_sided && dot(normal, toward_eye) < 0.0) normal = -normal;
    vec3 diffuse = vec3(ambient * (0.75 + 0.25 * normal.y));
    vec3 highlight = vec3(0.0);
    for (int i = 0; i < light_count; ++i) {{
        float cosine = dot(normal, toward_light[i]);
        vec3 arriving = light_color[i] * (i == 0 ? 1.0 - in_shade : 1.0);
        diffuse += pow(max((cosine + {WRAP}) / (1.0 + {WRAP}), 0.0), 1.3) * arriving;
        vec3 middle = normalize(toward_eye + toward_light[i]);
        float shine = pow(clamp(dot(normal, middle), 0.0, 1.0), exponent) * clamp(cosine, 0.0, 1.0);
        highlight += energy * shine * arriving;
    }}
    float openness = max(in_color.r, max(in_color.g, in_color.b));
    vec3 color = in_color;
    #ifdef TEXTURED
    vec3 shown = painted();
    color *= pow(shown, vec3({GAMMA}));
    #endif
    vec3 linear = color * diffuse + highlight * clamp(4.0 * openness, 0.0, 1.0);
    vec3 display = pow(clamp(linear, 0.0, 1.0), vec3(1.0 / {GAMMA}));
    #ifdef TEXTURED
    display /= max(shown, vec3({DARKEST}));
    #endif
    return display;
}}
#endif

void main() {{
    vec3 position = world_from_mesh * in_position;
    gl_Position = clip_from_world * vec4(position, 1.0);
    #ifdef COLOR
    v_color = lit(position, world_from_mesh * in_normal);
    #ifdef TEXTURED
    v_uv = in_uv;
    #endif
    #endif
    #ifdef NORMALS
    v_normal = camera_from_world * (world_from_mesh * in_normal);
    #endif
}}
"""

_FRAGMENT = f"""
#version 330
uniform usampler2D triangle_labels;
in vec3 v_color;
in vec3 v_normal;
#ifdef TEXTURED
uniform sampler2D albedo;
in vec2 v_uv;
#endif
{{declarations}}

void main() {{{{
    #ifdef COLOR
    out_color = vec4(v_color, 1.0);
    #ifdef TEXTURED
    out_color.rgb = clamp(out_color.rgb * texture(albedo, v_uv).rgb, 0.0, 1.0);
    #endif
    #endif
    #ifdef LABELS
    ivec2 place = ivec2(gl_PrimitiveID % {LABELS_PER_ROW}, gl_PrimitiveID / {LABELS_PER_ROW});
    out_labels = float(texelFetch(triangle_labels, place, 0).r) / 255.0;
    #endif
    #ifdef NORMALS
    out_normals = vec4(v_normal, 1.0);
    #endif
}}}}
"""
_TYPES = {"color": "vec4", "labels": "float", "normals": "vec4"}


def vertex_source(outputs: Sequence[str], kind: str) -> str:
    """The vertex shader that computes what these outputs need for a kind of mesh."""
    return _defining(_VERTEX, (*outputs, kind))


def fragment_source(outputs: Sequence[str], kind: str) -> str:
    """The fragment shader that writes these outputs, the first to attachment 0."""
    declarations = "\n".join(
        f"layout(location = {place}) out {_TYPES[name]} out_{name};" for place, name in enumerate(outputs)
    )
    return _defining(_FRAGMENT.format(declarations=declarations), (*outputs, kind))


def _defining(source: str, names: Sequence[str]) -> str:
    version, _, rest = source.strip().partition("\n")
    return "\n".join([version, *(f"#define {name.upper()}" for name in names), rest])
