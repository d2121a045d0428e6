"""Bearer tokens: short-lived, signed, and refused once revoked."""

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from typing import Any

API_KEY = "qhu-emulator-key-not-a-secret"
"""What stands in for the user's API token; public on purpose."""


@dataclass
class Tokens:
    """Issues and checks tokens.

    Attributes:
        life: seconds that a token is valid.
        revoked: tokens issued up to this time are refused, seconds since the epoch.
    """

    life: float
    revoked: float = 0

    def issue(self) -> dict[str, Any]:
        """A token, as IAM answers."""
        now = time.time()
        claims = {"iam_id": "emulated", "iat": now, "exp": now + self.life}
        text = ".".join(_encode(part) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
        return {
            "access_token": f"{text}.{_sign(text)}",
            "refresh_token": "not_supported",
            "token_type": "Bearer",
            "expires_in": int(self.life),
            "expiration": int(now + self.life),
            "scope": "ibm openid",
        }

    def accepts(self, authorization: str) -> bool:
        """Whether an ``Authorization`` header carries a valid token."""
        scheme, _, token = authorization.partition(" ")
        text, _, signature = token.rpartition(".")
        genuine = hmac.compare_digest(signature.encode(), _sign(text).encode())
        if scheme != "Bearer" or not genuine:
            return False
        claims = json.loads(base64.urlsafe_b64decode(text.split(".")[1] + "=="))
        return bool(claims["iat"] > self.revoked and time.time() < claims["exp"])


def _encode(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def _sign(text: str) -> str:
    digest = hmac.new(API_KEY.encode(), text.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
