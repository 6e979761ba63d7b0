"""Settings: one YAML file, `CAMSLA_*` variables over it, and secrets from the files that `CAMSLA_*_FILE` name.

A nested key is written with two underscores: `CAMSLA_WATCH__INTERVAL_S=30`. Unknown keys fail, in the file and in the
environment alike, and every complaint is reported at once with the place it came from.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from config.accounts import SigningIn
from config.archive import Archive
from config.evidence import Evidence
from config.load import Lines, finding_of, load_yaml
from config.serve import Serve
from monitor.finding import Finding, InputError
from monitor.model import Rung
from monitor.probes.address import Allowed
from monitor.probes.target import Target
from monitor.timeline import Policy

PREFIX = "CAMSLA_"
NOT_SETTINGS = frozenset({"CAMSLA_CONFIG", "CAMSLA_ACTOR"})
"""Variables of the command line itself; tests and tools may use CAMSLA_TEST_*."""

SECRET_BYTES = 65_536

NOT_PROBED = frozenset({Rung.ONVIF, Rung.PLATFORM})
"""Rungs that no watcher climbs to: one lies beside the ladder, the other is somebody else's word."""


class Control(BaseModel):
    """A device that tells blindness from failure: it answers as long as this watcher can see."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: str
    upstream: Annotated[str, Field(min_length=1)]

    @field_validator("address")
    @classmethod
    def _parsed(cls, value: str) -> str:
        return _address(value)


def _address(value: str) -> str:
    try:
        Target.parse(value)
    except InputError as error:
        raise ValueError("；".join(f"{f.message} → {f.remedy}" for f in error.findings)) from None
    return value


class Watch(BaseModel):
    """How the watcher probes. Seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    vantage: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")] = "local"
    interval_s: Annotated[float, Field(ge=0.2, le=300)] = 60.0
    retry_s: Annotated[float, Field(ge=0.1, le=60)] | None = None
    """Between confirmations of a change; by default 10 s, or the interval if that is shorter."""
    timeout_s: Annotated[float, Field(ge=0.1, le=60)] = 5.0
    rung: Rung = Rung.DESCRIBE
    concurrency: Annotated[int, Field(ge=1, le=5_000)] = 200
    slow_concurrency: Annotated[int, Field(ge=1, le=20_000)] = 2_000
    per_host: Annotated[int, Field(ge=1, le=64)] = 2
    controls: Annotated[tuple[Control, ...], Field(max_length=16)] = ()
    """Devices that are asked before a mass failure is believed; on two upstreams at least."""
    upstreams: Annotated[dict[str, str], Field(max_length=5_000)] = {}
    """Addresses of the upstream devices that the ledger's points name."""
    allow: tuple[str, ...] = ()
    """What may be probed, like `10.20.0.0/16:554`; empty allows what the point ledger names."""

    @field_validator("rung")
    @classmethod
    def _probed(cls, value: Rung) -> Rung:
        if value in NOT_PROBED:
            known = " | ".join(rung.value for rung in Rung if rung not in NOT_PROBED)
            raise ValueError(
                f"不是可巡检的层级 not a rung that is probed: {value.value!r}，应为 make it one of {known}"
            )
        return value

    @field_validator("allow")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for item in value:
            try:
                Allowed.parse(item)
            except InputError as error:
                raise ValueError("；".join(f"{f.message} → {f.remedy}" for f in error.findings)) from None
        return value

    @field_validator("upstreams")
    @classmethod
    def _devices(cls, value: dict[str, str]) -> dict[str, str]:
        return {name: _address(address) for name, address in value.items()}

    @field_validator("controls")
    @classmethod
    def _apart(cls, value: tuple[Control, ...]) -> tuple[Control, ...]:
        if value and len({control.upstream for control in value}) < 2:
            raise ValueError(
                "对照点须分布在至少两个上联，其中一个在供应商网络之外 control targets must lie on two upstreams at least → "
                "补一个 add one outside the supplier's network"
            )
        return value

    @model_validator(mode="after")
    def _paces(self) -> Self:
        if self.retry_s is not None and self.retry_s > self.interval_s:
            raise ValueError(
                f"复核间隔 retry_s {self.retry_s:g} 大于 exceeds interval_s {self.interval_s:g}；应不大于巡检间隔 make it smaller"
            )
        return self

    @property
    def confirm_every_s(self) -> float:
        """The retry interval in force."""
        return min(10.0, self.interval_s) if self.retry_s is None else self.retry_s


