"""The server as an object: bind, listen at once, load in the background, stop gracefully."""

import asyncio
import contextlib
import logging
from collections.abc import Callable

import grpc
from google.longrunning import operations_pb2, operations_pb2_grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from facewright.v1 import (
    export_pb2,
    export_pb2_grpc,
    expression_pb2,
    expression_pb2_grpc,
    fitting_pb2,
    fitting_pb2_grpc,
    media_pb2,
    media_pb2_grpc,
    render_pb2,
    render_pb2_grpc,
    rig_pb2,
    rig_pb2_grpc,
    server_pb2,
    server_pb2_grpc,
)
from facewright_server.config import ServerConfig, split_address
from facewright_server.errors import ConfigError
from facewright_server.interceptor import CallInterceptor
from facewright_server.jobs.desk import JobDesk
from facewright_server.jobs.store import any_open
from facewright_server.listening import bind, end_dead, is_alive, make_server
from facewright_server.media.store import MediaStore, open_media_store
from facewright_server.persistence import Database
from facewright_server.persistence.state import StateFolder, open_state
from facewright_server.security.gate import Gate
from facewright_server.security.hangup import on_hangup
from facewright_server.security.tls import server_credentials
from facewright_server.service.batch_fitting import BatchFitting
from facewright_server.service.export import ExportServicer
from facewright_server.service.expression import ExpressionServicer
from facewright_server.service.expression_videos import ExpressionVideos
from facewright_server.service.fitting import FittingServicer
from facewright_server.service.media import MediaServicer
from facewright_server.service.operations import OperationsServicer
from facewright_server.service.render import RenderServicer
from facewright_server.service.rig import RigServicer
from facewright_server.service.server import ServerServicer
from facewright_server.studio import Studio
from facewright_server.telemetry.lifecycle import Telemetry
from facewright_server.telemetry.traced_engine import TracedEngine

__all__ = ["SERVICE_NAMES", "Server"]

_EXPORT_SERVICE = export_pb2.DESCRIPTOR.services_by_name["ExportService"].full_name
_EXPRESSION_SERVICE = expression_pb2.DESCRIPTOR.services_by_name["ExpressionService"].full_name
_FITTING_SERVICE = fitting_pb2.DESCRIPTOR.services_by_name["FittingService"].full_name
_MEDIA_SERVICE = media_pb2.DESCRIPTOR.services_by_name["MediaService"].full_name
_RENDER_SERVICE = render_pb2.DESCRIPTOR.services_by_name["RenderService"].full_name
_RIG_SERVICE = rig_pb2.DESCRIPTOR.services_by_name["RigService"].full_name
_SERVER_SERVICE = server_pb2.DESCRIPTOR.services_by_name["ServerService"].full_name
_OPERATIONS_SERVICE = operations_pb2.DESCRIPTOR.services_by_name["Operations"].full_name
SERVICE_NAMES = (
    _FITTING_SERVICE,
    _RENDER_SERVICE,
    _EXPRESSION_SERVICE,
    _EXPORT_SERVICE,
    _RIG_SERVICE,
    _SERVER_SERVICE,
    _OPERATIONS_SERVICE,
    _MEDIA_SERVICE,
)
_LOADED_FIRST = (_FITTING_SERVICE, _RENDER_SERVICE)
_WHOLE_SERVER = ""
_WATCH_EVERY_SECS = 0.25
_log = logging.getLogger(__name__)


