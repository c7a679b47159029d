"""A REST service of Google's on loopback: JSON over HTTP, and the token for it."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from http import server as http
from typing import Any

from tests.fakes import server

TOKEN = "ya29.loopback"

Answer = tuple[int, Any, dict[str, str]]
"""Status, JSON (or bytes as they are), headers."""


def refused(status: int, words: str) -> Answer:
    """What Google answers in place of what was asked for."""
    return status, {"error": {"code": status, "message": words}}, {}


def credentials(address: str) -> dict[str, str]:
    """What a process needs to be let in, and to look for no other way."""
    file = server.service_account(f"http://{address}/token")
    return {"GOOGLE_APPLICATION_CREDENTIALS": str(file), "NO_GCE_CHECK": "true"}


@contextlib.contextmanager
def serving(
    answer: Callable[[str, str, bytes], Answer], seen: list[str] | None = None
) -> Iterator[str]:
    """Listens on a free port; gives host:port.

    Every request but the token's needs a bearer token.

    Args:
      answer: called with method, path with query, and body.
      seen: gets 'METHOD /path' of each request, the token's too.
    """

    class Handler(http.BaseHTTPRequestHandler):
        def log_message(self, *words: Any) -> None:
            pass

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if seen is not None:
                seen.append(f"{self.command} {self.path}")
            self._send(*self._answer(body))

        do_HEAD = do_POST = do_PUT = do_GET  # noqa: N815, the library's names

        def _answer(self, body: bytes) -> Answer:
            if self.path == "/token":
                token = {"access_token": TOKEN, "expires_in": 3600}
                return 200, {**token, "token_type": "Bearer"}, {}
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                return refused(401, "Request had invalid credentials")
            return answer(self.command, self.path, body)

        def _send(self, status: int, value: Any, headers: dict[str, str]) -> None:
            raw = value if isinstance(value, bytes) else json.dumps(value).encode()
            self.send_response(status)
            for name, text in headers.items():
                self.send_header(name, text)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            if self.command != "HEAD":
                with contextlib.suppress(ConnectionError):
                    self.wfile.write(raw)

    with http.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(
            target=listening.serve_forever, args=(0.02,), daemon=True
        )
        thread.start()
        try:
            yield f"127.0.0.1:{listening.server_address[1]}"
        finally:
            listening.shutdown()
            thread.join()
