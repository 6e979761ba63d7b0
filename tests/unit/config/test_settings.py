from __future__ import annotations

import re
from pathlib import Path

import pytest

from config.settings import load_settings
from monitor.finding import InputError
from monitor.model import Rung
from monitor.probes.registry import PROBES

BAD = sorted((Path(__file__).parents[2] / "bad_config").glob("settings_*.yaml"))


def findings(path: Path | None, environ: dict[str, str]) -> list[str]:
    with pytest.raises(InputError) as caught:
        load_settings(path, environ)
    return [str(finding) for finding in caught.value.findings]


def test_defaults_need_nothing() -> None:
    settings = load_settings(None, {"PATH": "/bin"})
    assert settings.url == "sqlite:///camsla-data/camsla.db"
    assert settings.watch.interval_s == 60
    assert settings.zone == "Asia/Shanghai"


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_every_message_has_a_file_that_triggers_it(path: Path) -> None:
    text = path.read_text()
    expected = re.findall(r"^# expect: (.*)$", text, re.M)
    line = re.findall(r"^# line: (\d+)$", text, re.M)
    found = findings(path, {})
    assert len(found) == 1
    assert expected[0] in found[0]
    assert found[0].startswith(f"{path}:{line[0]} "), found[0]
    assert "→" in found[0] or "make it" in found[0] or "must begin" in found[0] or "for example" in found[0]


def test_a_private_key_in_the_settings_is_not_said_again() -> None:
    (path,) = [path for path in BAD if path.stem == "settings_evidence_private_key"]
    assert not any("PRIVATE" in text or "BAABAg" in text for text in findings(path, {}))


def test_every_rung_is_either_probed_or_refused() -> None:
    for rung in Rung:
        environ = {"CAMSLA_WATCH__RUNG": rung.value}
        if rung in PROBES:
            assert load_settings(None, environ).watch.rung is rung
        else:
            assert "not a rung that is probed" in findings(None, environ)[0]


def test_all_errors_at_once_with_their_places(tmp_path: Path) -> None:
    path = tmp_path / "camsla.yaml"
    path.write_text("zone: Asia/Nowhere\nwatch:\n  interval_s: 1000\n  colour: red\nserve:\n  port: 99999\n")
    found = findings(path, {"CAMSLA_WATCH__TIMEOUT_S": "-1", "CAMSLA_COLOUR": "red"})
    assert len(found) == 6
    for place in (":1 ", ":3 ", ":4 ", ":6 ", "CAMSLA_WATCH__TIMEOUT_S", "CAMSLA_COLOUR"):
        assert any(place in text for text in found), (place, found)


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "camsla.yaml"
    path.write_text("watch:\n  interval_s: 30\n  retry_s: 5\n  rung: tcp\n")
    settings = load_settings(path, {"CAMSLA_WATCH__INTERVAL_S": "45.5", "CAMSLA_SERVE__PORT": "0"})
    assert (settings.watch.interval_s, settings.watch.retry_s, settings.watch.rung) == (45.5, 5, Rung.TCP)
    assert settings.serve.port == 0


def test_lists_come_as_json_from_the_environment() -> None:
    settings = load_settings(None, {"CAMSLA_WATCH__ALLOW": '["10.0.0.0/8", "127.0.0.0/8"]'})
    assert settings.watch.allow == ("10.0.0.0/8", "127.0.0.0/8")


def test_a_list_that_is_no_json_is_named() -> None:
    (found,) = findings(None, {"CAMSLA_WATCH__ALLOW": "10.0.0.0/8,"})
    assert "CAMSLA_WATCH__ALLOW" in found


def test_a_secret_comes_from_the_file_that_a_variable_names(tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text("postgresql://camsla:s3cret@127.0.0.1/camsla\n")
    settings = load_settings(None, {"CAMSLA_DATABASE_URL_FILE": str(secret)})
    assert settings.url == "postgresql://camsla:s3cret@127.0.0.1/camsla"


@pytest.mark.parametrize("content", [None, "", "x" * 70_000])
def test_a_secret_that_cannot_be_read_is_named(tmp_path: Path, content: str | None) -> None:
    secret = tmp_path / "url"
    if content is not None:
        secret.write_text(content)
    (found,) = findings(None, {"CAMSLA_DATABASE_URL_FILE": str(secret)})
    assert "CAMSLA_DATABASE_URL_FILE" in found
    assert str(secret) in found


def test_a_value_given_twice_is_refused(tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text("sqlite:///a.db")
    (found,) = findings(None, {"CAMSLA_DATABASE_URL_FILE": str(secret), "CAMSLA_DATABASE_URL": "sqlite:///b.db"})
    assert "重复设置" in found


def test_a_password_in_a_bad_database_address_is_not_repeated() -> None:
    (found,) = findings(None, {"CAMSLA_DATABASE_URL": "mysql://u:canary-7781@h/x"})
    assert "canary-7781" not in found


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    (found,) = findings(tmp_path / "none.yaml", {})
    assert "none.yaml" in found


def test_the_sample_file_states_every_key_with_its_default() -> None:
    sample = Path(__file__).parents[3] / "config" / "samples" / "camsla.yaml"
    settings = load_settings(sample, {})
    stated = settings.model_dump() | {"watch": settings.watch.model_dump() | {"retry_s": None}}
    assert stated == load_settings(None, {}).model_dump()
    assert settings.watch.retry_s == load_settings(None, {}).watch.confirm_every_s
    for name in type(settings).model_fields:
        assert f"\n{name}:" in sample.read_text()
    for part in ("policy", "watch", "serve"):
        for name in type(getattr(settings, part)).model_fields:
            assert f"\n  {name}:" in sample.read_text()
