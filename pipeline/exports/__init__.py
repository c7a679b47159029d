"""One model's record in the standards that others read.

subject      a model and all that is on record of it
openlineage  events of its runs
provenance   W3C PROV-JSON
card         the model card: values, and a page
bom          CycloneDX, with the locked libraries
lock         which libraries a lock holds
statement    in-toto, SLSA provenance
signing      a statement in a signed envelope
checking     an envelope against key, record and bytes
"""

from __future__ import annotations

from collections.abc import Callable

from pipeline.errors import UsageError
from pipeline.exports.subject import Subject


def _openlineage(subject: Subject) -> str:
    from pipeline.exports import openlineage

    return openlineage.text(subject)


def _prov(subject: Subject) -> str:
    from pipeline.exports import provenance

    return provenance.text(subject)


def _card(subject: Subject) -> str:
    from pipeline.exports import card

    return card.page(subject)


def _card_json(subject: Subject) -> str:
    from pipeline.exports import card

    return card.text(subject)


def _bom(subject: Subject) -> str:
    from pipeline.exports import bom

    return bom.text(subject)


# Each imports its library when it is asked for: together they take two seconds.
FORMATS: dict[str, Callable[[Subject], str]] = {
    "openlineage": _openlineage,
    "prov": _prov,
    "card": _card,
    "card-json": _card_json,
    "bom": _bom,
}


def text(subject: Subject, form: str) -> str:
    """The model's record in that format, ending with a line break.

    Raises:
      UsageError: there is no such format, or the model does not have what it needs.
    """
    require(form)
    return FORMATS[form](subject).rstrip("\n") + "\n"


def require(form: str) -> None:
    """Raises before a store is opened.

    Raises:
      UsageError: there is no such format.
    """
    if form not in FORMATS:
        raise UsageError(f"--format {form}: expected one of {', '.join(FORMATS)}")
