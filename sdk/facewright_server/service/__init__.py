"""One servicer per proto service: proto -> domain -> proto, and no maths."""

__all__: list[str] = []
