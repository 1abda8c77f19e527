"""The Facewright server: gRPC on the outside, the domain packages inside.

`facewright_server.app.Server` runs it in a process of your own; the command line is `facewright-server`.
"""

__all__: list[str] = []
