"""Small questions to Google's REST services, with this machine's credentials."""

from __future__ import annotations

import json
import urllib.parse
from typing import Any

from pipeline.errors import CloudError, CloudUnavailable
from pipeline.gcp import clients

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_TIMEOUT_S = 8
FINDING = "find credentials"
"""What an error about them begins with."""


class Rest:
    """Asks; made once, used by several threads.

    Raises:
      CloudError: this machine has no usable credentials.
    """

    def __init__(self) -> None:
        import google.auth
        from google.auth.transport import requests

        with clients.asking(FINDING):
            self._credentials, _ = google.auth.default(scopes=[_SCOPE])
            self._credentials.refresh(requests.Request())

    @property
    def who(self) -> str:
        """The account's e-mail, as far as the credentials tell."""
        account = getattr(self._credentials, "service_account_email", None)
        return account or getattr(self._credentials, "account", "") or "this user"

    def ask(self, service: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and JSON of https://SERVICE.googleapis.com/PATH.

        Args:
          service: such as storage.
          path: with the query.
          body: makes it a POST.

        Raises:
          CloudUnavailable: no answer at all.
        """
        url = clients.address(service, f"https://{service}.googleapis.com")
        method = "GET" if body is None else "POST"
        answer = self.send(method, f"{url}/{path}", json=body)
        return answer.status_code, _json_of(answer)

    def get(self, service: str, path: str) -> Any:
        """The whole response of the same, for bytes.

        Raises:
          CloudUnavailable: no answer at all.
        """
        url = clients.address(service, f"https://{service}.googleapis.com")
        return self.send("GET", f"{url}/{path}")

    def send(self, method: str, url: str, **more: Any) -> Any:
        """The response to any request.

        Raises:
          CloudUnavailable: no answer at all.
        """
        import requests
        from google.auth.transport import requests as google_requests

        session = google_requests.AuthorizedSession(self._credentials)
        try:
            with clients.asking(f"ask {urllib.parse.urlsplit(url).netloc}"):
                return session.request(method, url, timeout=_TIMEOUT_S, **more)
        except requests.RequestException as error:
            host = urllib.parse.urlsplit(url).netloc
            raise CloudUnavailable(f"{host} does not answer: {error}") from None

    def read_json(self, uri: str) -> Any:
        """The JSON of gs://BUCKET/NAME; None when it cannot be read."""
        bucket, _, name = uri.removeprefix("gs://").partition("/")
        name = urllib.parse.quote(name, safe="")
        try:
            status, value = self.ask(
                "storage", f"storage/v1/b/{bucket}/o/{name}?alt=media"
            )
        except CloudError:
            return None
        return value if status == 200 else None


def words_of(value: Any) -> str:
    """The service's own words in the JSON of an error."""
    error = value.get("error", {}) if isinstance(value, dict) else {}
    return str(error.get("message", "")) if isinstance(error, dict) else ""


def _json_of(answer: Any) -> Any:
    try:
        return answer.json()
    except json.JSONDecodeError:
        return None
