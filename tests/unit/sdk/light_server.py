"""The least that a shared server has to be: it says where it listens and knows its token. Starts in no time."""

import argparse
import hashlib
import sys
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc

from facewright.v1 import rig_pb2


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tokens-file", type=Path, required=True)
    arguments, _ = parser.parse_known_args()
    digest = tomllib.loads(arguments.tokens_file.read_text())["local"]["token_sha256"]

    def list_rigs(_request: Any, context: grpc.ServicerContext) -> Any:
        header = dict(context.invocation_metadata()).get("authorization", "")
        if hashlib.sha256(header.removeprefix("Bearer ").encode()).hexdigest() != digest:
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "who are you?")
        return rig_pb2.ListRigsResponse(rigs=[rig_pb2.RigSummary(name="light")])

    server = grpc.server(ThreadPoolExecutor(2))
    handler = grpc.unary_unary_rpc_method_handler(
        list_rigs, rig_pb2.ListRigsRequest.FromString, rig_pb2.ListRigsResponse.SerializeToString
    )
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("facewright.v1.RigService", {"ListRigs": handler}),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"facewright-server listening on 127.0.0.1:{port}\n")
    sys.stdout.flush()
    time.sleep(120)  # a signal ends it; nothing that a test forgets stays for long


if __name__ == "__main__":
    main()
