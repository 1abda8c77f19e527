"""Tables of operations. A name is decided here once; statements are in `store` and `leases`."""

import sqlalchemy as sa

from facewright_server.persistence.database import METADATA

__all__ = ["INPUTS", "ITEMS", "OPERATIONS"]

_Key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite counts up only what it calls INTEGER

OPERATIONS = sa.Table(
    "operations",
    METADATA,
    sa.Column("sequence", _Key, primary_key=True, autoincrement=True),
    sa.Column("name", sa.String(64), nullable=False, unique=True),
    sa.Column("owner", sa.String(200), nullable=False),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("request_id", sa.String(64)),
    sa.Column("request_digest", sa.String(64), nullable=False),
    sa.Column("spec", sa.LargeBinary, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("cancel_requested", sa.Boolean, nullable=False, default=False),
    sa.Column("item_count", sa.Integer, nullable=False),
    sa.Column("done_count", sa.Integer, nullable=False, default=0),
    sa.Column("failed_count", sa.Integer, nullable=False, default=0),
    sa.Column("partial_items", sa.Double, nullable=False, default=0.0),
    sa.Column("attempt", sa.Integer, nullable=False, default=0),
    # The lease. `fence` grows with every claim and is checked by every write of a worker; `beat` grows with
    # every sign of life. Neither is a time: clocks of different machines or moments are never compared.
    sa.Column("fence", sa.Integer, nullable=False, default=0),
    sa.Column("beat", sa.Integer, nullable=False, default=0),
    sa.Column("holder", sa.String(200)),
    # Seconds since 1970, for people and for the sweep of finished operations.
    sa.Column("create_secs", sa.Double, nullable=False),
    sa.Column("start_secs", sa.Double),
    sa.Column("end_secs", sa.Double),
    sa.Column("expire_secs", sa.Double),
    sa.Column("result", sa.LargeBinary),
    sa.UniqueConstraint("owner", "request_id"),
    sa.Index("operations_by_state", "state", "sequence"),
    sa.Index("operations_by_owner", "owner", "sequence"),
    sqlite_autoincrement=True,  # a deleted number is never given again: page tokens and fences stay true
)

ITEMS = sa.Table(
    "operation_items",
    METADATA,
    sa.Column(
        "operation",
        _Key,
        sa.ForeignKey("operations.sequence", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    sa.Column("item", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("start_count", sa.Integer, nullable=False, default=0),
    sa.Column("outcome", sa.LargeBinary),
)

# Apart from the items, so that looking for the next one never reads past photos.
INPUTS = sa.Table(
    "operation_inputs",
    METADATA,
    sa.Column(
        "operation",
        _Key,
        sa.ForeignKey("operations.sequence", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    sa.Column("item", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
)
