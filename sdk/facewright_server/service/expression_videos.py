"""The body of the GenerateExpressionVideo rpc: what can be refused is refused now, the rest is an operation."""

import asyncio
import hashlib
from functools import partial

from google.longrunning import operations_pb2

from facewright.v1 import expression_pb2
from facewright_models.expression import Timeline
from facewright_server.config import ServerConfig
from facewright_server.engine import Engine
from facewright_server.jobs.desk import JobDesk
from facewright_server.jobs.expression_video import EXPRESSION_VIDEO
from facewright_server.jobs.records import NewOperation
from facewright_server.media.store import MediaStore
from facewright_server.security.identity import current_client
from facewright_server.service.batch_fitting import check_request_id
from facewright_server.service.expression_reading import (
    check_media,
    check_source,
    is_character,
    read_motion,
    read_shot,
)
from facewright_server.service.operations import operation_message
from facewright_server.service.reading import at_field, read_character
from facewright_server.service.skin import SkinTextures

__all__ = ["ExpressionVideos"]


class ExpressionVideos:
    """Takes requests on the event loop; photos are not decoded here."""

    def __init__(self, engine: Engine, config: ServerConfig, media: MediaStore, desk: JobDesk) -> None:
        self._engine = engine
        self._config = config
        self._media = media
        self._desk = desk
        self._skins = SkinTextures(engine, media)

    async def start(self, request: expression_pb2.GenerateExpressionVideoRequest) -> operations_pb2.Operation:
        """The operation, new or of the earlier call with this request_id.

        Raises `InvalidInputError`, `UnknownRigError`, `UnknownMediaError`, `RequestReusedError`, `QuotaError`,
        `StorageError`.
        """
        owner = current_client().name
        check_request_id(request.request_id)
        with at_field("motion"):
            timeline = await self._engine.code(lambda: read_motion(request.motion, self._config))
        with at_field("source"):
            check_source(request.source)
            new = await self._engine.code(partial(self._new_operation, request, owner=owner))
            # A retry is answered like the first call, also when the media are gone meanwhile.
            if not (new.request_id and await self._desk.is_known(new)):
                await self._check_files(request.source, timeline, owner)
        return operation_message(await self._desk.create(new, max_open=current_client().max_operations))

    async def _check_files(
        self, source: expression_pb2.ExpressionSource, timeline: Timeline, owner: str
    ) -> None:
        """Raises what reading the source would raise, as far as it is known without its pixels."""
        if not is_character(source):
            await asyncio.to_thread(check_media, source, self._config, self._media, owner=owner)
            return
        with at_field("shot"):
            shot = read_shot(source.shot, self._config, preset="full")
        schema = await self._engine.schema(source.character.rig or self._config.default_rig)
        with at_field("character"):
            read_character(source.character, schema, await self._skins.of(source.character))
        await self._engine.code(lambda: shot.clip_of(schema, timeline))

    def _new_operation(
        self, request: expression_pb2.GenerateExpressionVideoRequest, *, owner: str
    ) -> NewOperation:
        """Digests up to 32 MB: not for the event loop."""
        source = expression_pb2.ExpressionSource()
        source.CopyFrom(request.source)
        if is_character(source):
            source.character.rig = source.character.rig or self._config.default_rig
        motion = request.motion.SerializeToString(deterministic=True)
        content = source.SerializeToString(deterministic=True)
        digest = hashlib.sha256()
        for part in (motion, content):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
        return NewOperation(
            owner=owner,
            kind=EXPRESSION_VIDEO,
            request_id=request.request_id.lower(),
            request_digest=digest.hexdigest(),
            spec=motion,
            inputs=[content],
        )
