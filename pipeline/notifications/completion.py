"""The machine-readable event beside the human message.

A CloudEvent of the type that kfp-operator's consumers read; fields of `data` that they
know have their names and forms, and what is ours stands under `millrace`. The schema is
docs/run-completion.schema.json.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import hashlib
import hmac
import json
import math
from collections.abc import Mapping

from pipeline.errors import NotDelivered
from pipeline.notifications.message import Message
from pipeline.runs.facts import RunFacts

COMPLETION = "org.kubeflow.pipelines.run-completion"
# No completion: a consumer of those must not take it for one.
_TYPES = {
    "STARTED": "millrace.run-started",
    "OVERDUE": "millrace.run-overdue",
    "OVERRIDDEN": "millrace.run-overridden",
    "TEST": "millrace.test",
}
_STATUS = {
    "SUCCEEDED": "succeeded",
    "STARTED": "started",
    "TEST": "succeeded",
    "OVERRIDDEN": "succeeded",
}
# Far below the megabytes that brokers refuse.
_MAX_ITEMS, _MAX_TEXT = 100, 2000
CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"


def event(
    facts: RunFacts, events: tuple[str, ...], message: Message
) -> Mapping[str, object]:
    """The event of a run: the same id for the same run and outcome."""
    return {
        "specversion": "1.0",
        "id": f"{facts.run_id}:{facts.outcome}",
        "type": _TYPES.get(facts.outcome, COMPLETION),
        "source": f"/millrace/{facts.provider}/{facts.pipeline}",
        "subject": facts.run_id,
        "time": _rfc3339(facts.ended),
        "datacontenttype": "application/json",
        "data": _data(facts, events, message),
    }


def serialized(event: Mapping[str, object]) -> bytes:
    """The bytes that are sent and signed."""
    # A file's name may hold what is no character; UTF-8 has no bytes for it.
    text = json.dumps(event, ensure_ascii=False, sort_keys=True)
    return text.encode("utf-8", "replace")


def signature(key: str, delivery_id: str, timestamp: int, body: bytes) -> str:
    """`webhook-signature` of the Standard Webhooks specification, version 1.

    Args:
      key: `whsec_` and base64, as the specification has it, or any text.
      delivery_id: `webhook-id`, the same for each attempt.
      timestamp: `webhook-timestamp`, seconds since 1970.
      body: the bytes that are posted.

    Raises:
      NotDelivered: the key is not what it says it is.
    """
    prefix = "whsec_"
    encoded = key.removeprefix(prefix)
    try:
        secret = base64.b64decode(encoded) if key.startswith(prefix) else key.encode()
    except binascii.Error:
        why = "the channel's key is not base64 after whsec_"
        raise NotDelivered(why, transient=False) from None
    signed = b".".join([delivery_id.encode(), str(timestamp).encode(), body])
    digest = hmac.new(secret, signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def _data(facts: RunFacts, events: tuple[str, ...], message: Message) -> object:
    models = []
    if facts.pushed and facts.succeeded:
        name = f"{facts.pipeline}:{facts.run_id}:Pusher:pushed_model:0"
        models.append({"name": name, "location": facts.pushed})
    return {
        "status": _STATUS.get(facts.outcome, "failed"),
        "pipelineName": f"millrace/{facts.pipeline}",
        "runName": f"millrace/{facts.run_id}",
        "runId": facts.run_id,
        "runStartTime": _rfc3339(facts.started),
        "runEndTime": _rfc3339(facts.ended),
        "provider": f"millrace/{facts.provider}",
        "servingModelArtifacts": models,
        "artifacts": models,
        "millrace": {
            "outcome": facts.outcome,
            "events": list(events),
            "node": facts.node,
            "reasons": [reason[:_MAX_TEXT] for reason in facts.reasons[:_MAX_ITEMS]],
            "checks": [check.to_dict() for check in facts.checks[:_MAX_ITEMS]],
            "not_judged": [line[:_MAX_TEXT] for line in facts.not_judged[:_MAX_ITEMS]],
            "metrics": {k: v for k, v in facts.metrics.items() if math.isfinite(v)},
            "drifted": [line[:_MAX_TEXT] for line in facts.drifted[:_MAX_ITEMS]],
            "data": facts.data,
            "code": facts.code,
            "message": {"subject": message.subject, "text": message.text},
        },
    }


def _rfc3339(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    time = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return time.isoformat(timespec="seconds").replace("+00:00", "Z")
