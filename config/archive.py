"""What an installation says of its raw archive: where it lies and how long results are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Archive(BaseModel):
    """The raw archive: every result, one file a day. Days are counted from the end of the day that is archived."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path | None = None
    keep_days: Annotated[int, Field(ge=93, le=36_500)] | None = None
    """Files older than this are removed; None keeps them for good. A quarter at least: it may still be disputed."""
    delete_batches_after_days: Annotated[int, Field(ge=1, le=36_500)] | None = 7
    """Results leave the database so long after their day, once their file is sealed in the evidence log; None: never."""
