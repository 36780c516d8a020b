"""A pool of credentials in a running stack, made and cleared away through its administrator's API."""

import json
import urllib.error
import urllib.request
from typing import Any, Self

_ROOT = "/api/scraper-credentials"
_ADMIN = f"{_ROOT}/admin"
_PLATFORM = "bench"


class CredentialPool:
    """Credentials of a platform of their own, and a scraper's key; once it is left, the credentials are gone and the key works no more."""

    next_path = f"{_ROOT}/queue/{_PLATFORM}/next"

    def __init__(self, url: str, admin_key: str, size: int) -> None:
        self._url = url
        self._admin_key = admin_key
        self._admin("PUT", f"/platforms/{_PLATFORM}", {"secret": "email_password"})
        # Those of a run that was killed.
        self._delete_credentials()
        self.secrets = {f"Account {n}": {"email": f"{n}@example.com", "password": f"pässword-{n}"} for n in range(size)}
        credentials = [{"name": name, **secret} for name, secret in self.secrets.items()]
        self._admin("POST", f"/credentials/import?platform={_PLATFORM}", *credentials)
        key = self._admin("POST", "/keys", {"name": "tests/bench"})
        self._key_id: str = key["id"]
        self.key: str = key["api_key"]

    def give_back(self, claimed: dict[str, Any]) -> None:
        """Reports success with a credential."""
        token = str(claimed["lease_token"])
        self._call("POST", f"{_ROOT}/queue/{claimed['id']}/success", b"{}", {"X-Scraper-API-Key": self.key, "X-Lease-Token": token})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # A platform cannot be deleted: it stays, empty.
        self._delete_credentials()
        self._admin("DELETE", f"/keys/{self._key_id}")

    def _delete_credentials(self) -> None:
        while found := self._admin("GET", f"/credentials?platform={_PLATFORM}&limit=100")["credentials"]:
            for credential in found:
                self._admin("DELETE", f"/credentials/{credential['id']}")

    def _admin(self, method: str, path: str, *bodies: dict[str, Any]) -> dict[str, Any]:
        """Sends JSON, an object a line."""
        content = "\n".join(json.dumps(body) for body in bodies).encode()
        headers = {"X-Scraper-API-Key": self._admin_key, "Content-Type": "application/x-ndjson" if len(bodies) > 1 else "application/json"}
        return self._call(method, f"{_ADMIN}{path}", content, headers)

    def _call(self, method: str, path: str, content: bytes, headers: dict[str, str]) -> dict[str, Any]:
        request = urllib.request.Request(self._url + path, content or None, headers, method=method)
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
                return dict(json.loads(answer.read() or b"{}"))
        except urllib.error.HTTPError as error:
            raise SystemExit(f"{method} {path} answered {error.code}: {error.read().decode(errors='replace')}") from None
