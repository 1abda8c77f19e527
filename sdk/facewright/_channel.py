"""How both clients connect: message limits, retries and the time a call may take."""

from __future__ import annotations

import ipaddress
import json
from dataclasses import dataclass

from facewright._requests import MAX_MESSAGE_BYTES

__all__ = ["DEFAULT_ADDRESS", "Timeouts", "channel_options", "chosen_secs"]

DEFAULT_ADDRESS = "127.0.0.1:50051"

# Only calls that change nothing and answer once, and only when nobody answered at all.
_SERVICE_CONFIG = {
    "methodConfig": [
        {
            "name": [{"service": "facewright.v1.RenderService"}, {"service": "facewright.v1.RigService"}],
            "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.2s",
                "maxBackoff": "2s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}


@dataclass(frozen=True)
class Timeouts:
    """Seconds after which a call ends with `DeadlineError`, unless the call names another time."""

    fit_secs: float = 300.0
    render_secs: float = 60.0
    rig_secs: float = 30.0


def channel_options(address: str) -> list[tuple[str, str | int]]:
    """Options of a channel to `address`."""
    options: list[tuple[str, str | int]] = [
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
        # Shorter than the pause before a retry, which otherwise would find the channel still waiting.
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 1000),
    ]
    if _is_loopback(address):
        options.append(("grpc.enable_http_proxy", 0))  # gRPC would ask the proxy for 127.0.0.1 as well
    return options


def chosen_secs(given: float | None, default: float) -> float:
    """The time of one call."""
    return default if given is None else given


def _is_loopback(address: str) -> bool:
    host = address.rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
