"""Signing in through an OpenID Connect provider: authorization code with PKCE, state and nonce; keys fetched and kept an hour.

What a sign-in needs on its way back lies in a cookie of the browser that began it, signed by this process for ten minutes: a
restart in between asks for another try.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from config.accounts import LOOPBACK, Oidc
from console.auth import keys
from monitor.finding import InputError, refuse
from monitor.model import MICROSECONDS, Instant

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA"]
"""Signatures by a key pair only: with a shared secret, whoever checks could also sign."""
ON_THE_WAY_S, KEPT_S, LEEWAY_S = 600, 3_600, 60
TIMEOUT_S = 10.0
MAX_BYTES = 1024 * 1024
COOKIE = "camsla-oidc"


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in on its way: where the browser goes, and what it keeps meanwhile."""

    address: str
    cookie: str


@dataclass(frozen=True, slots=True)
class Known:
    """Whom the provider names: its own lasting subject, the name, how people call them, and their groups."""

    subject: str
    name: str
    display: str
    groups: frozenset[str]


class Provider:
    """One provider. `close` ends its connections."""

    def __init__(self, settings: Oidc) -> None:
        self._settings = settings
        self._key = secrets.token_bytes(32)
        self._session: ClientSession | None = None
        self._found: tuple[Instant, Mapping[str, Any], KeySet] | None = None
        self.label = settings.label
        self.secret = _secret(settings)

    async def close(self) -> None:
        """End connections."""
        if self._session is not None:
            await self._session.close()

    async def begin(self, wanted: str, at: Instant) -> Begun:
        """Begin a sign-in that leads to a page of ours. InputError if the provider does not answer as it should."""
        document, _ = await self._provider(at)
        state, nonce, verifier = keys.fresh(), keys.fresh(), keys.fresh()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": self._back,
            "scope": " ".join(self._settings.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        endpoint = str(document["authorization_endpoint"])
        address = f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{urlencode(query)}"
        return Begun(address, self._signed([state, nonce, verifier, wanted, at]))

    async def finish(self, cookie: str, query: Mapping[str, str], at: Instant) -> tuple[Known, str]:
        """Return whom the provider names, and the page to go to. InputError for whatever does not hold."""
        state, nonce, verifier, wanted, begun = self._opened(cookie)
        if not hmac.compare_digest(state.encode(), query.get("state", "").encode()) or not (
            0 <= at - begun <= ON_THE_WAY_S * MICROSECONDS
        ):
            raise _again("登录请求不符或已过期 the sign-in does not match, or took too long")
        if "error" in query or not query.get("code"):
            raise _again(f"统一认证拒绝 the provider refused: {query.get('error', '')[:60]!r}")
        document, found = await self._provider(at)
        given = await self._exchange(document, query["code"], verifier)
        claims = await self._claims(str(given.get("id_token", "")), found, nonce, at)
        groups = self._settings.groups_claim
        if groups not in claims and given.get("access_token") and document.get("userinfo_endpoint"):
            claims = {**await self._userinfo(document, str(given["access_token"]), claims), **claims}
        return self._known(claims), wanted

    @property
    def _back(self) -> str:
        return f"{self._settings.address}/login/oidc/back"

    def _known(self, claims: Mapping[str, Any]) -> Known:
        name = claims.get(self._settings.name_claim)
        if not isinstance(name, str) or not name:
            raise _again(f"统一认证未给出账号名 the provider gave no name: {self._settings.name_claim}")
        raw = claims.get(self._settings.groups_claim, [])
        groups = [raw] if isinstance(raw, str) else raw if isinstance(raw, list) else []
        display = claims.get(self._settings.display_claim)
        return Known(
            str(claims["sub"]),
            name,
            display[:60] if isinstance(display, str) else "",
            frozenset(str(group) for group in groups[:1_000]),
        )

    async def _exchange(self, document: Mapping[str, Any], code: str, verifier: str) -> Mapping[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._back,
            "client_id": self._settings.client_id,
            "code_verifier": verifier,
        }
        headers = {}
        if self.secret:
            pair = f"{quote(self._settings.client_id, safe='')}:{quote(self.secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return await self._json("POST", str(document["token_endpoint"]), data=form, headers=headers)

    async def _claims(self, token: str, found: KeySet, nonce: str, at: Instant) -> Mapping[str, Any]:
        try:
            claims = jwt.decode(token, found, algorithms=ALGORITHMS).claims
        except (JoseError, ValueError):
            self._found = None  # a provider that changed its keys is asked for them
            _, found = await self._provider(at)
            try:
                claims = jwt.decode(token, found, algorithms=ALGORITHMS).claims
            except (JoseError, ValueError) as error:
                raise _again(f"身份令牌的签名不成立 the ID token does not hold: {type(error).__name__}") from None
        try:
            jwt.JWTClaimsRegistry(
                now=at // MICROSECONDS,
                leeway=LEEWAY_S,
                iss={"essential": True, "value": self._settings.issuer},
                sub={"essential": True},
                aud={"essential": True, "value": self._settings.client_id},
                exp={"essential": True},
                iat={"essential": True},
                nonce={"essential": True, "value": nonce},
            ).validate(claims)
        except JoseError as error:
            raise _again(f"身份令牌的内容不成立 the ID token does not hold: {error.description[:100]}") from None
        audience, party = claims["aud"], claims.get("azp")
        if (isinstance(audience, list) and len(audience) > 1 and party is None) or (
            party not in {None, self._settings.client_id}
        ):
            raise _again("身份令牌不是给本系统的 the ID token is for another party")
        return dict(claims)

    async def _userinfo(self, document: Mapping[str, Any], token: str, claims: Mapping[str, Any]) -> Mapping[str, Any]:
        headers = {"Authorization": f"Bearer {token}"}
        found = await self._json("GET", str(document["userinfo_endpoint"]), headers=headers)
        return found if found.get("sub") == claims["sub"] else {}

    async def _provider(self, at: Instant) -> tuple[Mapping[str, Any], KeySet]:
        if self._found is not None and 0 <= at - self._found[0] < KEPT_S * MICROSECONDS:
            return self._found[1:]
        document = await self._json("GET", f"{self._settings.issuer}/.well-known/openid-configuration")
        if str(document.get("issuer", "")).rstrip("/") != self._settings.issuer:
            raise _again("统一认证的 issuer 与设置不符 the provider calls itself otherwise")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            parts = urlsplit(str(document.get(name, "")))
            if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
                raise _again(f"统一认证的 {name} 不是 https 地址 is no https address")
        try:
            found = KeySet.import_key_set(await self._json("GET", str(document["jwks_uri"])))  # type: ignore[arg-type]
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise _again(f"统一认证的公钥无法读取 the provider's keys cannot be read: {type(error).__name__}") from None
        self._found = at, document, found
        return document, found

    async def _json(self, method: str, address: str, **options: Any) -> Mapping[str, Any]:
        if self._session is None:
            context = ssl.create_default_context(cafile=self._settings.ca_path)
            self._session = ClientSession(
                timeout=ClientTimeout(total=TIMEOUT_S), connector=TCPConnector(ssl=context), trust_env=False
            )
        try:
            async with self._session.request(method, address, allow_redirects=False, **options) as response:
                body = await response.content.read(MAX_BYTES + 1)
                while len(body) <= MAX_BYTES and (more := await response.content.read(MAX_BYTES)):
                    body += more
                if response.status != 200 or len(body) > MAX_BYTES:
                    raise _again(f"统一认证答 {response.status} the provider answered {response.status}")
            found = json.loads(body)
        except (ClientError, TimeoutError, ValueError) as error:
            raise _again(f"统一认证无应答 the provider does not answer: {type(error).__name__}") from None
        if not isinstance(found, dict):
            raise _again("统一认证的答复无法读取 the provider's answer cannot be read")
        return found

    def _signed(self, parts: list[Any]) -> str:
        body = base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()
        return f"{body}.{hmac.new(self._key, body.encode(), 'sha256').hexdigest()}"

    def _opened(self, cookie: str) -> tuple[str, str, str, str, int]:
        body, _, mark = cookie.rpartition(".")
        right = hmac.new(self._key, body.encode("utf-8", "replace"), "sha256").hexdigest()
        if not hmac.compare_digest(right.encode(), mark.encode("utf-8", "replace")):
            raise _again("登录请求不是从本浏览器开始的 the sign-in did not begin in this browser")
        state, nonce, verifier, wanted, begun = json.loads(base64.urlsafe_b64decode(body))
        return str(state), str(nonce), str(verifier), str(wanted), int(begun)


def _secret(settings: Oidc) -> str:
    """Return the client's secret. InputError if its file cannot be read."""
    if settings.client_secret_path is None:
        return ""
    try:
        return settings.client_secret_path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise refuse(
            f"无法读取 OIDC 密钥文件 cannot read the client's secret: {error}",
            "检查路径和权限 check path and mode",
            file=str(settings.client_secret_path),
        ) from None


def _again(message: str) -> InputError:
    return refuse(message, "重试，或用账号密码登录；仍不行请联系系统管理员 try again, or sign in with a password")
