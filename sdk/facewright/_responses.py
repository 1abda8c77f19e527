"""Answer messages -> values; shared by both clients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from facewright.character import Character, Color, color_of
from facewright.clips import ClipFrame
from facewright.errors import ServerError
from facewright.expressions import CapturePrompt, ExpressionEvent, ExpressionFrame, ExpressionStart
from facewright.fitting import FitProgress, FitReport, FitResult, FitSeconds, Notice, RefitReport, RefitResult
from facewright.rendering import Landmark, RenderedFrame
from facewright.rigs import Parameter, Rig, RigSummary
from facewright.v1 import export_pb2, expression_pb2, fitting_pb2, render_pb2, report_pb2, rig_pb2

__all__ = [
    "capture_prompts",
    "clip_frame",
    "exported_files",
    "expression_event",
    "fit_event",
    "frame",
    "glb_file",
    "notices",
    "refit_event",
    "rig",
    "rig_page",
]


def fit_event(answer: fitting_pb2.FitResponse) -> FitProgress | FitResult:
    """One event of the stream."""
    if answer.HasField("progress"):
        return _progress(answer.progress)
    result = answer.result
    return FitResult(
        subject=result.subject,
        character=Character.from_message(result.character),
        report=_report(result.report),
        aligned_photo_png=result.aligned_photo_png,
        imitated_png=result.imitated_png,
        rendered_png=result.rendered_png,
        comparison_png=result.comparison_png,
        skin_texture_png=result.skin_texture_png,
        skin_texture_media=result.skin_texture_media,
    )


def refit_event(answer: fitting_pb2.RefitCharacterResponse) -> FitProgress | RefitResult:
    """One event of the stream."""
    if answer.HasField("progress"):
        return _progress(answer.progress)
    result, report = answer.result, answer.result.report
    return RefitResult(
        character=Character.from_message(result.character),
        report=RefitReport(
            identity_distance=report.identity_distance,
            strength=report.strength,
            fit=_report(report.fit) if report.HasField("fit") else None,
            seconds=_seconds(report.seconds),
            warnings=notices(report.warnings),
        ),
        rendered_png=result.rendered_png,
        comparison_png=result.comparison_png,
    )


def frame(answer: render_pb2.RenderResponse) -> RenderedFrame:
    """One frame."""
    return RenderedFrame(
        size_px=answer.size_px,
        pngs={
            _lower(render_pb2.RenderPass.Name(image.kind), "RENDER_PASS"): image.png
            for image in answer.images
        },
        depth_metres=answer.depth_metres,
        landmarks=tuple(Landmark(point.x, point.y, point.visible) for point in answer.landmarks),
    )


def clip_frame(answer: render_pb2.StreamFramesResponse) -> ClipFrame:
    """One frame of a clip."""
    return ClipFrame(answer.index, answer.time_secs, answer.content, answer.size_px)


def expression_event(answer: expression_pb2.StreamExpressionFramesResponse) -> ExpressionEvent:
    """One event of the stream."""
    if answer.HasField("frame"):
        return ExpressionFrame(answer.frame.index, answer.frame.time_secs, answer.frame.content)
    start = answer.start
    return ExpressionStart(
        own_degrees=dict(start.own_degrees),
        notices=notices(start.notices),
        width=start.width,
        height=start.height,
        frame_count=start.frame_count,
        frame_index=start.frame_index if start.HasField("frame_index") else None,
    )


def capture_prompts(answer: expression_pb2.ListCapturePromptsResponse) -> tuple[CapturePrompt, ...]:
    """In the order in which they are asked."""
    return tuple(
        CapturePrompt(
            name=prompt.name,
            text=prompt.text,
            duration_secs=prompt.duration_secs,
            from_degrees=dict(prompt.from_degrees),
            to_degrees=dict(prompt.to_degrees),
        )
        for prompt in answer.prompts
    )


def notices(messages: Iterable[report_pb2.Warning]) -> tuple[Notice, ...]:
    """What the caller may want to know."""
    return tuple(Notice(warning.code, warning.message) for warning in messages)


def exported_files(answer: export_pb2.ExportResponse) -> Mapping[str, bytes]:
    """Files by name. A name with a folder in it would be written elsewhere: the server is not asked again."""
    files = {file.name: file.content for file in answer.files}
    for name in files:
        if not name or name.startswith(".") or any(sign in name for sign in "/\\\0:"):
            raise ServerError(
                f"the server named a file {name!r}; expected a plain file name", reason="BAD_FILE_NAME"
            )
    if not files:
        raise ServerError("the server exported no file", reason="NO_RESULT")
    return files


def glb_file(answer: export_pb2.ExportResponse) -> bytes:
    """The one file of a GLB."""
    return next(iter(exported_files(answer).values()))


def rig_page(answer: rig_pb2.ListRigsResponse) -> tuple[list[RigSummary], str]:
    """Some rigs, and the token of the next page, empty on the last."""
    return [_rig_summary(message) for message in answer.rigs], answer.next_page_token


def rig(answer: rig_pb2.GetRigResponse) -> Rig:
    """The whole schema."""
    message = answer.rig
    return Rig(
        name=message.name,
        version=message.version,
        license=message.license,
        parameters=tuple(_parameter(parameter) for parameter in message.parameters),
        facial_actions=tuple(message.facial_actions),
    )


def _rig_summary(message: rig_pb2.RigSummary) -> RigSummary:
    return RigSummary(
        name=message.name,
        version=message.version,
        license=message.license,
        parameter_count=message.parameter_count,
        facial_action_count=message.facial_action_count,
    )


def _progress(message: fitting_pb2.FitProgress) -> FitProgress:
    return FitProgress(
        subject=message.subject,
        stage=_lower(fitting_pb2.FitStage.Name(message.stage), "FIT_STAGE"),
        iteration=message.iteration,
        iterations=message.iterations,
        loss=message.loss,
        similarity=message.similarity,
    )


def _report(message: report_pb2.FitReport) -> FitReport:
    return FitReport(
        identity_cosine=message.identity_cosine,
        content_l1=message.content_l1,
        landmark_nme=message.landmark_nme,
        iterations=message.iterations,
        seconds=_seconds(message.seconds),
        warnings=notices(message.warnings),
        confidence=dict(sorted(message.confidence.items())),
    )


def _seconds(message: report_pb2.FitSeconds) -> FitSeconds:
    return FitSeconds(
        align=message.align,
        features=message.features,
        optimise=message.optimise,
        render=message.render,
        total=message.total,
    )


def _parameter(message: rig_pb2.Parameter) -> Parameter:
    neutral: float | str | Color = message.neutral_slider
    if message.HasField("neutral_style"):
        neutral = message.neutral_style
    elif message.HasField("neutral_color"):
        neutral = color_of(message.neutral_color)
    return Parameter(
        name=message.name,
        group=message.group,
        kind=_lower(rig_pb2.ParameterKind.Name(message.kind), "PARAMETER_KIND"),
        description=message.description,
        neutral=neutral,
        options=tuple(message.options),
    )


def _lower(name: str, prefix: str) -> str:
    return name[len(prefix) + 1 :].lower()
