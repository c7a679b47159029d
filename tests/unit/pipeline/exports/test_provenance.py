"""PROV-JSON that the prov library reads back as the same graph."""

from __future__ import annotations

import io

from prov import model as prov

from pipeline.exports import provenance


def triples(document: prov.ProvDocument, kind: type) -> set[tuple[str, ...]]:
    return {
        tuple(str(value) for _, value in record.formal_attributes[:2])
        for record in document.get_records(kind)
    }


def test_it_comes_back_as_the_document_that_was_written(exported):
    subject = exported("/serving/trips/2")

    read = prov.ProvDocument.deserialize(io.StringIO(provenance.text(subject)))

    assert read == provenance.document(subject)


def test_the_model_is_derived_from_the_raw_files_step_by_step(exported):
    subject = exported("/serving/trips/2")
    document = provenance.document(subject)

    derived = triples(document, prov.ProvDerivation)
    reached = {f"millrace:artifact-{subject.artifact.id}"}
    while new := {a for d, a in derived if d in reached} - reached:
        reached |= new
    files = {name for name in reached if name.startswith("millrace:file-")}
    assert {name.rpartition("_")[2] for name in files} == {"file-0.csv", "file-1.csv"}


def test_a_baseline_is_used_and_nothing_is_derived_from_it(exported):
    subject = exported("/serving/trips/2")
    document = provenance.document(subject)

    [baseline] = {f"millrace:artifact-{i}" for i in subject.above.compared}
    assert baseline in {used for _, used in triples(document, prov.ProvUsage)}
    assert baseline not in {a for _, a in triples(document, prov.ProvDerivation)}


def test_the_person_and_the_pipeline_are_its_agents(exported):
    document = provenance.document(exported("/serving/trips/1"))

    acting = triples(document, prov.ProvDelegation)
    associated = {agent for _, agent in triples(document, prov.ProvAssociation)}
    assert acting == {("millrace:pipeline", "millrace:user-ada")}
    assert associated == {"millrace:pipeline", "millrace:user-ada"}


def test_artifacts_have_their_digests(exported):
    subject = exported("/serving/trips/1")
    document = provenance.document(subject)

    [entity] = document.get_record(f"millrace:artifact-{subject.artifact.id}")
    digests = entity.get_attribute("millrace:sha256")
    assert digests == {subject.artifact.text("content_sha256")}
