"""Clients of Google's services; the one place that knows where a service is.

gcloud's own variables move a service elsewhere, for a private endpoint or a test:
CLOUDSDK_API_ENDPOINT_OVERRIDES_AIPLATFORM=https://HOST:PORT/, and so on.
With http:// the connection is not encrypted and carries no credentials, which only a
rehearsal's answer on loopback needs.
"""

from __future__ import annotations

import contextlib
import os
import urllib.parse
from collections.abc import Iterator
from typing import Any

from pipeline.errors import CloudError, CloudUnavailable

# google.cloud is imported when a client is made: it takes two seconds.

_LATER = "Nothing is lost; try again in some minutes"
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"


def address(service: str, usual: str) -> str:
    """The URL of a service, without a slash at the end.

    Args:
      service: its first name, such as aiplatform in aiplatform.googleapis.com.
      usual: its URL when no variable says otherwise.
    """
    variable = f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{service.upper()}"
    return (os.environ.get(variable) or usual).rstrip("/")


def location(project: str, region: str) -> str:
    """The resource name of a project's region: the parent of all that is there."""
    return f"projects/{project}/locations/{region}"


def account() -> str:
    """The service account's e-mail; '' for a person's own credentials, and for none."""
    import google.auth
    import google.auth.exceptions

    try:
        credentials, _ = google.auth.default()
    except google.auth.exceptions.GoogleAuthError:
        return ""
    return getattr(credentials, "service_account_email", "")


def vertex(kind: type[Any], region: str) -> Any:
    """A client of Vertex AI in a region.

    Args:
      kind: of google.cloud.aiplatform_v1, such as PipelineServiceClient.
      region: such as europe-west4.
    """
    return client(
        kind, address("aiplatform", f"https://{region}-aiplatform.googleapis.com")
    )


def client(kind: type[Any], url: str) -> Any:
    """A client of the service at that address, over gRPC.

    Raises:
      CloudError: this machine has no credentials.
    """
    import google.auth.exceptions

    where = urllib.parse.urlsplit(url)
    if where.scheme == "http":
        import grpc

        channel = grpc.insecure_channel(where.netloc)
        return kind(transport=kind.get_transport_class("grpc")(channel=channel))
    try:
        return kind(client_options={"api_endpoint": where.netloc})
    except google.auth.exceptions.GoogleAuthError as error:
        raise CloudError(_no_credentials(error)) from None


def token() -> str:
    """An access token, for a service that speaks HTTP alone.

    Raises:
      google.auth.exceptions.GoogleAuthError: there are no credentials; ask in `asking`.
    """
    import google.auth
    import google.auth.transport.requests

    credentials, _ = google.auth.default(scopes=[_SCOPE])
    credentials.refresh(google.auth.transport.requests.Request())
    return str(credentials.token)


@contextlib.contextmanager
def asking(what: str) -> Iterator[None]:
    """Turns what Google's libraries raise into one line that says what to do.

    Args:
      what: was asked for, such as 'submit the job'; the line begins with it.

    Raises:
      CloudUnavailable: the service is busy or away; the same may succeed later.
      CloudError: the service said no.
    """
    import google.auth.exceptions
    from google.api_core import exceptions

    try:
        yield
    except google.auth.exceptions.GoogleAuthError as error:
        if _is_away(error):
            raise CloudUnavailable(f"{what}: {_words(error)}. {_LATER}") from None
        raise CloudError(f"{what}: {_no_credentials(error)}") from None
    except TimeoutError:  # of a long-running operation
        raise CloudUnavailable(
            f"{what}: has not ended in the time that is waited for, and goes on there. "
            "Look in some minutes what became of it; it can be asked for again"
        ) from None
    except _busy() as error:
        raise CloudUnavailable(f"{what}: {_words(error)}. {_LATER}") from None
    except exceptions.Forbidden as error:
        raise CloudError(
            f"{what}: permission denied: {_words(error)}. "
            "`python vertex_runner.py check` says which role is missing"
        ) from None
    except exceptions.GoogleAPICallError as error:
        raise CloudError(f"{what}: {_words(error)}") from None


def ended(operation: Any, what: str, limit_s: float) -> Any:
    """The response of a long-running operation; used in `asking`.

    Args:
      operation: of a client.
      what: was asked for.
      limit_s: how long it is waited for.

    Raises:
      TimeoutError: it goes on there; `asking` says so.
      CloudUnavailable: the service has forgotten it.
    """
    from google.api_core import exceptions

    try:
        return operation.result(timeout=limit_s)
    except exceptions.NotFound:
        if operation.operation.done:  # it ended, with that error
            raise
        raise CloudUnavailable(
            f"{what}: the service knows nothing of it any more. Look what became of "
            "it; it can be asked for again"
        ) from None


def _is_away(error: Any) -> bool:
    """Whether it was the way to the credentials, and not they."""
    import google.auth.exceptions

    lost = isinstance(error, google.auth.exceptions.TransportError)
    return lost or bool(error.retryable)


def _busy() -> tuple[type[Exception], ...]:
    from google.api_core import exceptions

    return (
        exceptions.Aborted,
        exceptions.BadGateway,
        exceptions.InternalServerError,
        exceptions.ServiceUnavailable,
        exceptions.TooManyRequests,
        exceptions.DeadlineExceeded,
        exceptions.GatewayTimeout,
        exceptions.RetryError,
    )


def _words(error: Exception) -> str:
    """The service's message without gRPC's decoration."""
    return str(getattr(error, "message", None) or error).strip().rstrip(".")


def _no_credentials(error: Exception) -> str:
    return (
        f"no usable Google credentials: {_words(error).partition('. To set up')[0]}. "
        "On a laptop: gcloud auth application-default login; elsewhere set "
        "GOOGLE_APPLICATION_CREDENTIALS to a service account's key file"
    )
