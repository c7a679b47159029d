"""A statement in a DSSE envelope, signed with an ed25519 key that is never shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from securesystemslib import dsse
from securesystemslib.signer import CryptoSigner, SSlibKey

from pipeline import secrets
from pipeline.errors import UsageError
from pipeline.exports import statement
from pipeline.exports.subject import Subject
from pipeline.gcp import secret_manager

_REFERENCES = ("env:", "file:", "sm://")


def signed(subject: Subject, key: str) -> str:
    """The envelope, as JSON; the same for the same model and key.

    Args:
      subject: the pushed model.
      key: reference to the private key, PEM (PKCS #8), not encrypted.

    Raises:
      UsageError: the model was not pushed, or the reference leads to no such key.
    """
    envelope = dsse.Envelope(
        statement.text(statement.statement(subject)), statement.PAYLOAD, {}
    )
    envelope.sign(CryptoSigner(_private(key)))
    return json.dumps(envelope.to_dict(), indent=2, sort_keys=True) + "\n"


def public(reference: str) -> SSlibKey:
    """The public key.

    Args:
      reference: to a PEM file, or the file itself.

    Raises:
      UsageError: there is no ed25519 public key.
    """
    if reference.startswith(_REFERENCES):
        content = _secret("--public-key", reference)
    else:
        content = _read(reference)
    try:
        found = serialization.load_pem_public_key(content)
    except ValueError:
        found = None
    if not isinstance(found, ed25519.Ed25519PublicKey):
        raise UsageError(
            "--public-key: this is not an ed25519 public key in PEM. From a private "
            "one: openssl pkey -in PRIVATE.pem -pubout"
        )
    return SSlibKey.from_crypto(found)


def _private(reference: str) -> ed25519.Ed25519PrivateKey:
    if not reference.startswith(_REFERENCES):
        # Not repeated: it may be the key itself.
        raise UsageError(
            "--key: expected a reference to the key, never the key: env:NAME, "
            "file:PATH or sm://projects/P/secrets/S/versions/V"
        )
    content = _secret("--key", reference)
    found: Any = None
    try:
        found = serialization.load_pem_private_key(content, password=None)
    except (ValueError, TypeError):
        found = None  # the library's words may quote what it read
    if not isinstance(found, ed25519.Ed25519PrivateKey):
        raise UsageError(
            f"--key {reference}: this is not an ed25519 private key in PEM without a "
            "password. openssl genpkey -algorithm ed25519 -out PRIVATE.pem makes one"
        )
    return found


def _secret(option: str, reference: str) -> bytes:
    try:
        return secrets.resolve(reference, secret_manager.reader()).reveal().encode()
    except secrets.SecretError as error:
        raise UsageError(f"{option} {reference}: {error}") from None


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UsageError(
            f"--public-key {path} cannot be read: {error.strerror}"
        ) from None
