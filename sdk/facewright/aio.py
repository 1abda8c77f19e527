"""The asynchronous client: the methods of `facewright.Client`, awaited."""

from __future__ import annotations

from types import TracebackType

from facewright import _procedures, batch_fitting, expression_videos, media, operations
from facewright._awaited import AsyncWire, awaited, awaited_stream
from facewright._channel import DEFAULT_ADDRESS, Connection
from facewright._retry import Retry, Timeouts
from facewright.operations import awaited_operation

__all__ = ["AsyncClient"]


class AsyncClient:
    """Talks to one server from one event loop; an asynchronous context manager. The options are those of `Client`.

    Every method raises the classes of `facewright.errors`; cancelling the task stops the work of the server.
    """

    def __init__(
        self,
        address: str = DEFAULT_ADDRESS,
        *,
        token: str = "",
        tls: bool = False,
        root_certificates: bytes | None = None,
        timeouts: Timeouts | None = None,
        retry: Retry | None = None,
    ) -> None:
        self._wire = AsyncWire(
            Connection(
                address=address,
                token=token,
                uses_tls=tls or root_certificates is not None,
                root_certificates=root_certificates,
                timeouts=timeouts or Timeouts(),
                retry=retry or Retry(),
            )
        )

    fit = awaited(_procedures.fit)
    fit_people = awaited_stream(_procedures.fit_people)
    refit = awaited(_procedures.refit)
    render = awaited(_procedures.render)
    stream_frames = awaited_stream(_procedures.stream_frames)
    stream_expression_frames = awaited_stream(_procedures.stream_expression_frames)
    generate_expression_video = awaited_operation(expression_videos.generate_expression_video)
    list_capture_prompts = awaited(_procedures.list_capture_prompts)
    export_glb = awaited(_procedures.export_glb)
    export_obj = awaited(_procedures.export_obj)
    list_rigs = awaited(_procedures.list_rigs)
    get_rig = awaited(_procedures.get_rig)
    server_info = awaited(_procedures.server_info)
    upload_media = awaited(media.upload_media)
    download_media = awaited(media.download_media)
    get_media = awaited(media.get_media)
    list_media = awaited(media.list_media)
    delete_media = awaited(media.delete_media)
    batch_fit = awaited_operation(batch_fitting.batch_fit)
    get_operation = awaited_operation(operations.get_operation)
    list_operations = awaited(operations.list_operations)

    async def close(self) -> None:
        """Cancel what is running and disconnect."""
        await self._wire.close()

    async def __aenter__(self) -> AsyncClient:  # noqa: PYI034 - Self is newer than the oldest Python
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
