"""Settings of signing in through the house's own services: OpenID Connect, and a directory (LDAP).

Both name which groups become which roles. Suppliers and evaluators are never made of groups: the ones need their supplier's
name, the others their end, which an administrator gives.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

RoleName = Literal["operations", "reporter", "handler", "checker", "approver", "clerk", "leader", "administrator"]
Groups = Annotated[dict[str, tuple[RoleName, ...]], Field(min_length=1, max_length=200)]
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def _web(value: str) -> str:
    parts = urlsplit(value)
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    if not safe or not parts.hostname or parts.query or parts.fragment or parts.username is not None:
        raise ValueError("须为 https:// 地址，不带参数 must be an https:// address without a query")
    return value.rstrip("/")


class Oidc(BaseModel):
    """An OpenID Connect provider: authorization code with PKCE."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: str
    client_id: Annotated[str, Field(min_length=1, max_length=200)]
    client_secret_path: Path | None = None
    """The file of the client's secret; none for a public client."""
    address: str
    """Where browsers reach the console, like https://camsla.city.example; /login/oidc/back under it is to be registered."""
    ca_path: Path | None = None
    label: Annotated[str, Field(max_length=40)] = ""
    scopes: tuple[str, ...] = ("openid", "profile")
    name_claim: str = "preferred_username"
    display_claim: str = "name"
    groups_claim: str = "groups"
    roles: Groups

    @field_validator("issuer", "address")
    @classmethod
    def _addresses(cls, value: str) -> str:
        return _web(value)

    @field_validator("scopes")
    @classmethod
    def _with_openid(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if "openid" not in value or any(not scope or set(scope) & set(' "\\') for scope in value):
            raise ValueError("须含 openid，且不含空格 must name openid, each without blanks")
        return value


class Ldap(BaseModel):
    """A directory: a simple bind as the person who signs in, over TLS; no account of our own is needed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    """ldaps://host[:636], or ldap://host[:389] which is then secured by StartTLS."""
    plain: bool = False
    """Passwords cross the network in the clear: only for a directory on the same machine."""
    ca_path: Path | None = None
    bind: Annotated[str, Field(min_length=1)]
    """As whom to bind, with {name}: `uid={name},ou=people,dc=city` or `{name}@city.example`."""
    base: Annotated[str, Field(min_length=1)]
    find: str = "(uid={name})"
    display_attribute: str = "cn"
    group_attribute: str = "memberOf"
    groups_base: str = ""
    """Where groups that name their members lie, for directories whose entries do not name their groups."""
    groups_find: str = "(member={dn})"
    timeout_s: Annotated[int, Field(ge=1, le=60)] = 5
    roles: Groups

    @field_validator("url")
    @classmethod
    def _directory(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"ldap", "ldaps"} or not parts.hostname or parts.path.strip("/"):
            raise ValueError("须写成 ldaps://主机 或 ldap://主机 must be ldaps://HOST or ldap://HOST")
        return value

    @model_validator(mode="after")
    def _hold(self) -> Self:
        if "{name}" not in self.bind or "{name}" not in self.find:
            raise ValueError("bind 与 find 须含 {name} both need {name}")
        if self.plain and urlsplit(self.url).hostname not in LOOPBACK:
            raise ValueError("plain 只可用于本机的目录 plain is for a directory on the same machine alone")
        return self


class SigningIn(BaseModel):
    """Other ways to sign in than a password kept here. How long sessions last is under `serve`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    oidc: Oidc | None = None
    ldap: Ldap | None = None
