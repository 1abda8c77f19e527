"""Work that outlives the call that asked for it.

An operation is a row with items; a worker process takes it up under a lease, commits the outcome of each item
with the lease's fencing token, and whoever comes after a crash goes on at the first item without an outcome.
"""

__all__: list[str] = []
