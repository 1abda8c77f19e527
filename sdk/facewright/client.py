"""The synchronous client."""

from __future__ import annotations

from types import TracebackType

from facewright import _procedures, batch_fitting, expression_videos, media, operations
from facewright._blocking import Wire, blocking, streaming
from facewright._channel import DEFAULT_ADDRESS, Connection
from facewright._retry import Retry, Timeouts
from facewright.operations import blocking_operation

__all__ = ["Client"]


class Client:
    """Talks to one server. Safe to use from several threads; a context manager.

    `root_certificates` (PEM) or `tls` encrypt; without the former the system's certificates count. A `token` is sent
    with every call, and refused without TLS unless the address is loopback. Every method raises the classes of
    `facewright.errors`; `timeout_secs` replaces the default deadline.
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
        self._wire = Wire(
            Connection(
                address=address,
                token=token,
                uses_tls=tls or root_certificates is not None,
                root_certificates=root_certificates,
                timeouts=timeouts or Timeouts(),
                retry=retry or Retry(),
            )
        )

    fit = blocking(_procedures.fit)
    fit_people = streaming(_procedures.fit_people)
    refit = blocking(_procedures.refit)
    render = blocking(_procedures.render)
    stream_frames = streaming(_procedures.stream_frames)
    stream_expression_frames = streaming(_procedures.stream_expression_frames)
    generate_expression_video = blocking_operation(expression_videos.generate_expression_video)
    list_capture_prompts = blocking(_procedures.list_capture_prompts)
    export_glb = blocking(_procedures.export_glb)
    export_obj = blocking(_procedures.export_obj)
    list_rigs = blocking(_procedures.list_rigs)
    get_rig = blocking(_procedures.get_rig)
    server_info = blocking(_procedures.server_info)
    upload_media = blocking(media.upload_media)
    download_media = blocking(media.download_media)
    get_media = blocking(media.get_media)
    list_media = blocking(media.list_media)
    delete_media = blocking(media.delete_media)
    batch_fit = blocking_operation(batch_fitting.batch_fit)
    get_operation = blocking_operation(operations.get_operation)
    list_operations = blocking(operations.list_operations)

    def close(self) -> None:
        """Cancel what is running and disconnect."""
        self._wire.close()

    def __enter__(self) -> Client:  # noqa: PYI034 - Self is newer than the oldest Python
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
