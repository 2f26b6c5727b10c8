"""An OpenID Connect issuer on 127.0.0.1, and tokens as it would sign them, and as it would not."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
AUDIENCE = "tiro"


def jwk(kid: str, key: Any, **more: Any) -> dict[str, Any]:
    """Return the public half of a key as an issuer publishes it."""
    make = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
    return {**make.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig", **more}


@dataclass
class Issuer:
    """Open to be looked into: which paths were asked, and what it publishes next."""

    url: str = ""
    keys: list[dict[str, Any]] = field(default_factory=lambda: [jwk("rsa", RSA_KEY), jwk("ec", EC_KEY)])
    says: dict[str, Any] = field(default_factory=dict)  # instead, in its description
    down: bool = False
    asked: list[str] = field(default_factory=list)

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Return good ones, changed; one that is None is left out."""
        now = int(time.time())
        good = {"iss": self.url, "aud": AUDIENCE, "sub": "ada", "scope": "openid read", "iat": now, "exp": now + 300}
        return {name: value for name, value in {**good, **changes}.items() if value is not None}

    def token(self, *, key: Any = RSA_KEY, alg: str = "RS256", kid: str | None = "rsa", **changes: Any) -> str:
        return jwt.encode(self.claims(**changes), key, algorithm=alg, headers={"kid": kid} if kid else None)


@contextmanager
def serve_issuer() -> Iterator[Issuer]:
    issuer = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked.append(self.path)
            told = {
                "/.well-known/openid-configuration": {
                    "issuer": issuer.url,
                    "jwks_uri": f"{issuer.url}/keys",
                    **issuer.says,
                },
                "/keys": {"keys": issuer.keys},
            }.get(self.path)
            body = json.dumps(told).encode()
            self.send_response(503 if issuer.down else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    issuer.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
