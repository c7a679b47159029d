"""Secrets of Google's Secret Manager: sm://projects/P/secrets/S/versions/V."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.secrets import SecretError


def reader(endpoint: str | None = None) -> Callable[[str], str]:
    """Reads references; it raises SecretError for one that leads to nothing.

    Args:
      endpoint: host:port in place of Google's.
    """
    return lambda reference: _value(reference, endpoint)


def _value(reference: str, endpoint: str | None) -> str:
    # Imported when needed: it takes a second, and most runs have no such secret.
    import grpc
    from google.api_core import exceptions
    from google.auth import exceptions as auth_exceptions
    from google.cloud import secretmanager
    from google.cloud.secretmanager_v1.services.secret_manager_service import transports

    name = reference.removeprefix("sm://")
    try:
        if endpoint:
            channel = grpc.insecure_channel(endpoint)
            transport = transports.SecretManagerServiceGrpcTransport(channel=channel)
            client = secretmanager.SecretManagerServiceClient(transport=transport)
        else:
            client = secretmanager.SecretManagerServiceClient()
        answer = client.access_secret_version(name=name, timeout=10)
        return answer.payload.data.decode("utf-8")
    except exceptions.GoogleAPICallError as error:
        raise SecretError(f"{reference}: {error.code} {error.message}") from None
    except (exceptions.RetryError, auth_exceptions.GoogleAuthError) as error:
        raise SecretError(f"{reference}: {type(error).__name__}: {error}") from None
    except UnicodeDecodeError:
        raise SecretError(f"{reference}: it is not UTF-8") from None
