"""The monitor's tables. Instants are BIGINT microseconds UTC; dates are TEXT YYYY-MM-DD; text sorts by bytes.

"Bitemporal" tables carry when a fact held (valid_from, valid_to) and when it was known (recorded_at,
superseded_at): a correction closes the old row's superseded_at and inserts another; nothing is updated otherwise.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

# SQLite only numbers INTEGER PRIMARY KEY by itself; PostgreSQL makes the same column a BIGINT identity.
Id = BigInteger().with_variant(Integer, "sqlite")
# PostgreSQL's default collation depends on the machine; bytes do not.
Bytewise = Text().with_variant(Text(collation="C"), "postgresql")


def _bitemporal() -> tuple[Column[int], Column[int | None], Column[int], Column[int | None], Column[str]]:
    return (
        Column("valid_from", BigInteger, nullable=False),
        Column("valid_to", BigInteger),
        Column("recorded_at", BigInteger, nullable=False),
        Column("superseded_at", BigInteger),
        Column("actor", Bytewise, nullable=False),
    )


vantages = Table(
    "vantages",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Bytewise, nullable=False, unique=True),
    Column("kind", Bytewise, nullable=False),
    CheckConstraint("kind IN ('local','agent','gb28181','import','platform')", name="vantage_kind"),
)

points = Table(
    "points",
    metadata,
    Column("id", Id, primary_key=True),
    Column("code", Bytewise, nullable=False, unique=True),
)

point_facts = Table(
    "point_facts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("point_id", ForeignKey("points.id"), nullable=False),
    *_bitemporal(),
    Column("name", Bytewise, nullable=False, server_default=""),
    Column("gb_code", Bytewise, nullable=False, server_default=""),
    Column("former_gb_code", Bytewise, nullable=False, server_default=""),
    Column("class", Bytewise, nullable=False, server_default=""),
    Column("area", Bytewise, nullable=False, server_default=""),
    Column("address", Bytewise, nullable=False, server_default=""),
    Column("lon_e7", BigInteger),
    Column("lat_e7", BigInteger),
    Column("contract", Bytewise, nullable=False, server_default=""),
    Column("phase", Bytewise, nullable=False, server_default=""),
    Column("supplier", Bytewise, nullable=False, server_default=""),
    Column("upstream", Bytewise, nullable=False, server_default=""),
    Column("first_accepted_on", Text),  # 初验
    Column("accepted_on", Text),  # 终验
    Column("acceptance_no", Bytewise, nullable=False, server_default=""),  # 验收单号
    Column("billed_from", Text),  # 计费起, inclusive
    Column("billed_until", Text),  # 计费止, exclusive
    Column("retired_on", Text),  # exclusive
    Column("document", Bytewise, nullable=False, server_default=""),  # 审批文号
    Column("extra", Bytewise, nullable=False, server_default="{}"),  # further template columns, canonical JSON
    Index("ix_point_facts_point", "point_id", "recorded_at"),
)

billing_pauses = Table(  # 暂停计费, dates half-open
    "billing_pauses",
    metadata,
    Column("id", Id, primary_key=True),
    Column("point_id", ForeignKey("points.id"), nullable=False),
    *_bitemporal(),
    Column("document", Bytewise, nullable=False, server_default=""),
    Index("ix_billing_pauses_point", "point_id"),
)

credentials = Table(
    "credentials",
    metadata,
    Column("id", Id, primary_key=True),
    Column("username", Bytewise, nullable=False),
    Column("nonce", LargeBinary, nullable=False),
    Column("cipher", LargeBinary, nullable=False),
)

cameras = Table(
    "cameras",
    metadata,
    Column("id", Id, primary_key=True),
    Column("make", Bytewise, nullable=False, server_default=""),
    Column("model", Bytewise, nullable=False, server_default=""),
    Column("serial", Bytewise, nullable=False, server_default=""),
    Column("macs", Bytewise, nullable=False, server_default=""),
    Column("rtsp_url", Bytewise, nullable=False, server_default=""),
    Column("onvif_addr", Bytewise, nullable=False, server_default=""),
    Column("credential_id", ForeignKey("credentials.id")),
)

occupancies = Table(
    "occupancies",
    metadata,
    Column("id", Id, primary_key=True),
    Column("point_id", ForeignKey("points.id"), nullable=False),
    Column("camera_id", ForeignKey("cameras.id"), nullable=False),
    *_bitemporal(),
    Index("ix_occupancies_point", "point_id"),
)

batches = Table(
    "batches",
    metadata,
    Column("vantage_id", ForeignKey("vantages.id"), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("first_at", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Column("n", Integer, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

outcomes = Table(
    "outcomes",
    metadata,
    Column("id", Id, primary_key=True),
    Column("state", Bytewise, nullable=False),
    Column("reason", Bytewise, nullable=False),
    Column("rung", Bytewise, nullable=False),
    UniqueConstraint("state", "reason", "rung"),
)

runs = Table(
    "runs",
    metadata,
    Column("point_id", ForeignKey("points.id"), primary_key=True),
    Column("vantage_id", ForeignKey("vantages.id"), primary_key=True),
    Column("first_at", BigInteger, primary_key=True, autoincrement=False),
    Column("last_at", BigInteger, nullable=False),
    Column("n", BigInteger, nullable=False),
    Column("outcome_id", ForeignKey("outcomes.id"), nullable=False),
    Column("valid_s", Integer, nullable=False),
    Column("camera_id", ForeignKey("cameras.id")),
    Column("recorded_at", BigInteger),  # when an import brought it; what we saw ourselves was known as it happened
)

projections = Table(
    "projections",
    metadata,
    Column("vantage_id", ForeignKey("vantages.id"), primary_key=True),
    Column("projected_seq", BigInteger, nullable=False),
)

gaps = Table(
    "gaps",
    metadata,
    Column("id", Id, primary_key=True),
    Column("vantage_id", ForeignKey("vantages.id"), nullable=False),
    Column("point_id", ForeignKey("points.id")),
    Column("start_at", BigInteger, nullable=False),
    Column("end_at", BigInteger),
    Column("cause", Bytewise, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Index("ix_gaps_vantage", "vantage_id", "start_at"),
)

# Append-only: a withdrawal is a new row whose `revokes` names the old one. With `to_state` a row is a reclassification
# (补判): it gives that state to what is unknown of its span.
exclusions = Table(
    "exclusions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("scope_kind", Bytewise, nullable=False),
    Column("scope_id", Bytewise, nullable=False),
    Column("start_at", BigInteger, nullable=False),
    Column("end_at", BigInteger, nullable=False),
    Column("cause", Bytewise, nullable=False),
    Column("document_sha", Text),
    Column("claimed_by", Bytewise, nullable=False),
    Column("claimed_at", BigInteger, nullable=False),
    Column("approved_by", Bytewise),
    Column("approved_at", BigInteger),
    Column("revokes", ForeignKey("exclusions.id")),
    Column("to_state", Text),
    CheckConstraint("end_at > start_at", name="exclusion_span"),
    CheckConstraint("to_state IN ('online','offline')", name="exclusion_to_state"),
    CheckConstraint("approved_by IS NULL OR approved_by <> claimed_by", name="exclusion_second_person"),
    CheckConstraint("scope_kind IN ('point','area','upstream','phase','contract','all')", name="exclusion_scope"),
    Index("ix_exclusions_scope", "scope_id", "start_at"),
)

events = Table(
    "events",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", Bytewise, nullable=False),
    Column("point_id", ForeignKey("points.id")),
    Column("at", BigInteger, nullable=False),
    Column("until", BigInteger),
    Column("source", Bytewise, nullable=False),
    Column("details", Bytewise),
    Column("recorded_at", BigInteger, nullable=False),
    UniqueConstraint("source", "kind", "point_id", "at"),
)

imports = Table(
    "imports",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("kind", Bytewise, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("rows", Integer, nullable=False),
)

outbox = Table(  # records for the evidence log: without a leaf they wait; numbered, `body` is the log's whole line
    "outbox",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("kind", Bytewise, nullable=False),
    Column("body", Bytewise, nullable=False),
    Column("leaf", BigInteger),
    Index("ix_outbox_leaf", "leaf", unique=True),
)

log_days = Table(  # one row per sealed day: leaves [first, size); `note` as the collector signed it
    "log_days",
    metadata,
    Column("day", Text, primary_key=True),
    Column("first", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False, unique=True),
    Column("root", Text, nullable=False),
    Column("note", Bytewise, nullable=False),
    Column("sealed_at", BigInteger, nullable=False),
    CheckConstraint("size > first", name="log_day_span"),
)

log_checkpoints = Table(  # checkpoints between two seals, by the tree's size
    "log_checkpoints",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("root", Text, nullable=False),
    Column("note", Bytewise, nullable=False),
)

log_signatures = Table(  # witnesses' lines, by the size of the tree that they signed
    "log_signatures",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("name", Bytewise, primary_key=True),
    Column("line", Bytewise, nullable=False),
    Column("added_at", BigInteger, nullable=False),
    Column("actor", Bytewise, nullable=False),
)

log_batches = Table(  # up to which batch a vantage's digests are in the log
    "log_batches",
    metadata,
    Column("vantage_id", ForeignKey("vantages.id"), primary_key=True),
    Column("seq", BigInteger, nullable=False),
)
evaluations = Table(  # an evaluator's challenges, reveals and samples; append-only, each also an `att` record
    "evaluations",
    metadata,
    Column("what", Text, primary_key=True),
    Column("id", Bytewise, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", Bytewise, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("body", Bytewise, nullable=False),
    CheckConstraint("what IN ('challenge','reveal','sample')", name="evaluation_what"),
)

log_blobs = Table(  # bytes that a record names and no other table keeps, until the log's folder has them; deflated
    "log_blobs",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("body", LargeBinary, nullable=False),
)
