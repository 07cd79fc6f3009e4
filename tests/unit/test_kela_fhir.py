"""The FHIR corner: known codes, pairs, tokens; any bytes; and nothing claimed of the signature."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sotepki.errors import Refused
from sotepki.kela.fhir import CODE_SYSTEM, ErrorCode, code_of, is_token, operation_outcome, read_bundle
from sotepki.kela.rules import rulebook


def _bundle(**changes: Any) -> dict[str, Any]:
    entry: list[dict[str, Any]] = [
        {"resource": {"resourceType": name}, "request": {"method": "POST", "url": name}}
        for name in ("AuditEvent", "Provenance")
    ]
    whole = {"resourceType": "Bundle", "type": "transaction", "entry": entry, "signature": {"data": "eA=="}}
    return whole | changes


def _rules(bundle: dict[str, Any]) -> list[str]:
    return [finding.rule for finding in read_bundle(json.dumps(bundle).encode()).findings]


def test_pairs_with_a_signature_break_no_known_rule() -> None:
    assert _rules(_bundle()) == []


def test_what_is_known_of_a_bundle_is_checked() -> None:
    bundle = _bundle()
    assert _rules(_bundle(entry=bundle["entry"][:1])) == ["fhir.bundle.pairs"]
    assert _rules(_bundle(entry=[])) == ["fhir.bundle.pairs"]
    put = [row | {"request": {"method": "PUT"}} for row in bundle["entry"]]
    assert _rules(_bundle(entry=put)) == ["fhir.bundle.pairs"]
    assert _rules(_bundle(signature=None)) == ["fhir.bundle.signature"]
    for value in ("010181-123A", "131052-308T", "x", ""):
        person = {"patient": {"identifier": {"system": "urn:oid:1.2.246.21", "value": value}}}
        assert _rules(_bundle(meta=person)) == ["fhir.bundle.hetu"], value
    persons = [{"system": "urn:oid:1.2.246.21", "value": code} for code in ("010181-900C", "010181-902E")]
    assert _rules(_bundle(meta=[persons[0], persons[0]])) == []
    assert _rules(_bundle(meta=persons)) == ["fhir.bundle.person"]


@given(
    st.one_of(
        st.binary(max_size=60), st.recursive(st.none() | st.text(), st.lists).map(lambda v: json.dumps(v).encode())
    )
)
def test_any_bytes_are_a_bundle_or_refused_by_rule(body: bytes) -> None:
    with pytest.raises(Refused) as refused:
        read_bundle(body)
    assert refused.value.rule == "fhir.message.form"


@given(st.text(max_size=80))
def test_any_header_is_a_token_or_not(header: str) -> None:
    assert is_token(header) in (True, False)


def test_a_token_is_known_by_its_form_only() -> None:
    part = base64.urlsafe_b64encode(b"{}").decode().rstrip("=")
    assert is_token(f"Bearer {part}.{part}.c2ln")
    assert not is_token(f"Bearer {part}.{part}")
    assert not is_token(f"Basic {part}.{part}.c2ln")
    assert not is_token("Bearer W10.W10.c2ln"), "arrays are no claims"


def test_rules_of_access_and_of_integrity_get_the_two_known_codes() -> None:
    assert code_of("kanta.client.revoked") is ErrorCode.ACCESS and ErrorCode.ACCESS.status == 401
    assert code_of("doc.digest.body") is ErrorCode.INTEGRITY and ErrorCode.INTEGRITY.status == 400
    finding = rulebook().finding("kanta.client.revoked", "The certificate is revoked.")
    (issue,) = operation_outcome([finding])["issue"]
    assert issue["details"]["coding"][0] == {
        "system": CODE_SYSTEM,
        "code": "5Y00009",
        "display": "Käyttöoikeusvirhe",
    }
    warning = rulebook().finding("fhir.bundle.signature", "The Bundle has no signature.")
    assert "details" not in operation_outcome([warning])["issue"][0], "what only warns bears no error code"
