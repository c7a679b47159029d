"""The real run's model in every standard, and under a signature."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from prov.model import ProvDocument

from tests.e2e.conftest import ROOT


def lineage(output: Path, *words: str, **environment: str):
    """As a user asks."""
    return subprocess.run(
        [
            *(sys.executable, "-m", "pipeline.lineage", *words),
            *("--set", f"output_root={output}"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **environment},
    )


@pytest.fixture
def export(taxi):
    """A format of the pushed model; the same twice."""

    def of(form: str) -> str:
        done = lineage(taxi.output, "export", taxi.summary["pushed"], "--format", form)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return of


def test_the_bill_of_materials_is_valid_and_has_every_locked_library(export):
    text = export("bom")

    problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    assert problem is None, problem
    found = json.loads(text)
    purls = {c.get("purl") for c in found["components"]}
    card = found["metadata"]["component"]["modelCard"]
    assert "pkg:pypi/tfx@1.21.0" in purls
    assert len(purls) > 150
    metrics = card["quantitativeAnalysis"]["performanceMetrics"]
    assert any("confidenceInterval" in metric for metric in metrics)
    assert text == export("bom")


def test_events_and_provenance_tell_of_the_raw_file(export, taxi):
    events = [json.loads(line) for line in export("openlineage").splitlines()]
    document = ProvDocument.deserialize(content=export("prov"))

    read = {i["name"] for e in events for i in e["inputs"]}
    written = {o["name"] for e in events for o in e["outputs"]}
    assert any(name.endswith("/simple/data.csv") for name in read)
    assert taxi.summary["pushed"] in written
    assert {e["eventType"] for e in events} == {"START", "COMPLETE"}
    labels = {str(record.label) for record in document.get_records()}
    assert {"ExampleGen", "Trainer", "Pusher"} <= labels


def test_the_card_has_intended_use_intervals_and_slices(export):
    card = json.loads(export("card-json"))
    page = export("card")

    metrics = {(m["slice"], m["metric"]): m for m in card["evaluation"]["metrics"]}
    auc = metrics["overall", "auc"]
    assert auc["interval"][0] < auc["value"] < auc["interval"][1]
    assert ("payment_type=Cash", "accuracy") in metrics
    assert card["use"]["licence"] == "Apache-2.0"
    assert card["use"]["limitations"][0] in card["limits"]
    assert "Chicago" in page
    assert card["model"]["manifest_sha256"] in page


def test_a_signed_statement_holds_until_a_byte_changes(taxi, tmp_path):
    key = ed25519.Ed25519PrivateKey.generate()
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    public = tmp_path / "public.pem"
    public.write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM,
            serialization.PublicFormat.SubjectPublicKeyInfo,
        )
    )
    model, file = Path(taxi.summary["pushed"]), tmp_path / "statement.json"
    signing = ("sign", str(model), "--key", "env:SIGNING_KEY", "--output", str(file))
    signed = lineage(taxi.output, *signing, SIGNING_KEY=pem)
    verify = ("verify", str(model), "--signature", str(file))
    verify = (*verify, "--public-key", str(public), "--output", "json")

    good = lineage(taxi.output, *verify)
    weights = model / "variables" / "variables.index"
    kept = weights.read_bytes()
    try:
        weights.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
        bad = lineage(taxi.output, *verify)
    finally:
        weights.write_bytes(kept)

    assert signed.returncode == 0, signed.stderr
    assert pem.splitlines()[1] not in signed.stdout + signed.stderr + file.read_text()
    assert good.returncode == 0, good.stdout + good.stderr
    assert bad.returncode == 1
    changed = [r for r in json.loads(bad.stdout)["answer"]["rows"] if r["detail"]]
    assert {"stated file", "pushed model"} <= {
        row["what"] for row in changed if row["state"] == "changed"
    }
