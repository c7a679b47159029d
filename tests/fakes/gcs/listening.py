"""HTTP and HTTPS for a function that answers: keep-alive, chunks, many at once."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Callable, Iterator
from http import server as http
from typing import Any

from tests.fakes.gcs.request import Answer, Request


@contextlib.contextmanager
def listening(
    answer: Callable[[Request], Answer],
    address: tuple[str, int],
    tls: ssl.SSLContext | None = None,
) -> Iterator[int]:
    """Listens; gives the port.

    Args:
      answer: called in a thread of the connection.
      address: host and port; 0 is a free one.
      tls: with the certificate; None is plain HTTP.
    """

    class Handler(_Handler):
        scheme = "https" if tls else "http"

        def answered(self, request: Request) -> Answer:
            return answer(request)

    with _Server(address, Handler) as server:
        if tls:
            # Shaking hands is a connection's own work, in its own thread.
            server.socket = tls.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


class _Server(http.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is none of ours; anything else is shown."""
        import sys

        if not isinstance(sys.exc_info()[1], (ConnectionError, ssl.SSLError)):
            super().handle_error(request, client_address)


class _Handler(http.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    scheme: str
    wbufsize = -1  # an answer in one piece

    def log_message(self, *words: Any) -> None:
        pass

    def handle_expect_100(self) -> bool:
        """Says 100 at once: curl waits a second for it before each upload."""
        go_on = super().handle_expect_100()
        self.wfile.flush()
        return go_on

    def answered(self, request: Request) -> Answer:
        raise NotImplementedError

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self._body(headers)
        request = Request(self.command, self.path, headers, body, self.scheme)
        answer = self.answered(request)
        status = answer.status
        self.send_response(status, "X" if status in (308, 499) else None)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)
        self.wfile.flush()

    do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_GET  # noqa: N815

    def _body(self, headers: dict[str, str]) -> bytes:
        # RFC 9112: chunks come before a length.
        if headers.get("transfer-encoding", "").lower() != "chunked":
            return self.rfile.read(int(headers.get("content-length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # trailers
        return b"".join(parts)
