"""The menu: what there is, in the offices' own order and words, and who sees which entry."""

from __future__ import annotations

from typing import NamedTuple

from console.web.access import (
    ADMINISTRATORS,
    AUTHORITY,
    EVERYONE,
    EVIDENCE_READERS,
    MONEY_READERS,
    WATCHERS,
    Person,
    Role,
    Roles,
)
from console.web.words import N_


class Entry(NamedTuple):
    """A menu entry; `key` is the section that pages name, `shortcut` the letter after `g`."""

    key: str
    label: str
    address: str
    allow: Roles
    shortcut: str


class Group(NamedTuple):
    """Entries that belong together."""

    label: str
    entries: tuple[Entry, ...]


MENU: tuple[Group, ...] = (
    Group(
        N_("看护"),
        (
            Entry("overview", N_("值班总览"), "/", WATCHERS, "o"),
            Entry("map", N_("一张图"), "/map", WATCHERS, "m"),
            Entry("points", N_("点位台账"), "/points", WATCHERS, "p"),
            Entry("changes", N_("点位变更"), "/changes", WATCHERS, "c"),
        ),
    ),
    Group(
        N_("结算"),
        (
            Entry("authority", N_("公安数据"), "/authority", AUTHORITY | {Role.EVALUATOR, Role.LEADER}, "a"),
            Entry("contracts", N_("合同与计费"), "/contracts", MONEY_READERS, "k"),
            Entry("settlement", N_("季度考核结算"), "/settlement", MONEY_READERS, "s"),
            Entry("payments", N_("发票与支付"), "/payments", MONEY_READERS, "f"),
            Entry("budget", N_("预算执行"), "/budget", MONEY_READERS - {Role.SUPPLIER}, "b"),
        ),
    ),
    Group(
        N_("佐证"),
        (
            Entry("evidence", N_("佐证材料"), "/evidence", EVIDENCE_READERS, "e"),
            Entry("scorecards", N_("考核评分"), "/scorecards", EVIDENCE_READERS - {Role.SUPPLIER}, "r"),
        ),
    ),
    Group(
        N_("系统"),
        (
            Entry("system", N_("系统"), "/system", ADMINISTRATORS, "y"),
            Entry("account", N_("我的账号"), "/account", EVERYONE, "u"),
            Entry("reference", N_("接口文档"), "/reference", EVERYONE, "i"),
        ),
    ),
)


def entries_for(person: Person) -> list[Group]:
    """Return the menu as a person sees it; groups without entries are left out."""
    found = [
        Group(group.label, tuple(e for e in group.entries if person.may(e.allow) and person.opens(e.address)))
        for group in MENU
    ]
    return [group for group in found if group.entries]
