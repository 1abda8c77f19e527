"""The gRPC server as a socket: its options, its port, and whether it is still alive."""

import contextlib

import grpc

from facewright_server.config import ServerConfig
from facewright_server.errors import ConfigError
from facewright_server.interceptor import RECEIVE_HEADROOM, CallInterceptor

__all__ = ["bind", "end_dead", "is_alive", "make_server"]


def make_server(config: ServerConfig, interceptor: CallInterceptor) -> grpc.aio.Server:
    """A server without services or ports."""
    return grpc.aio.server(
        interceptors=(interceptor,),
        options=(
            # The interceptor measures messages; gRPC's own limits would end a call without saying why.
            ("grpc.max_receive_message_length", RECEIVE_HEADROOM * config.max_message_bytes),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),  # a port in use is an error, not a second server behind it
        ),
    )


def bind(server: grpc.aio.Server, address: str, credentials: grpc.ServerCredentials | None) -> int:
    """The port, picked where the address says 0. Raises `ConfigError` for an address that cannot be used."""
    try:
        if credentials is None:
            port = int(server.add_insecure_port(address))
        else:
            port = int(server.add_secure_port(address, credentials))
    except RuntimeError as error:
        raise ConfigError(f"cannot listen on {address}: {error}; choose another port") from error
    if port == 0:
        raise ConfigError(f"cannot listen on {address}; choose another port")
    return port


def is_alive(server: grpc.aio.Server) -> bool:
    """Whether it still takes calls.

    A call whose path is not UTF-8 ends the accepting loop of grpcio (seen in 1.85), before any code of ours
    runs; nothing public tells.
    """
    return bool(server._server.is_running())  # noqa: SLF001 - see above


async def end_dead(server: grpc.aio.Server) -> None:
    """Free a server that is not alive, after the calls that it still has."""
    with contextlib.suppress(Exception):  # what its loop died of
        await server.wait_for_termination()
    await server.stop(None)
