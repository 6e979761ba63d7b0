"""A mapping: how the files of one office are to be read where their headings do not say it themselves.

columns: {摄像头国标码: device, 当月平均: rate}   # heading → field, see FIELDS in words.py; also `ignore`
phases: {2019年建设: phase-1}                    # the office's word → the contract's phase
rates: percent                                   # how bare numbers stand: percent (98.5), share (0.985), each, or guess
figure: rate                                     # which counts where a row has both a rate and counts
sheets: [在线率统计]                              # only these sheets; none named: all that have a heading
heading_row: 3                                   # the heading's first row, if it is not found by itself
"""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt

from console.authority.words import Field as ColumnField
from monitor.finding import refuse

Word = Annotated[str, Field(min_length=1, max_length=200)]


class Mapping(BaseModel):
    """A saved mapping. Unknown keys and fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: dict[Word, ColumnField] = Field(default_factory=dict, max_length=200)
    phases: dict[Word, Word] = Field(default_factory=dict, max_length=200)
    rates: Literal["guess", "percent", "share", "each"] = "guess"
    figure: Literal["rate", "counts"] = "rate"
    sheets: tuple[Word, ...] = ()
    heading_row: Annotated[StrictInt, Field(ge=1, le=1_000)] | None = None

    def canonical(self) -> str:
        """Return it as canonical JSON, without what is as it would be anyway."""
        body = self.model_dump(mode="json", exclude_defaults=True)
        return json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def mapping_of(body: str) -> Mapping:
    """Return a stored mapping."""
    return Mapping.model_validate_json(body)


def check_phases(mapping: Mapping, known: tuple[str, ...]) -> None:
    """Refuse a mapping to phases that the contract does not have."""
    strange = sorted(set(mapping.phases.values()) - set(known))
    if strange:
        raise refuse(
            f"映射中的期次不是合同的期次 phases that the contract does not have: {', '.join(strange)}",
            f"合同的期次 phases: {', '.join(known)}",
            column="phases",
        )
