"""The server as an object: bind, listen at once, load in the background, stop gracefully."""

import asyncio
import contextlib
import logging

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from facewright.v1 import (
    fitting_pb2,
    fitting_pb2_grpc,
    render_pb2,
    render_pb2_grpc,
    rig_pb2,
    rig_pb2_grpc,
)
from facewright_server.config import ServerConfig, split_address
from facewright_server.engine import Engine
from facewright_server.errors import ConfigError
from facewright_server.interceptor import CallInterceptor
from facewright_server.service.fitting import FittingServicer
from facewright_server.service.render import RenderServicer
from facewright_server.service.rig import RigServicer
from facewright_server.studio import Studio

__all__ = ["SERVICE_NAMES", "Server"]

_FITTING_SERVICE = fitting_pb2.DESCRIPTOR.services_by_name["FittingService"].full_name
_RENDER_SERVICE = render_pb2.DESCRIPTOR.services_by_name["RenderService"].full_name
_RIG_SERVICE = rig_pb2.DESCRIPTOR.services_by_name["RigService"].full_name
SERVICE_NAMES = (_FITTING_SERVICE, _RENDER_SERVICE, _RIG_SERVICE)
_WHOLE_SERVER = ""
_log = logging.getLogger(__name__)


class Server:
    """One listening server: `start`, perhaps `wait_ready`, then `stop`, all on one event loop."""

    def __init__(self, config: ServerConfig, studio: Studio) -> None:
        self._config = config
        self._engine = Engine(studio, config)
        self._health = health.aio.HealthServicer()
        self._server = grpc.aio.server(
            interceptors=(CallInterceptor(),),
            options=(
                ("grpc.max_receive_message_length", config.max_message_bytes),
                ("grpc.max_send_message_length", config.max_message_bytes),
                ("grpc.so_reuseport", 0),  # a port in use is an error, not a second server behind it
            ),
        )
        self._health_task: asyncio.Task[None] | None = None
        self._is_stopped = False

    async def start(self) -> str:
        """Listen, begin loading, return the address HOST:PORT. Raises `ConfigError` for an address in use."""
        self._register()
        for name in (_WHOLE_SERVER, _FITTING_SERVICE, _RENDER_SERVICE):
            await self._health.set(name, health_pb2.HealthCheckResponse.NOT_SERVING)
        await self._health.set(_RIG_SERVICE, health_pb2.HealthCheckResponse.SERVING)
        host, _ = split_address(self._config.listen)
        try:
            port = self._server.add_insecure_port(self._config.listen)
        except RuntimeError as error:
            raise ConfigError(
                f"cannot listen on {self._config.listen}: {error}; choose another port"
            ) from error
        if port == 0:
            raise ConfigError(f"cannot listen on {self._config.listen}; choose another port")
        await self._server.start()
        if self._config.is_remote:
            _log.warning("other machines can reach this server; there is no encryption and no password")
        self._health_task = asyncio.create_task(self._announce())
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    async def wait_ready(self) -> None:
        """Until the models are loaded. Raises what loading raised."""
        await asyncio.gather(self._engine.wait_renderer(), self._engine.wait_fitter())

    async def stop(self) -> None:
        """Refuse new calls, give running ones the grace, then stop them at their next step. Once is enough."""
        if self._is_stopped:
            return
        self._is_stopped = True
        await self._health.enter_graceful_shutdown()
        if self._health_task is not None:
            self._health_task.cancel()
        await self._server.stop(self._config.shutdown_grace_secs)
        await self._engine.close()

    def _register(self) -> None:
        fitting_pb2_grpc.add_FittingServiceServicer_to_server(  # type: ignore[no-untyped-call]
            FittingServicer(self._engine, self._config), self._server
        )
        render_pb2_grpc.add_RenderServiceServicer_to_server(  # type: ignore[no-untyped-call]
            RenderServicer(self._engine, self._config), self._server
        )
        rig_pb2_grpc.add_RigServiceServicer_to_server(  # type: ignore[no-untyped-call]
            RigServicer(self._engine, self._config), self._server
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        reflection.enable_server_reflection(
            (*SERVICE_NAMES, health.SERVICE_NAME, reflection.SERVICE_NAME), self._server
        )

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