class Server:
    """One listening server: `start`, perhaps `wait_ready`, then `stop`, all on one event loop."""

    def __init__(self, config: ServerConfig, studio: Studio) -> None:
        self._config = config
        self._engine = TracedEngine(studio, config)
        self._health = health.aio.HealthServicer()
        self._gate = Gate(config)
        self._interceptor = CallInterceptor(self._gate, max_message_bytes=config.max_message_bytes)
        self._server = make_server(config, self._interceptor)
        self._retired: dict[asyncio.Task[None], grpc.aio.Server] = {}
        self._credentials: grpc.ServerCredentials | None = None
        self._telemetry: Telemetry | None = None
        self._undo_hangup: Callable[[], None] | None = None
        self._watch_task: asyncio.Task[None] | None = None
        self._health_task: asyncio.Task[None] | None = None
        self._state: StateFolder | None = None
        self._database: Database | None = None
        self._media: MediaStore | None = None
        self._desk: JobDesk | None = None
        self._is_stopped = False

    async def start(self) -> str:
        """Listen, begin loading, return the address HOST:PORT. Raises `ConfigError` for an address in use."""
        self._state = open_state(self._config)
        self._config = self._state.config  # from here on with its folder, database and media filled in
        self._database = Database(self._config.database_url)
        self._media = open_media_store(self._config, self._database)
        self._desk = JobDesk(self._config, self._database)
        self._register(self._media, self._desk)
        for name in (_WHOLE_SERVER, *SERVICE_NAMES):
            is_ready = name in SERVICE_NAMES and name not in _LOADED_FIRST
            status = health_pb2.HealthCheckResponse
            await self._health.set(name, status.SERVING if is_ready else status.NOT_SERVING)
        host, _ = split_address(self._config.listen)
        self._credentials = server_credentials(self._config)
        port = bind(self._server, self._config.listen, self._credentials)
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._telemetry = Telemetry(self._config, self._database)
        self._undo_hangup = on_hangup(self._gate.reload)
        await self._server.start()
        self._media.start()
        self._desk.start()
        if self._config.is_remote and not self._config.is_protected:
            _log.warning("other machines can reach this server without TLS or without a token")
        self._watch_task = asyncio.create_task(self._keep_listening(address))
        self._health_task = asyncio.create_task(self._announce())
        return address

    @property
    def interceptor(self) -> CallInterceptor:
        """Knows what is being served: `interceptor.activity`."""
        return self._interceptor

    def idle_secs(self) -> float:
        """Time since the last call ended; 0 while one runs. Health does not count."""
        return self._interceptor.activity.idle_secs()

    async def has_unfinished_operations(self) -> bool:
        """Whether an operation in the database waits or runs. Raises `StorageError`."""
        return self._database is not None and await self._database.run(any_open)

    @property
    def metrics_address(self) -> str:
        """HOST:PORT of the metrics, empty where there are none."""
        return "" if self._telemetry is None else self._telemetry.metrics_address

    async def wait_ready(self) -> None:
        """Until the models are loaded. Raises what loading raised."""
        await asyncio.gather(self._engine.wait_renderer(), self._engine.wait_fitter())

    async def stop(self) -> None:
        """Refuse new calls, give running ones the grace, then stop them at their next step. Once is enough."""
        if self._is_stopped:
            return
        self._is_stopped = True
        await self._health.enter_graceful_shutdown()
        for task in (self._health_task, self._watch_task):
            if task is not None:
                task.cancel()
        if self._undo_hangup is not None:
            self._undo_hangup()
        await asyncio.gather(
            *(
                server.stop(self._config.shutdown_grace_secs)
                for server in (self._server, *self._retired.values())
            ),
            *([self._desk.close()] if self._desk is not None else []),
        )
        await asyncio.gather(*self._retired)
        await self._engine.close()
        if self._media is not None:
            await self._media.close()
        if self._telemetry is not None:
            await asyncio.to_thread(self._telemetry.close)
        if self._database is not None:
            await asyncio.to_thread(self._database.close)
        if self._state is not None:
            await asyncio.to_thread(self._state.close)

    def _register(self, media: MediaStore, desk: JobDesk) -> None:
        export_pb2_grpc.add_ExportServiceServicer_to_server(  # type: ignore[no-untyped-call]
            ExportServicer(self._engine, self._config, media), self._server
        )
        expression_pb2_grpc.add_ExpressionServiceServicer_to_server(  # type: ignore[no-untyped-call]
            ExpressionServicer(
                self._engine, self._config, ExpressionVideos(self._engine, self._config, media, desk), media
            ),
            self._server,
        )
        fitting_pb2_grpc.add_FittingServiceServicer_to_server(  # type: ignore[no-untyped-call]
            FittingServicer(
                self._engine, self._config, BatchFitting(self._engine, self._config, media, desk), media
            ),
            self._server,
        )
        media_pb2_grpc.add_MediaServiceServicer_to_server(  # type: ignore[no-untyped-call]
            MediaServicer(media), self._server
        )
        operations_pb2_grpc.add_OperationsServicer_to_server(OperationsServicer(desk), self._server)
        render_pb2_grpc.add_RenderServiceServicer_to_server(  # type: ignore[no-untyped-call]
            RenderServicer(self._engine, self._config, media), self._server
        )
        rig_pb2_grpc.add_RigServiceServicer_to_server(  # type: ignore[no-untyped-call]
            RigServicer(self._engine, self._config), self._server
        )
        server_pb2_grpc.add_ServerServiceServicer_to_server(  # type: ignore[no-untyped-call]
            ServerServicer(self._engine, self._config, service_names=SERVICE_NAMES), self._server
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        reflection.enable_server_reflection(
            (*SERVICE_NAMES, health.SERVICE_NAME, reflection.SERVICE_NAME), self._server
        )

    async def _keep_listening(self, address: str) -> None:
        """Open the port anew when gRPC has stopped accepting calls by itself; running calls go on."""
        while True:
            await asyncio.sleep(_WATCH_EVERY_SECS)
            if is_alive(self._server):
                continue
            _log.error("gRPC has stopped accepting calls after one it could not read; listening again")
            self._retire(self._server)
            self._server = make_server(self._config, self._interceptor)
            if self._media is not None and self._desk is not None:
                self._register(self._media, self._desk)
            try:
                bind(self._server, address, self._credentials)
                await self._server.start()
            except ConfigError:
                _log.exception("the port could not be opened again; trying once more")

    def _retire(self, server: grpc.aio.Server) -> None:
        """Forget the server when its last call has ended."""
        ending = asyncio.create_task(end_dead(server))
        self._retired[ending] = server
        ending.add_done_callback(self._retired.pop)

    async def _announce(self) -> None:
        """A service turns to SERVING when what it needs is loaded; NOT_SERVING stays when that fails."""
        both = asyncio.gather(
            self._engine.wait_renderer(), self._engine.wait_fitter(), return_exceptions=True
        )
        with contextlib.suppress(Exception):  # the engine logs it, and calls are answered with it
            await self._engine.wait_renderer()
            await self._health.set(_RENDER_SERVICE, health_pb2.HealthCheckResponse.SERVING)
            await self.wait_ready()
            for name in (_WHOLE_SERVER, _FITTING_SERVICE):
                await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        await both
