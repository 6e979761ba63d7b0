"""What an installation says of its evidence log: where it lies, whose key seals it, and who witnesses it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

ORIGIN = r"^[A-Za-z0-9][A-Za-z0-9.-]*/[A-Za-z0-9._-]+$"
Role = Annotated[str, Field(min_length=1, max_length=32, pattern=r"^[a-z][a-z0-9-]*$")]


class Witness(BaseModel):
    """Somebody who co-signs the log's checkpoints: a role and the public key that `camsla evidence keygen` printed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Role
    key: str

    @field_validator("key")
    @classmethod
    def _public(cls, value: str) -> str:
        from monitor.evidence.keys import WITNESS, PublicKey  # noqa: PLC0415  few installations name any at a start

        if value.startswith("PRIVATE+KEY+"):
            raise ValueError(
                "这是私钥 a private key → 见证人只交出公钥；此私钥已泄露，应作废 a witness hands out the public one"
            )
        try:
            key = PublicKey.parse(value)
        except ValueError as error:
            raise ValueError(
                f"不是公钥 not a public key: {error} → 写成 name+hash+base64 as keygen prints it"
            ) from None
        if key.kind != WITNESS:
            raise ValueError(
                "不是见证人的公钥 not a witness's key → 用 camsla evidence keygen --witness 所印的 as it prints"
            )
        return value


class Evidence(BaseModel):
    """The evidence log. Without a key nothing is sealed, and what is recorded waits."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    origin: Annotated[str, Field(max_length=120, pattern=ORIGIN)] = "camsla.local/collector"
    """The log's name for good; two installations must not share one."""
    folder: Path | None = None
    key_path: Path | None = None
    passphrase_path: Path | None = None
    """A file whose first line opens the key file."""
    witnesses: Annotated[tuple[Witness, ...], Field(max_length=16)] = ()
    seal_delay_minutes: Annotated[int, Field(ge=1, le=720)] = 10
    """How long after midnight a day is sealed: results of its last seconds must have come."""

    @field_validator("witnesses")
    @classmethod
    def _apart(cls, value: tuple[Witness, ...]) -> tuple[Witness, ...]:
        for what, said in (("角色 role", [w.role for w in value]), ("公钥 key", [w.key for w in value])):
            twice = sorted({one for one in said if said.count(one) > 1})
            if twice:
                raise ValueError(
                    f"{what} 重复 is given twice: {twice[0]} → 每人一个角色、一把密钥 one role and one key each"
                )
        return value
