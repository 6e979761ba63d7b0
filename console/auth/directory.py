"""Signing in through a directory (LDAP): a bind as the person over TLS, then the person's own entry and groups are read."""

from __future__ import annotations

import importlib.util
import ssl
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from config.accounts import Ldap
from console.auth.oidc import Known
from monitor.finding import refuse

if TYPE_CHECKING:
    from ldap3 import Connection


class Directory:
    """One directory. `known` blocks for as long as the directory takes, `timeout_s` at most per step."""

    def __init__(self, settings: Ldap) -> None:
        if importlib.util.find_spec("ldap3") is None:
            raise refuse(
                "设置了 accounts.ldap，但未安装 ldap3 accounts.ldap is set, but ldap3 is not installed",
                "安装附加组件 install the extra: pip install 'camsla[ldap]'",
                column="accounts.ldap",
            )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # it names its ASN.1 library's old words while it loads
            importlib.import_module("ldap3")
        self._settings = settings

    def known(self, name: str, password: str) -> Known | None:
        """Return whom the directory knows by name and password, with their groups; None if it does not.

        InputError if the directory does not answer, or not securely.
        """
        from ldap3.core.exceptions import LDAPException, LDAPInvalidCredentialsResult  # noqa: PLC0415  an extra
        from ldap3.utils.conv import escape_filter_chars  # noqa: PLC0415
        from ldap3.utils.dn import escape_rdn  # noqa: PLC0415

        if not password or not name:
            return None  # a bind without a password is anonymous, and always succeeds
        settings = self._settings
        escaped = escape_rdn(name) if "=" in settings.bind else name
        try:
            connection = self._bound(settings.bind.replace("{name}", escaped), password)
            try:
                wanted = settings.find.replace("{name}", escape_filter_chars(name))
                attributes = [settings.display_attribute, settings.group_attribute]
                connection.search(settings.base, wanted, attributes=attributes, size_limit=2)
                entries = [entry for entry in connection.response or [] if entry.get("type") == "searchResEntry"]
                if len(entries) != 1:
                    return None
                groups = _texts(entries[0]["attributes"].get(settings.group_attribute))
                dn = str(entries[0]["dn"])
                if settings.groups_base:
                    member = settings.groups_find.replace("{dn}", escape_filter_chars(dn))
                    connection.search(settings.groups_base, member, attributes=["cn"], size_limit=1_000)
                    groups += [str(e["dn"]) for e in connection.response or [] if e.get("type") == "searchResEntry"]
                display = _texts(entries[0]["attributes"].get(settings.display_attribute))
            finally:
                connection.unbind()
        except LDAPInvalidCredentialsResult:
            return None
        except (LDAPException, OSError) as error:
            raise refuse(
                f"目录服务不可用 the directory does not answer: {type(error).__name__}",
                "稍后重试，或联系系统管理员 try again later, or tell an administrator",
            ) from None
        return Known(dn.casefold(), name, display[0][:60] if display else "", frozenset(g.casefold() for g in groups))

    def _bound(self, user: str, password: str) -> Connection:
        from ldap3 import NONE, Server, Tls  # noqa: PLC0415
        from ldap3 import Connection as Bound  # noqa: PLC0415

        settings, parts = self._settings, urlsplit(self._settings.url)
        secure = parts.scheme == "ldaps"
        tls = Tls(
            validate=ssl.CERT_REQUIRED,
            version=ssl.PROTOCOL_TLS_CLIENT,
            ca_certs_file=str(settings.ca_path) if settings.ca_path else None,
        )
        server = Server(
            parts.hostname or "",
            port=parts.port or (636 if secure else 389),
            use_ssl=secure,
            tls=tls,
            get_info=NONE,
            connect_timeout=settings.timeout_s,
        )
        connection = Bound(
            server,
            user=user,
            password=password,
            raise_exceptions=True,
            auto_referrals=False,
            receive_timeout=settings.timeout_s,
            read_only=True,
        )
        try:
            connection.open()
            if not secure and not settings.plain:
                connection.start_tls(read_server_info=False)
            connection.bind()
        except BaseException:
            with suppress(Exception):  # it may not have come as far as a connection
                connection.strategy.close()
            if connection.socket is not None:
                connection.socket.close()  # the library leaves it open where connecting failed
            raise
        return connection


def _texts(value: Any) -> list[str]:
    if value is None:
        return []
    return [str(item) for item in value] if isinstance(value, list | tuple) else [str(value)]
