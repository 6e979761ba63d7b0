"""What the pages of contracts share: addresses, which version is meant, what was uploaded or typed."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field

from console.settling.contract_page import (
    rows_of,
    versions_of,
)
from console.web.faults import MissingError
from console.web.forms import Entered
from console.web.visit import Visit
from settlement.store.contracts import Version


def at(name: str, *more: str) -> str:
    """Return the address of a contract's page."""
    return "/contracts/" + "/".join(quote(part, safe="") for part in (name, *more))


class ContractQuery(BaseModel):
    """Which version is shown, which two are compared, at which rates readings are computed."""

    model_config = ConfigDict(extra="ignore")

    version: Annotated[int, Field(ge=1)] | None = None
    one: Annotated[int, Field(ge=1)] | None = None
    other: Annotated[int, Field(ge=1)] | None = None
    rate: Annotated[str, Field(max_length=20)] = ""


async def versions_here(visit: Visit) -> list[Version]:
    """Return the versions of the contract that the address names. MissingError if there is none, or not for this person."""
    found = await visit.read(versions_of, visit.contract(visit.path("name")))
    if not found:
        raise MissingError
    return found


def chosen(visit: Visit, found: list[Version], number: int | None) -> Version:
    """Return the version of that number; None: the one in force, else the newest. MissingError if there is none."""
    if number is None:
        rows = rows_of(found, visit.today)
        return next((row.version for row in rows if row.tone == "good"), rows[0].version)
    version = next((version for version in found if version.version == number), None)
    if version is None:
        raise MissingError
    return version


def given(entered: Entered[Any]) -> tuple[str, str]:
    """Return the file's name and the YAML: what was uploaded, else what was typed."""
    upload = entered.files.get("file")
    if upload is not None:
        return upload.name, upload.body.decode("utf-8", "replace")
    return "", entered.values.get("text", "")
