"""Revocation lists: signed by the CA, numbered, with reasons, a million entries as quick as one list can be."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
import x509_world as w
from cryptography import x509

from sotepki.errors import Refused
from sotepki.x509.crl import RevokedEntry, build_crl, crl_number
from sotepki.x509.issuing import Issuer


def test_a_list_carries_number_key_identifier_and_entries() -> None:
    persons = w.world().persons
    entries = [
        RevokedEntry(100_000_001, w.NOW, x509.ReasonFlags.key_compromise),
        RevokedEntry(100_000_002, w.NOW, x509.ReasonFlags.unspecified),
        RevokedEntry(100_000_003, w.NOW),
    ]
    crl = build_crl(persons, entries, number=7, this_update=w.LATER)
    assert crl.is_signature_valid(persons.key.public_key())
    assert crl_number(crl) == 7
    assert crl.next_update_utc == w.LATER + timedelta(hours=24)
    identifier = crl.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    assert (identifier.key_identifier, identifier.authority_cert_issuer) == (persons.key_identifier, None)
    first, second, third = crl
    assert first.extensions.get_extension_for_class(x509.CRLReason).value.reason is x509.ReasonFlags.key_compromise
    assert not len(second.extensions) and not len(third.extensions), "unspecified is left out (RFC 5280 5.3.1)"
    assert first.revocation_date_utc == w.NOW


def test_an_empty_list_is_a_list() -> None:
    assert len(build_crl(w.world().root, [], number=1, this_update=w.LATER)) == 0


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"number": 0}, "crl.number"),
        ({"next_update": w.LATER}, "crl.next-update"),
        ({"entries": [RevokedEntry(5, w.NOW, x509.ReasonFlags.remove_from_crl)]}, "crl.reason"),
        ({"entries": [RevokedEntry(0, w.NOW)]}, "cert.serial.positive"),
        ({"entries": [RevokedEntry(-5, w.NOW)]}, "cert.serial.positive"),
        ({"entries": [RevokedEntry(1 << 159, w.NOW)]}, "cert.serial.positive"),
        ({"issuer": Issuer(None, w.rsa_key(2048, "service"))}, "crl.issuer"),
        ({"issuer": Issuer(w.signature_certificate(), w.rsa_key(3072, "card"))}, "crl.issuer"),
        ({"issuer": Issuer(w.odd_certificate(), w.ec_key("odd"))}, "crl.issuer"),
    ],
)
def test_a_list_nobody_could_use_is_refused(changes: dict[str, object], rule: str) -> None:
    arguments: dict[str, object] = {"issuer": w.world().persons, "entries": [], "number": 1, "this_update": w.LATER}
    arguments |= changes
    issuer, entries = arguments.pop("issuer"), arguments.pop("entries")
    with pytest.raises(Refused) as refused:
        build_crl(issuer, entries, **arguments)  # type: ignore[arg-type]
    assert refused.value.rule == rule


def test_many_entries_cost_time_in_proportion() -> None:
    """Handed over one by one, pyca's builder takes quadratic time; a class's list would take minutes."""

    def seconds(count: int) -> float:
        entries = [RevokedEntry(100_000_000 + n, w.NOW, x509.ReasonFlags.superseded) for n in range(count)]
        begun = time.process_time()
        build_crl(w.world().persons, entries, number=1, this_update=w.LATER)
        return time.process_time() - begun

    assert seconds(20_000) < 40 * max(seconds(1_000), 0.01)
