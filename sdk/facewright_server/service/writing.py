"""Domain objects -> messages of an answer."""

from collections.abc import Iterable, Mapping

from facewright.v1 import character_pb2, expression_pb2, fitting_pb2, render_pb2, report_pb2, rig_pb2
from facewright_models.expression.prompts import CapturePrompt
from facewright_models.fitting import FitProgress, FitReport, FitResult, RefitReport, RefitResult
from facewright_models.look import RenderedCharacter
from facewright_models.photo import Notice
from facewright_models.rig import Character, Parameter, ParameterKind, RigSchema
from facewright_server.pictures import color_png, comparison_png, depth_png, labels_png, normals_png

__all__ = [
    "capture_prompt_message",
    "character_message",
    "degrees_entries",
    "fit_result_message",
    "progress_message",
    "refit_result_message",
    "render_message",
    "report_message",
    "rig_message",
    "rig_summary_message",
    "warning_messages",
]

_STAGES: Mapping[str, fitting_pb2.FitStage] = {
    "align": fitting_pb2.FIT_STAGE_ALIGN,
    "features": fitting_pb2.FIT_STAGE_FEATURES,
    "optimise": fitting_pb2.FIT_STAGE_OPTIMISE,
    "render": fitting_pb2.FIT_STAGE_RENDER,
}
_KINDS: Mapping[ParameterKind, rig_pb2.ParameterKind] = {
    ParameterKind.CONTINUOUS: rig_pb2.PARAMETER_KIND_CONTINUOUS,
    ParameterKind.STYLE: rig_pb2.PARAMETER_KIND_STYLE,
    ParameterKind.COLOR: rig_pb2.PARAMETER_KIND_COLOR,
}
_SECONDS = ("align", "features", "optimise", "render", "total")


def character_message(character: Character) -> character_pb2.Character:
    """The save file, complete."""
    return character_pb2.Character(
        rig=character.rig,
        rig_version=character.rig_version,
        sliders={name: float(value) for name, value in character.sliders.items()},
        styles=dict(character.styles),
        colors={name: _color(rgb) for name, rgb in character.colors.items()},
        skin_texture="" if character.skin_texture is None else character.skin_texture.sha256,
    )


def progress_message(progress: FitProgress) -> fitting_pb2.FitProgress:
    """One step of one subject."""
    return fitting_pb2.FitProgress(
        subject=progress.subject,
        stage=_STAGES.get(progress.stage, fitting_pb2.FIT_STAGE_UNSPECIFIED),
        iteration=progress.iteration,
        iterations=progress.iterations,
        loss=float(progress.loss),
        similarity=float(progress.similarity),
    )


def fit_result_message(result: FitResult, *, subject: int) -> fitting_pb2.FitResult:
    """Encodes four pictures: about 0.1 s, not for the event loop."""
    return fitting_pb2.FitResult(
        subject=subject,
        character=character_message(result.character),
        report=report_message(result.report),
        aligned_photo_png=color_png(result.aligned_photo),
        imitated_png=color_png(result.imitated),
        rendered_png=color_png(result.rendered),
        comparison_png=comparison_png(result.aligned_photo, result.imitated, result.rendered),
        skin_texture_png=result.skin_texture_png or b"",
    )


def report_message(report: FitReport) -> report_pb2.FitReport:
    """How well it went."""
    return report_pb2.FitReport(
        identity_cosine=float(report.identity_cosine),
        content_l1=float(report.content_l1),
        landmark_nme=float(report.landmark_nme),
        iterations=report.iterations,
        seconds=_seconds(report.seconds),
        warnings=warning_messages(report.warnings),
        confidence={group: float(value) for group, value in report.confidence.items()},
    )


def refit_result_message(result: RefitResult) -> fitting_pb2.RefitResult:
    """Encodes two pictures: not for the event loop."""
    return fitting_pb2.RefitResult(
        character=character_message(result.character),
        report=_refit_report(result.report),
        rendered_png=color_png(result.rendered),
        comparison_png=comparison_png(result.before, result.rendered),
    )


