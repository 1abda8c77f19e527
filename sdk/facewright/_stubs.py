"""The generated stubs of all services; the same classes serve synchronous and asynchronous channels."""

from __future__ import annotations

from typing import Any

from google.longrunning import operations_pb2_grpc

from facewright.v1 import (
    export_pb2_grpc,
    expression_pb2_grpc,
    fitting_pb2_grpc,
    media_pb2_grpc,
    render_pb2_grpc,
    rig_pb2_grpc,
    server_pb2_grpc,
)

__all__ = ["Stubs"]


class Stubs:
    """One stub per service. Generated code has no types, so calls through it are `Any`."""

    def __init__(self, channel: Any) -> None:
        self.export: Any = export_pb2_grpc.ExportServiceStub(channel)  # type: ignore[no-untyped-call]
        self.expression: Any = expression_pb2_grpc.ExpressionServiceStub(channel)  # type: ignore[no-untyped-call]
        self.fitting: Any = fitting_pb2_grpc.FittingServiceStub(channel)  # type: ignore[no-untyped-call]
        self.render: Any = render_pb2_grpc.RenderServiceStub(channel)  # type: ignore[no-untyped-call]
        self.rig: Any = rig_pb2_grpc.RigServiceStub(channel)  # type: ignore[no-untyped-call]
        self.media: Any = media_pb2_grpc.MediaServiceStub(channel)  # type: ignore[no-untyped-call]
        self.server: Any = server_pb2_grpc.ServerServiceStub(channel)  # type: ignore[no-untyped-call]
        self.operations: Any = operations_pb2_grpc.OperationsStub(channel)
