"""A small OpenID Connect provider: discovery, keys, tokens for codes, with PKCE and client secret checked as the standard says."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiohttp import web
from aiohttp.test_utils import TestServer
from joserfc import jwt
from joserfc.jwk import ECKey


@dataclass
class Issuer:
    """What the provider says; tests change it to lie."""

    client_id: str = "camsla"
    secret: str = "s3cret/+"
    claims: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "k1"}))
    published: ECKey | None = None
    address: str = ""
    now: int = 0
    asked: dict[str, dict[str, str]] = field(default_factory=dict)

    def consent(self, address: str) -> str:
        """Do what the provider's own page would: remember what was asked for, return the code."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert query["response_type"] == "code" and query["client_id"] == self.client_id
        assert query["code_challenge_method"] == "S256"
        code = f"code{len(self.asked)}"
        self.asked[code] = query
        return code


@asynccontextmanager
async def running(issuer: Issuer) -> AsyncIterator[None]:
    """Serve on loopback until the end; sets the issuer's address."""

    async def discovery(_request: web.Request) -> web.Response:
        base = issuer.address
        return web.json_response(
            {
                "issuer": base,
                "authorization_endpoint": f"{base}/authorize",
                "token_endpoint": f"{base}/token",
                "jwks_uri": f"{base}/keys",
                "userinfo_endpoint": f"{base}/userinfo",
            }
        )

    async def keys(_request: web.Request) -> web.Response:
        key = issuer.published or issuer.key
        return web.json_response({"keys": [key.as_dict(private=False)]})

    async def token(request: web.Request) -> web.Response:
        form = await request.post()
        given = base64.b64decode(request.headers["Authorization"].partition(" ")[2]).decode()
        asked = issuer.asked.pop(str(form["code"]), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(str(form["code_verifier"]).encode()).digest())
        if (
            asked is None
            or given != f"{issuer.client_id}:s3cret%2F%2B"
            or challenge.rstrip(b"=").decode() != asked["code_challenge"]
            or form["redirect_uri"] != asked["redirect_uri"]
        ):
            return web.json_response({"error": "invalid_grant"}, status=400)
        claims = {
            "iss": issuer.address,
            "aud": issuer.client_id,
            "sub": "subject-1",
            "nonce": asked["nonce"],
            "iat": issuer.now,
            "exp": issuer.now + 300,
            **issuer.claims,
        }
        signed = jwt.encode({"alg": "ES256", "kid": issuer.key.kid}, claims, issuer.key)
        return web.json_response({"id_token": signed, "access_token": "access", "token_type": "Bearer"})

    async def userinfo(_request: web.Request) -> web.Response:
        return web.json_response(issuer.userinfo)

    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", discovery)
    app.router.add_get("/keys", keys)
    app.router.add_post("/token", token)
    app.router.add_get("/userinfo", userinfo)
    server = TestServer(app)
    await server.start_server()
    issuer.address = f"http://127.0.0.1:{server.port}"
    try:
        yield
    finally:
        await server.close()
