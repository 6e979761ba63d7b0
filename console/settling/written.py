"""A contract's terms written as the YAML file that they would be read from, without what holds by default."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import yaml

from settlement.contract import Terms
from settlement.families.registry import FAMILIES
from settlement.notation import share

_SHARE = re.compile(r"[1-9]\d*/[1-9]\d*")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class _Plain(yaml.SafeDumper):
    """Writes no anchors: the reader refuses them."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  as PyYAML calls it
        """Tell that nothing is written by reference."""
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    if _DAY.fullmatch(value):
        return dumper.represent_scalar("tag:yaml.org,2002:timestamp", value)
    if _SHARE.fullmatch(value) and (percent := Fraction(value) * 10_000).denominator == 1 and percent <= 10_000:
        value = share(Fraction(value)).replace(" ", "")
    return dumper.represent_scalar("tag:yaml.org,2002:str", value)


class _AsItIs(str):
    """Text that is written as it stands."""


_Plain.add_representer(str, _text)
_Plain.add_representer(_AsItIs, lambda dumper, value: dumper.represent_scalar("tag:yaml.org,2002:str", str(value)))


def contract_text(terms: Terms) -> str:
    """Return YAML that reads back as equal terms."""
    body = terms.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    body.pop("rules", None)
    body["phases"] = [_phase(phase) for phase in body["phases"]]
    if terms.rules:
        body["rules"] = [_rule(rule, rule.kind) for rule in terms.rules]
    for name, value in body.get("policy", {}).items():  # its shares are decimals or fractions, never percentages
        body["policy"][name] = _AsItIs(value) if isinstance(value, str) else value
    order = [name for name in terms.document() if name in body]
    return yaml.dump(
        {name: body[name] for name in order}, Dumper=_Plain, allow_unicode=True, sort_keys=False, width=110
    )


def _phase(phase: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _priced(name, value) for name, value in phase.items()}


def _priced(name: str, value: Any) -> Any:
    if name == "components":
        return dict(value)
    if name == "prices":
        return [{key: _priced(key, part) for key, part in row.items()} for row in value]
    return value


def _rule(rule: Any, kind: str) -> dict[str, Any]:
    written = rule.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    written["grain"] = rule.grain  # a main rule takes the contract's where it names none
    first = {"kind": FAMILIES[kind].kind, "id": rule.id}
    return {**first, **{name: value for name, value in written.items() if name not in first}}
