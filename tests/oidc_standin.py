"""A stand-in identity provider over real HTTP, with the faults that real ones have."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

if TYPE_CHECKING:
    from collections.abc import Iterator

CLIENT_ID = "minuterisk"
CLIENT_SECRET = "not a secret"
KEYS = {
    name: RSAKey.generate_key(2048, {"kid": name, "use": "sig"}) for name in ("first", "second", "strange")
}


class Provider:
    """Its state: who is in front of the browser, what it says of them, and what it does wrong."""

    def __init__(self, address: str) -> None:
        self.issuer = address
        self.claims: dict[str, Any] = {
            "sub": "u-1",
            "preferred_username": "Kim.Min",
            "email": "kim@example.com",
            "email_verified": True,
            "groups": ["risk-team"],
        }
        self.fault = ""
        self.skew_s = 0
        self.key = "first"
        self.codes: dict[str, dict[str, str]] = {}

    def description(self) -> dict[str, Any]:
        """What it says of itself."""
        ends = {
            "authorization_endpoint": "/authorize",
            "token_endpoint": "/token",
            "jwks_uri": "/keys",
        }
        named = "https://other.example" if self.fault == "calls itself otherwise" else self.issuer
        return {"issuer": named, **{end: self.issuer + path for end, path in ends.items()}}

    def keys(self) -> dict[str, Any]:
        """The keys that its tokens may be signed with."""
        return {"keys": [KEYS[self.key].as_dict(private=False)]}

    def authorize(self, asked: dict[str, str]) -> str:
        """Everybody is let in: the address to go back to."""
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        state = "of somebody else" if self.fault == "state" else asked["state"]
        answer = {"state": state, "code": code}
        if self.fault == "refuses":
            answer = {"state": state, "error": "access_denied", "error_description": "not <b>you</b>"}
        if self.fault == "mixed up":
            answer["iss"] = "https://other.example"
        return f"{asked['redirect_uri']}?{urlencode(answer)}"

    def token(self, given: dict[str, str], credentials: str) -> tuple[int, dict[str, Any]]:
        """Redeem a code, once, by the client that asked, with the verifier of its challenge."""
        asked = self.codes.pop(given.get("code", ""), None)
        client = base64.b64decode(credentials.partition(" ")[2]).decode() if credentials else ""
        if client != f"{CLIENT_ID}:{CLIENT_SECRET}":
            return 401, {"error": "invalid_client"}
        if asked is None or not proves(given.get("code_verifier", ""), asked["code_challenge"]):
            return 400, {"error": "invalid_grant"}
        if self.fault == "down":
            return 503, {"error": "temporarily_unavailable"}
        access = secrets.token_urlsafe(16)
        answer = {"access_token": access, "token_type": "Bearer", "expires_in": 300}
        return 200, {**answer, "id_token": self.id_token(asked["nonce"])}

    def id_token(self, nonce: str) -> str:
        """The signed token, right or wrong."""
        now = int(time.time()) + self.skew_s
        claims = {
            "iss": "https://other.example" if self.fault == "issuer" else self.issuer,
            "aud": "another" if self.fault == "audience" else CLIENT_ID,
            "iat": now,
            "exp": now - 3600 if self.fault == "expired" else now + 300,
            "nonce": "another" if self.fault == "nonce" else nonce,
            **self.claims,
        }
        if self.fault == "alg none":
            return ".".join(part(content) for content in ({"alg": "none"}, claims)) + "."
        if self.fault == "shared secret":
            return signed_with_secret(claims)
        key = KEYS["strange" if self.fault == "unknown kid" else self.key]
        header = {"alg": "RS256", "kid": "first" if self.fault == "another's signature" else key.kid}
        if self.fault == "another's signature":
            key = KEYS["strange"]
        return jwt.encode(header, claims, key)


def proves(verifier: str, challenge: str) -> bool:
    return (
        base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=") == challenge
    )


def part(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def signed_with_secret(claims: dict[str, Any]) -> str:
    """HS256 over something that everybody knows: the public key."""
    import hmac  # noqa: PLC0415 - for this fault alone

    body = ".".join((part({"alg": "HS256", "kid": "first"}), part(claims)))
    secret = KEYS["first"].as_pem(private=False)
    made = base64.urlsafe_b64encode(hmac.new(secret, body.encode(), "sha256").digest()).decode().rstrip("=")
    return f"{body}.{made}"


@contextmanager
def identity_provider() -> Iterator[Provider]:
    """One that answers on this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, asked = urlsplit(self.path).path, dict(parse_qsl(urlsplit(self.path).query))
            if path == "/authorize":
                self.send_response(302)
                self.send_header("location", provider.authorize(asked))
                self.send_header("content-length", "0")
                self.end_headers()
                return
            found = {"/.well-known/openid-configuration": provider.description, "/keys": provider.keys}
            self.say(200, found[path]())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            self.say(*provider.token(dict(parse_qsl(body)), self.headers.get("authorization", "")))

        def say(self, status: int, content: dict[str, Any]) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider = Provider(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
