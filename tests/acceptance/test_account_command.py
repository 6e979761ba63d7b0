"""`camsla account` and the first sign-in at a real server."""

from __future__ import annotations

import http.cookiejar
import re
import signal
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from tests.camsla_command import CAMSLA, Camsla


def wait_for(process: subprocess.Popen[str], text: str) -> str:
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if text in line:
            return said
    raise AssertionError(said)


def stop(process: subprocess.Popen[str]) -> str:
    process.send_signal(signal.SIGTERM)
    assert process.stderr is not None
    rest = process.stderr.read()
    process.stderr.close()
    assert process.wait(30) == 0, rest
    return rest


def test_accounts_are_kept_on_the_command_line(tmp_path: Path) -> None:
    camsla = Camsla(tmp_path)
    said = camsla.ok("account", "add", "zhang", "--display", "张三", "--role", "administrator", "--actor", "test")
    assert re.search(r"password: ([2-9A-Z]{5}-){4}[2-9A-Z]{5}", said)
    words = ("account", "add", "wang", "--role", "leader", "--password-stdin", "--actor", "test")
    for weak in ("short\n", "wang-wang-wang\n", "\n"):
        done = subprocess.run([CAMSLA, *words], env=camsla.env, input=weak, capture_output=True, text=True, check=False)
        assert done.returncode == 2 and "密码" in done.stderr
    done = subprocess.run(
        [CAMSLA, *words], env=camsla.env, input="a pass phrase\n", capture_output=True, text=True, check=True
    )
    assert "password:" not in done.stdout
    camsla.ok("account", "add", "li", "--role", "operations", "--area", "东街", "--actor", "test")
    assert "哪家供应商" in camsla.refused("account", "role", "li", "--role", "supplier", "--actor", "test")
    camsla.ok("account", "role", "li", "--role", "supplier", "--supplier", "甲公司", "--actor", "test")
    found = {one["name"]: one for one in camsla.json("account", "list")}
    assert (found["li"]["roles"], found["li"]["supplier"], found["li"]["areas"]) == (["supplier"], "甲公司", None)
    assert "最后一位" in camsla.refused("account", "disable", "zhang", "--actor", "test")
    camsla.ok("account", "disable", "li", "--actor", "test")
    assert not {one["name"]: one for one in camsla.json("account", "list")}["li"]["alive"]
    assert "已有系统管理员" in camsla.refused("account", "first")


def test_the_first_administrator_comes_in_with_the_printed_secret(tmp_path: Path) -> None:
    camsla = Camsla(tmp_path)
    server = camsla.start("serve", "--no-watch", "--port", "0", stderr=subprocess.PIPE)
    try:
        said = wait_for(server, "one-time secret:")
        base = re.search(r"http://[\d.]+:\d+", said)
        secret = re.search(r"secret: (\S+)", said)
        assert base is not None and secret is not None
        assert "另一个进程正在写入" in camsla.refused("account", "add", "x", "--role", "leader", "--actor", "test")
        jar = http.cookiejar.CookieJar()
        browser = urllib.request.build_opener(NoRedirect(), urllib.request.HTTPCookieProcessor(jar))
        form = {"secret": secret[1], "name": "zhang", "password": "correct horse", "again": "correct horse"}
        assert post(browser, base[0] + "/first", form) == (303, "/system/accounts")
        assert [cookie.name for cookie in jar if cookie.secure][:1] == ["__Host-camsla"]
        assert post(browser, base[0] + "/first", form)[0] == 404
    finally:
        rest = stop(server)
    assert "Traceback" not in rest
    again = camsla.start("serve", "--no-watch", "--port", "0", stderr=subprocess.PIPE)
    try:
        said = wait_for(again, "已就绪")
    finally:
        said += stop(again)
    assert "one-time secret" not in said
    database = (tmp_path / "data" / "camsla.db").read_bytes()
    assert secret[1].encode() not in database


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def post(browser: urllib.request.OpenerDirector, url: str, fields: dict[str, str]) -> tuple[int, str]:
    data = urllib.parse.urlencode(fields).encode()
    try:
        with browser.open(url, data, timeout=10) as response:
            return response.status, ""
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers.get("Location", "")
