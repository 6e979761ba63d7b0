"""Accounts of people whom another service knows: its groups become roles, as the settings say, at every sign-in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from console.auth.directory import Directory
from console.auth.oidc import Known
from console.store import accounts
from console.store.accounts import Account, Source
from console.web.access import Role, Roles
from console.web.visit import Visit
from monitor.finding import refuse


class DirectorySignIn:
    """Signs people in by a directory."""

    def __init__(self, directory: Directory, groups: Mapping[str, Sequence[str]]) -> None:
        self._directory = directory
        self._groups = {group.casefold(): roles for group, roles in groups.items()}

    async def sign_in(self, visit: Visit, name: str, password: str) -> Account | None:
        """Return the account of whom the directory knows; None if it does not. InputError where it gives no role."""
        known = await visit.aside(self._directory.known, name, password)
        return None if known is None else await account_of(visit, "ldap", known, self._groups)


async def account_of(visit: Visit, source: Source, known: Known, groups: Mapping[str, Sequence[str]]) -> Account:
    """Return the account of somebody whom a service knows, with the roles that their groups give now."""
    roles = roles_in(known.groups, groups)
    if not roles:
        raise refuse(
            "已通过认证，但所在组没有对应的角色 you are known, but none of your groups has a role here",
            "请联系系统管理员 ask an administrator: accounts.*.roles",
        )
    return await visit.write(
        accounts.from_service,
        source,
        known.subject,
        known.name,
        known.display,
        roles,
        at=visit.at,
        language=visit.language,
    )


def roles_in(found: frozenset[str], groups: Mapping[str, Sequence[str]]) -> Roles:
    """Return the roles that groups give."""
    return frozenset(Role(role) for group in found for role in groups.get(group, ()))
