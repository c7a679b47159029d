"""The metadata server: who a machine of Google's is, and its token.

Source: cloud.google.com/compute/docs/metadata/predefined-metadata-keys.
"""

from __future__ import annotations

import secrets

from tests.fakes import server
from tests.fakes.gcs.request import Answer, Request, of_json

EMAIL = f"pipeline@{server.PROJECT}.iam.gserviceaccount.com"
_ACCOUNT = "/computeMetadata/v1/instance/service-accounts/"
_SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]


class MetadataServer:
    """Gives tokens, which it remembers."""

    def __init__(self) -> None:
        self.tokens: set[str] = set()

    def answer(self, request: Request) -> Answer:
        """One request; without the header it is refused, as it might be forged."""
        flavour = {"Metadata-Flavor": "Google"}
        if request.path == "/":
            return Answer(200, b"computeMetadata/\n", flavour)
        if request.headers.get("metadata-flavor") != "Google":
            return Answer(403, b"Missing Metadata-Flavor:Google header.", {})
        found = self._known(request.path)
        return Answer(found.status, found.body, {**flavour, **found.headers})

    def _known(self, path: str) -> Answer:
        if path == "/computeMetadata/v1/project/project-id":
            return _text(server.PROJECT)
        account, _, what = path.removeprefix(_ACCOUNT).partition("/")
        if not path.startswith(_ACCOUNT) or account not in ("default", EMAIL):
            return _text("Not Found", 404)
        if what == "token":
            token = f"ya29.{secrets.token_urlsafe(24)}"
            self.tokens.add(token)
            kind = {"expires_in": 3599, "token_type": "Bearer"}
            return of_json({"access_token": token, **kind})
        if what == "email":
            return _text(EMAIL)
        if what == "":
            about = {"aliases": ["default"], "email": EMAIL, "scopes": _SCOPES}
            return of_json(about)
        return _text("Not Found", 404)


def _text(words: str, status: int = 200) -> Answer:
    return Answer(status, words.encode(), {"Content-Type": "application/text"})
