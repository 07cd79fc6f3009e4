"""Refusals of Kanta and of the validation service that no other test provokes, each by what a client would do."""

from __future__ import annotations

import base64
import dataclasses
import json
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kela_world import Client, KelaWorld, new_world

from sotepki.errors import Refused
from sotepki.evidence import Verdict
from sotepki.kela import AckCode, SharkQuirk, ValidationService, load_settings
from sotepki.kela.joint_testing import JointTests
from sotepki.kela.validation import ValidationRequest
from sotepki.x509.status import CertificateState, CertificateStatus


@pytest.fixture
def world(tmp_path: Path) -> Iterator[KelaWorld]:
    world = new_world(tmp_path)
    yield world
    world.records.database.close()


def _answered(world: KelaWorld, client: Client, document: bytes | None = None, **changes: Any) -> tuple[str, ...]:
    kanta = dataclasses.replace(world.kanta(), **changes)
    return kanta.archive(world.frame(document or world.system_signed()), client.certificate).rules


def test_a_certificate_that_the_responder_does_not_know_is_refused(world: KelaWorld) -> None:
    unknown = CertificateStatus(CertificateState.UNKNOWN)
    rules = _answered(world, world.client(), status=lambda _certificate, _issuer: unknown)
    assert rules == ("kanta.client.status-unknown",)


def test_a_chain_that_ends_at_no_trusted_root_is_refused(world: KelaWorld) -> None:
    trust = dataclasses.replace(world.trust(), roots=(world.authorities.certificate("root-ec"),))
    assert "kanta.client.chain" in _answered(world, world.client(), trust=trust)


def test_a_certificate_of_another_policy_is_warned_of_and_accepted(world: KelaWorld) -> None:
    other = dataclasses.replace(load_settings(), server_policies=frozenset({"1.2.3"}))
    kanta = dataclasses.replace(world.kanta(), settings=other)
    answer = kanta.archive(world.frame(world.system_signed()), world.client().certificate)
    assert answer.code is AckCode.ACCEPTED and answer.rules == ("kanta.client.policy",)


def test_a_document_without_custodian_is_refused(world: KelaWorld) -> None:
    document = re.sub(rb"<custodian>.*?</custodian>", b"", world.document(), flags=re.DOTALL)
    assert b"custodian" not in document.partition(b"localSocialHeader")[0]
    frame = world.frame(world.system_signed())
    answer = world.kanta().archive(frame.replace(_carried(frame), _base64(document)), world.client().certificate)
    assert answer.code is AckCode.ERROR and "kanta.document.custodian-missing" in answer.rules


def test_what_could_not_be_examined_is_not_archived(world: KelaWorld) -> None:
    signed = world.system_signed()
    begin, end = signed.index(b"<hl7fi:signature "), signed.index(b"</hl7fi:signatureCollection>")
    copies = [re.sub(rb' ID="', b' ID="copy%d.' % number, signed[begin:end]) for number in range(25)]
    frame = world.frame(signed)
    many = _base64(signed[:end] + b"".join(copies) + signed[end:])
    answer = world.kanta().archive(frame.replace(_carried(frame), many), world.client().certificate)
    assert answer.code is AckCode.ERROR
    assert {"kanta.document.not-verified", "doc.signature.too-many"} <= set(answer.rules)


def test_a_validation_request_of_another_shape_is_described_with_its_rule(world: KelaWorld) -> None:
    service, document = ValidationService(world.kanta()), world.system_signed()
    row = {
        "messageId": str(uuid.uuid4()),
        "palveluPyynto": "SP17",
        "level": "1",
        "siirtokehysXml": world.frame(document).decode(),
        "asiakirjaXml": document.decode(),
    }
    cases = {
        "shark.request.json": b"[]",
        "shark.request.message-id": json.dumps(row | {"messageId": "1"}).encode(),
        "shark.request.document": json.dumps(row | {"asiakirjaXml": ""}).encode(),
    }
    for rule, body in cases.items():
        answer = service.shark(body)
        assert answer.status == 400 and f"[{rule}]" in answer.body.decode()
    assert service.shark(json.dumps(row).encode()).body == b""


def test_refusals_of_the_public_form_are_in_the_request_log(world: KelaWorld) -> None:
    """A vendor who looks there why the service refuses found no line of it."""
    kanta = world.kanta()
    quirky = dataclasses.replace(
        kanta, settings=dataclasses.replace(kanta.settings, shark_quirks=frozenset(SharkQuirk))
    )
    row = {"messageId": str(uuid.uuid4()), "siirtokehysXml": "<a/>"}
    ValidationService(kanta).shark(b"[]")
    assert ValidationService(quirky).shark(json.dumps(row | {"asiakirjaXml": "<a/>"}).encode()).status == 200
    windows = json.dumps(row | {"asiakirjaXml": "<?xml version='1.0'?>\r\n<a/>"}).encode()
    assert ValidationService(quirky).shark(windows).status == 400
    assert [
        (line.kind, line.outcome, line.rules, line.reason) for line in reversed(kanta.requests(refused=True))
    ] == [
        ("validate", "indeterminate", ("shark.request.json",), ""),
        ("validate", "indeterminate", (), "quirk missing-declaration"),
        ("validate", "indeterminate", (), "quirk crlf"),
    ]


def test_a_frame_that_is_not_the_documents_is_told(world: KelaWorld) -> None:
    service, document = ValidationService(world.kanta()), world.system_signed()
    frame = world.frame(world.system_signed())
    report = service.validate(ValidationRequest(document, frame, service_request="SP1"))
    rules = {finding.rule for finding in report.findings}
    assert {"shark.frame.other-document", "shark.frame.service-request"} <= rules
    assert report.verdict is Verdict.INVALID


def test_a_joint_test_that_nobody_registered_is_not_known(world: KelaWorld) -> None:
    with pytest.raises(Refused) as refused:
        JointTests(world.records).state(999)
    assert refused.value.rule == "joint.unknown"


def _carried(frame: bytes) -> bytes:
    found = re.search(rb'representation="B64">([^<]*)<', frame)
    assert found is not None
    return found[1]


def _base64(document: bytes) -> bytes:
    return base64.b64encode(document)