def render_message(rendered: RenderedCharacter, *, size_px: int) -> render_pb2.RenderResponse:
    """Encodes every pass that was drawn; not for the event loop."""
    frame = rendered.frame
    answer = render_pb2.RenderResponse(size_px=size_px)
    for number, array, encode in (
        (render_pb2.RENDER_PASS_COLOR, frame.color, color_png),
        (render_pb2.RENDER_PASS_LABELS, frame.labels, labels_png),
        (render_pb2.RENDER_PASS_DEPTH, frame.depth, depth_png),
        (render_pb2.RENDER_PASS_NORMALS, frame.normals, normals_png),
    ):
        if array is not None:
            answer.images.append(render_pb2.RenderedPass(kind=number, png=encode(array)))
    if frame.depth is not None:
        answer.depth_metres = frame.depth.astype("<f4").tobytes()
    answer.landmarks.extend(
        render_pb2.Landmark(x=float(x), y=float(y), visible=bool(visible))
        for (x, y), visible in zip(rendered.landmarks_px, rendered.landmarks_visible, strict=True)
    )
    return answer


def warning_messages(notices: Iterable[Notice]) -> list[report_pb2.Warning]:
    """What the caller may want to know."""
    return [report_pb2.Warning(code=notice.code, message=notice.message) for notice in notices]


def degrees_entries(degrees: Mapping[str, float]) -> dict[str, float]:
    """For a map of a message: whatever numbers the domain computes with."""
    return {name: float(value) for name, value in degrees.items()}


def capture_prompt_message(prompt: CapturePrompt) -> expression_pb2.CapturePrompt:
    """One thing to do before the camera."""
    return expression_pb2.CapturePrompt(
        name=prompt.name,
        text=prompt.text,
        duration_secs=prompt.duration_secs,
        from_degrees=degrees_entries(prompt.from_degrees),
        to_degrees=degrees_entries(prompt.to_degrees),
    )


def rig_message(schema: RigSchema) -> rig_pb2.Rig:
    """The whole schema."""
    return rig_pb2.Rig(
        name=schema.name,
        version=schema.version,
        license=schema.license,
        parameters=[_parameter(parameter) for parameter in schema.parameters],
        facial_actions=schema.facial_actions,
    )


def rig_summary_message(schema: RigSchema) -> rig_pb2.RigSummary:
    """One line about a rig."""
    return rig_pb2.RigSummary(
        name=schema.name,
        version=schema.version,
        license=schema.license,
        parameter_count=len(schema.parameters),
        facial_action_count=len(schema.facial_actions),
    )


def _refit_report(report: RefitReport) -> fitting_pb2.RefitReport:
    return fitting_pb2.RefitReport(
        identity_distance=float(report.identity_distance),
        strength=float(report.strength),
        fit=None if report.fit is None else report_message(report.fit),
        seconds=_seconds(report.seconds),
        warnings=warning_messages(report.warnings),
    )


def _seconds(seconds: Mapping[str, float]) -> report_pb2.FitSeconds:
    return report_pb2.FitSeconds(**{name: float(seconds.get(name, 0.0)) for name in _SECONDS})


def _parameter(parameter: Parameter) -> rig_pb2.Parameter:
    message = rig_pb2.Parameter(
        name=parameter.name,
        group=parameter.group,
        kind=_KINDS[parameter.kind],
        description=parameter.description,
        options=parameter.options,
    )
    neutral = parameter.neutral
    if isinstance(neutral, str):
        message.neutral_style = neutral
    elif isinstance(neutral, tuple):
        message.neutral_color.CopyFrom(_color(neutral))
    else:
        message.neutral_slider = neutral
    return message


def _color(rgb: tuple[float, float, float]) -> character_pb2.Color:
    red, green, blue = rgb
    return character_pb2.Color(red=red, green=green, blue=blue)
