"""Settings of the console: where it listens, behind what, and how a map's tiles are found."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator


class Serve(BaseModel):
    """Where the console listens and what stands before it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8080
    plain_http: bool = False
    """Browsers reach the console over plain HTTP at another address than their own machine's: its cookies then carry
    neither the Secure mark nor the __Host- prefix. Leave it off wherever TLS ends before the console."""
    proxies: Annotated[tuple[str, ...], Field(max_length=16)] = ()
    """Networks of the proxies before the console, whose X-Forwarded-For and -Proto are believed."""
    tiles: str = ""
    """Address of map tiles like `http://10.1.2.3/tiles/{z}/{x}/{y}.png`; the map works with none."""
    sessions_idle_minutes: Annotated[int, Field(ge=5, le=1_440)] = 60
    sessions_hours: Annotated[int, Field(ge=1, le=168)] = 12
    """After so long somebody signs in anew, however busy."""

    @field_validator("proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for item in value:
            try:
                ip_network(item)
            except ValueError:
                raise ValueError(f"不是网段 not a network: {item!r}，例如 for example 10.0.0.5/32") from None
        return value

    @field_validator("tiles")
    @classmethod
    def _tiles(cls, value: str) -> str:
        if value and not (
            value.startswith(("http://", "https://", "/")) and all(p in value for p in ("{z}", "{x}", "{y}"))
        ):
            raise ValueError(
                "瓦片地址须以 http:// 或 https:// 开头并含 {z} {x} {y} tiles must be an address with {z} {x} {y}"
            )
        if set(value) & set("; ,\n\r\t'\""):
            raise ValueError(
                "瓦片地址不得含空格、逗号、分号或引号 no blanks, commas, semicolons or quotes in the tiles' address"
            )
        return value

    @property
    def tiles_origin(self) -> str:
        """The host that tiles come from, as a content security policy names it; empty for our own or none."""
        parts = urlsplit(self.tiles)
        return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
