"""The first tables: ledger, results, changes, settlement, audit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _id() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text() -> sa.types.TypeEngine[str]:
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create every table."""
    _ledger()
    _cameras()
    _results()
    _changes()
    _settlement()
    _console()


def downgrade() -> None:
    """Drop every table."""
    for name in reversed(TABLES):
        op.drop_table(name)


TABLES = (
    "points",
    "point_facts",
    "billing_pauses",
    "credentials",
    "cameras",
    "occupancies",
    "vantages",
    "batches",
    "outcomes",
    "runs",
    "projections",
    "gaps",
    "exclusions",
    "events",
    "imports",
    "outbox",
    "contract_versions",
    "period_rates",
    "audit",
)


def _bitemporal() -> tuple[sa.Column[int], sa.Column[int], sa.Column[int], sa.Column[int], sa.Column[str]]:
    return (
        sa.Column("valid_from", sa.BigInteger, nullable=False),
        sa.Column("valid_to", sa.BigInteger),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.Column("superseded_at", sa.BigInteger),
        sa.Column("actor", _text(), nullable=False),
    )


def _ledger() -> None:
    op.create_table(
        "points",
        sa.Column("id", _id(), nullable=False),
        sa.Column("code", _text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
    )
    op.create_table(
        "point_facts",
        sa.Column("id", _id(), nullable=False),
        sa.Column("point_id", _id(), nullable=False),
        *_bitemporal(),
        sa.Column("name", _text(), server_default="", nullable=False),
        sa.Column("gb_code", _text(), server_default="", nullable=False),
        sa.Column("former_gb_code", _text(), server_default="", nullable=False),
        sa.Column("class", _text(), server_default="", nullable=False),
        sa.Column("area", _text(), server_default="", nullable=False),
        sa.Column("address", _text(), server_default="", nullable=False),
        sa.Column("lon_e7", sa.BigInteger),
        sa.Column("lat_e7", sa.BigInteger),
        sa.Column("contract", _text(), server_default="", nullable=False),
        sa.Column("phase", _text(), server_default="", nullable=False),
        sa.Column("supplier", _text(), server_default="", nullable=False),
        sa.Column("upstream", _text(), server_default="", nullable=False),
        sa.Column("first_accepted_on", sa.Text),
        sa.Column("accepted_on", sa.Text),
        sa.Column("acceptance_no", _text(), server_default="", nullable=False),
        sa.Column("billed_from", sa.Text),
        sa.Column("billed_until", sa.Text),
        sa.Column("retired_on", sa.Text),
        sa.Column("document", _text(), server_default="", nullable=False),
        sa.Column("extra", _text(), server_default="{}", nullable=False),
        sa.ForeignKeyConstraint(["point_id"], ["points.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_point_facts_point", "point_facts", ["point_id", "recorded_at"])
    op.create_table(
        "billing_pauses",
        sa.Column("id", _id(), nullable=False),
        sa.Column("point_id", _id(), nullable=False),
        *_bitemporal(),
        sa.Column("document", _text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["point_id"], ["points.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_billing_pauses_point", "billing_pauses", ["point_id"])


def _cameras() -> None:
    op.create_table(
        "credentials",
        sa.Column("id", _id(), nullable=False),
        sa.Column("username", _text(), nullable=False),
        sa.Column("nonce", sa.LargeBinary, nullable=False),
        sa.Column("cipher", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "cameras",
        sa.Column("id", _id(), nullable=False),
        sa.Column("make", _text(), server_default="", nullable=False),
        sa.Column("model", _text(), server_default="", nullable=False),
        sa.Column("serial", _text(), server_default="", nullable=False),
        sa.Column("macs", _text(), server_default="", nullable=False),
        sa.Column("rtsp_url", _text(), server_default="", nullable=False),
        sa.Column("onvif_addr", _text(), server_default="", nullable=False),
        sa.Column("credential_id", _id()),
        sa.ForeignKeyConstraint(["credential_id"], ["credentials.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "occupancies",
        sa.Column("id", _id(), nullable=False),
        sa.Column("point_id", _id(), nullable=False),
        sa.Column("camera_id", _id(), nullable=False),
        *_bitemporal(),
        sa.ForeignKeyConstraint(["camera_id"], ["cameras.id"]),
        sa.ForeignKeyConstraint(["point_id"], ["points.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_occupancies_point", "occupancies", ["point_id"])


def _results() -> None:
    op.create_table(
        "vantages",
        sa.Column("id", _id(), nullable=False),
        sa.Column("name", _text(), nullable=False),
        sa.Column("kind", _text(), nullable=False),
        sa.CheckConstraint("kind IN ('local','agent','gb28181','import','platform')", name="vantage_kind"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "batches",
        sa.Column("vantage_id", _id(), nullable=False),
        sa.Column("seq", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("first_at", sa.BigInteger, nullable=False),
        sa.Column("last_at", sa.BigInteger, nullable=False),
        sa.Column("n", sa.Integer, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.ForeignKeyConstraint(["vantage_id"], ["vantages.id"]),
        sa.PrimaryKeyConstraint("vantage_id", "seq"),
    )
    op.create_table(
        "outcomes",
        sa.Column("id", _id(), nullable=False),
        sa.Column("state", _text(), nullable=False),
        sa.Column("reason", _text(), nullable=False),
        sa.Column("rung", _text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("state", "reason", "rung"),
    )
    op.create_table(
        "runs",
        sa.Column("point_id", _id(), nullable=False),
        sa.Column("vantage_id", _id(), nullable=False),
        sa.Column("first_at", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("last_at", sa.BigInteger, nullable=False),
        sa.Column("n", sa.BigInteger, nullable=False),
        sa.Column("outcome_id", _id(), nullable=False),
        sa.Column("valid_s", sa.Integer, nullable=False),
        sa.Column("camera_id", _id()),
        sa.ForeignKeyConstraint(["camera_id"], ["cameras.id"]),
        sa.ForeignKeyConstraint(["outcome_id"], ["outcomes.id"]),
        sa.ForeignKeyConstraint(["point_id"], ["points.id"]),
        sa.ForeignKeyConstraint(["vantage_id"], ["vantages.id"]),
        sa.PrimaryKeyConstraint("point_id", "vantage_id", "first_at"),
    )
    op.create_table(
        "projections",
        sa.Column("vantage_id", _id(), nullable=False),
        sa.Column("projected_seq", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["vantage_id"], ["vantages.id"]),
        sa.PrimaryKeyConstraint("vantage_id"),
    )
    op.create_table(
        "gaps",
        sa.Column("id", _id(), nullable=False),
        sa.Column("vantage_id", _id(), nullable=False),
        sa.Column("point_id", _id()),
        sa.Column("start_at", sa.BigInteger, nullable=False),
        sa.Column("end_at", sa.BigInteger),
        sa.Column("cause", _text(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["point_id"], ["points.id"]),
        sa.ForeignKeyConstraint(["vantage_id"], ["vantages.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_gaps_vantage", "gaps", ["vantage_id", "start_at"])


def _changes() -> None:
    op.create_table(
        "exclusions",
        sa.Column("id", _id(), nullable=False),
        sa.Column("scope_kind", _text(), nullable=False),
        sa.Column("scope_id", _text(), nullable=False),
        sa.Column("start_at", sa.BigInteger, nullable=False),
        sa.Column("end_at", sa.BigInteger, nullable=False),
        sa.Column("cause", _text(), nullable=False),
        sa.Column("document_sha", sa.Text),
        sa.Column("claimed_by", _text(), nullable=False),
        sa.Column("claimed_at", sa.BigInteger, nullable=False),
        sa.Column("approved_by", _text()),
        sa.Column("approved_at", sa.BigInteger),
        sa.Column("revokes", _id()),
        sa.CheckConstraint(
            "scope_kind IN ('point','area','upstream','phase','contract','all')", name="exclusion_scope"
        ),
        sa.CheckConstraint("approved_by IS NULL OR approved_by <> claimed_by", name="exclusion_second_person"),
        sa.CheckConstraint("end_at > start_at", name="exclusion_span"),
        sa.ForeignKeyConstraint(["revokes"], ["exclusions.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "events",
        sa.Column("id", _id(), nullable=False),
        sa.Column("kind", _text(), nullable=False),
        sa.Column("point_id", _id()),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger),
        sa.Column("source", _text(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["point_id"], ["points.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source", "kind", "point_id", "at"),
    )
    op.create_table(
        "imports",
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("kind", _text(), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("sha256"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", _id(), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("kind", _text(), nullable=False),
        sa.Column("body", _text(), nullable=False),
        sa.Column("leaf", sa.BigInteger),
        sa.PrimaryKeyConstraint("id"),
    )


def _settlement() -> None:
    op.create_table(
        "contract_versions",
        sa.Column("contract", _text(), nullable=False),
        sa.Column("version", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("effective_from", sa.Text, nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.Column("actor", _text(), nullable=False),
        sa.Column("terms", _text(), nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("contract", "version"),
    )
    op.create_table(
        "period_rates",
        sa.Column("contract", _text(), nullable=False),
        sa.Column("phase", _text(), nullable=False),
        sa.Column("period", _text(), nullable=False),
        sa.Column("revision", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("good_s", sa.BigInteger, nullable=False),
        sa.Column("counted_s", sa.BigInteger, nullable=False),
        sa.Column("excluded_s", sa.BigInteger, nullable=False),
        sa.Column("unknown_s", sa.BigInteger, nullable=False),
        sa.Column("inputs_sha", sa.Text, nullable=False),
        sa.Column("software", _text(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.Column("actor", _text(), nullable=False),
        sa.PrimaryKeyConstraint("contract", "phase", "period", "revision"),
    )


def _console() -> None:
    op.create_table(
        "audit",
        sa.Column("id", _id(), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("actor", _text(), nullable=False),
        sa.Column("origin", _text(), nullable=False),
        sa.Column("action", _text(), nullable=False),
        sa.Column("object", _text(), nullable=False),
        sa.Column("before", _text(), nullable=False),
        sa.Column("after", _text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_audit_at", "audit", ["at"])
