"""`RigService`: which rigs there are, and what can be set on them."""

import grpc

from facewright.v1 import rig_pb2, rig_pb2_grpc
from facewright_server.config import ServerConfig
from facewright_server.engine import Engine
from facewright_server.errors import InvalidRequestError
from facewright_server.service.writing import rig_message, rig_summary_message

__all__ = ["RigServicer"]

_DEFAULT_PAGE_SIZE = 50
_MAX_PAGE_SIZE = 200


class RigServicer(rig_pb2_grpc.RigServiceServicer):
    """See rig.proto."""

    def __init__(self, engine: Engine, config: ServerConfig) -> None:
        self._engine = engine
        self._config = config

    async def ListRigs(  # noqa: N802 - the name in the proto
        self,
        request: rig_pb2.ListRigsRequest,
        context: grpc.aio.ServicerContext,  # noqa: ARG002
    ) -> rig_pb2.ListRigsResponse:
        """A page token is the last name of the page before."""
        if request.page_size < 0:
            raise InvalidRequestError(
                f"page_size is {request.page_size}; expected at least 0", field="page_size"
            )
        size = min(request.page_size or _DEFAULT_PAGE_SIZE, _MAX_PAGE_SIZE)
        names = [name for name in await self._engine.rig_names() if name > request.page_token]
        page = names[:size]
        return rig_pb2.ListRigsResponse(
            rigs=[rig_summary_message(await self._engine.schema(name)) for name in page],
            next_page_token=page[-1] if len(names) > size else "",
        )

    async def GetRig(  # noqa: N802 - the name in the proto
        self,
        request: rig_pb2.GetRigRequest,
        context: grpc.aio.ServicerContext,  # noqa: ARG002
    ) -> rig_pb2.GetRigResponse:
        """The schema of one rig."""
        schema = await self._engine.schema(request.name or self._config.default_rig)
        return rig_pb2.GetRigResponse(rig=rig_message(schema))