class Settings(BaseSettings):
    """Everything an installation may set. Paths are relative to the working directory."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True, case_sensitive=False
    )

    data_dir: Path = Path("camsla-data")
    database_url: str = ""
    secret_key_path: Path | None = None
    zone: str = "Asia/Shanghai"
    contracts: tuple[Path, ...] = ()
    mappings_dir: Path | None = None
    policy: Policy = Policy()
    watch: Watch = Watch()
    serve: Serve = Serve()
    archive: Archive = Archive()
    evidence: Evidence = Evidence()
    accounts: SigningIn = SigningIn()

    @field_validator("zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"没有这个时区 no such time zone: {value!r}，例如 for example Asia/Shanghai") from None
        return value

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: str) -> str:
        if value and not value.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
            raise ValueError(
                "数据库地址须以 sqlite:/// 或 postgresql:// 开头 must begin with sqlite:/// or postgresql://"
            )
        return value

    @property
    def url(self) -> str:
        """The database in force: `database_url`, or SQLite in `data_dir`."""
        return self.database_url or f"sqlite:///{self.data_dir / 'camsla.db'}"

    @property
    def key_path(self) -> Path:
        """The file of the key that camera passwords are encrypted with."""
        return self.secret_key_path or self.data_dir / "secret.key"

    @property
    def archive_dir(self) -> Path:
        """Where the raw archive lies."""
        return self.archive.folder or self.data_dir / "archive"

    @property
    def evidence_dir(self) -> Path:
        """Where the evidence log's folder lies."""
        return self.evidence.folder or self.data_dir / "evidence"

    @property
    def evidence_key_path(self) -> Path:
        """The file of the key that seals the evidence log."""
        return self.evidence.key_path or self.data_dir / "evidence.key"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take only what load_settings() hands in: it has merged file and environment and knows every origin."""
        return (init_settings,)


def load_settings(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Read the settings from a YAML file (None: defaults) and the environment, which wins.

    Raises InputError with every finding at once.
    """
    findings: list[Finding] = []
    data: dict[str, Any] = {}
    lines: Lines | None = None
    if path is not None:
        data, lines = load_yaml(path)
    variables, origins = _environment(environ, findings)
    merged = _merge(data, variables)
    settings = None
    try:
        settings = Settings(**merged)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            name = _origin(detail["loc"], origins)
            if name is None and lines is not None:
                findings.append(finding_of(detail, str(path), lines))
            else:
                findings.append(finding_of(detail, f"环境变量 environment {name}" if name else "", None))
    if findings or settings is None:
        raise InputError(findings)
    return settings


def _environment(
    environ: Mapping[str, str], findings: list[Finding]
) -> tuple[dict[str, Any], dict[tuple[str, ...], str]]:
    """Return the settings that the environment holds, nested, and from which variable each comes."""
    known: dict[str, str] = {}
    origins: dict[tuple[str, ...], str] = {}
    for name, value in environ.items():
        if not name.startswith(PREFIX) or name in NOT_SETTINGS or name.startswith("CAMSLA_TEST_"):
            continue
        bare = name[len(PREFIX) :].lower()
        secret: str | None
        if bare == "secret_key_file":
            bare, secret = "secret_key_path", value  # the key stays in its file: only the path is a setting
        elif bare.endswith("_file") and bare.split("__")[0] not in Settings.model_fields:
            bare = bare.removesuffix("_file")
            secret = _secret(name, value, findings)
            if secret is None:
                continue
        else:
            secret = value
        loc = tuple(bare.split("__"))
        if loc[0] not in Settings.model_fields:
            findings.append(
                Finding(
                    "", 0, name, "未知的环境变量 unknown variable", "检查拼写或删除 check its spelling or remove it"
                )
            )
            continue
        if loc in origins:
            findings.append(
                Finding("", 0, name, f"与 {origins[loc]} 重复设置 sets the same as", "只留一个 keep one of them")
            )
        known[PREFIX + bare.upper()] = secret
        origins[loc] = name
    nested: dict[str, Any] = {}
    for loc, name in origins.items():
        variable = PREFIX + "__".join(loc).upper()
        try:
            nested = _merge(nested, _nested(variable, known[variable]))
        except SettingsError:
            findings.append(
                Finding("", 0, name, "不是合规的 JSON not valid JSON", '列表写成 write a list like ["10.20.0.0/16"]')
            )
    return nested, origins


def _nested(variable: str, value: str) -> dict[str, Any]:
    """Let pydantic-settings read one variable, so that what it cannot read is named."""
    source = EnvSettingsSource(Settings, case_sensitive=False, env_prefix=PREFIX, env_nested_delimiter="__")
    source.env_vars = {variable.lower(): value}
    return dict(source())


def _secret(name: str, value: str, findings: list[Finding]) -> str | None:
    try:
        with Path(value).open(encoding="utf-8") as file:
            text = file.read(SECRET_BYTES + 1)
    except (OSError, UnicodeDecodeError) as error:
        findings.append(
            Finding(
                value,
                0,
                name,
                f"无法读取密钥文件 cannot read the secret: {error}",
                "检查路径和权限 check path and mode",
            )
        )
        return None
    if len(text) > SECRET_BYTES or not text.strip():
        findings.append(
            Finding(
                value,
                0,
                name,
                "密钥文件为空或过大 the secret is empty or too large",
                "须为 1 到 65,536 字节 1 to 65,536 bytes",
            )
        )
        return None
    return text.rstrip("\r\n")


def _merge(low: Mapping[str, Any], high: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(low)
    for key, value in high.items():
        below = merged.get(key)
        merged[key] = _merge(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged


def _origin(loc: tuple[int | str, ...], origins: Mapping[tuple[str, ...], str]) -> str | None:
    place = tuple(str(part) for part in loc)
    for size in range(len(place), 0, -1):
        if place[:size] in origins:
            return origins[place[:size]]
    return next((name for key, name in origins.items() if key[: len(place)] == place and place), None)
