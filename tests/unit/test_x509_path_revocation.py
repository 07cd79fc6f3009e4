"""What revocation data counts for a path: answers made later, strangers' lists, lists that are not understood."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import x509_world as w
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID
from test_x509_path import CA, PathReport, authority, check, crl, leaf, rules

from sotepki.clock import SetClock
from sotepki.evidence import Verdict
from sotepki.x509 import revocation_data
from sotepki.x509.extensions import key_usage_of
from sotepki.x509.issuing import Issuer
from sotepki.x509.keys import PrivateKey
from sotepki.x509.list_memory import MOST_ANSWERS, ListMemory
from sotepki.x509.ocsp import Responder
from sotepki.x509.path import Purpose
from sotepki.x509.path_tree import Outcome, explain
from sotepki.x509.status import CertificateState, CertificateStatus

DAY = timedelta(days=1)
GOOD = CertificateStatus(CertificateState.GOOD)


def revoked(days: int) -> CertificateStatus:
    return CertificateStatus(CertificateState.REVOKED, w.NOW + days * DAY, x509.ReasonFlags.key_compromise)


def answer(
    status: CertificateStatus,
    made: int,
    *,
    about: x509.Certificate | None = None,
    issuer: x509.Certificate | None = None,
    key: PrivateKey | None = None,
) -> ocsp.OCSPResponse:
    """What the CA's responder says of the server's certificate so many days after its issue."""
    about, issuer = about or w.server_certificate(), issuer or w.world().services_certificate
    by = Responder(
        issuer,
        issuer if about.issuer == w.world().root_certificate.subject else w.responder_certificate(),
        key or w.rsa_key(2048, "responder"),
        w.Records({about.serial_number: status}),
        SetClock(w.NOW + made * DAY),
    )
    request = ocsp.OCSPRequestBuilder().add_certificate(about, issuer, hashes.SHA256()).build()
    return ocsp.load_der_ocsp_response(by.respond(request.public_bytes(Encoding.DER)))


def server(at: int, *answers: ocsp.OCSPResponse, **changes: Any) -> PathReport:
    arguments = {"at": w.NOW + at * DAY, "purpose": Purpose.TLS_SERVER, "crls": [crl(w.world().root)]}
    return check(w.server_certificate(), ocsp_responses=answers, **(arguments | changes))


def test_what_was_good_before_its_revocation_is_good_by_an_answer_as_by_a_list() -> None:
    """A document of yesterday would be refused today, because its signer's certificate was revoked this morning."""
    answers = [answer(revoked(10), made=30)]
    report = server(9, *answers)
    assert (report.verdict, rules(report)) == (Verdict.VALID, [])
    nodes = explain(report, trust=[w.world().root_certificate], ocsp_responses=answers)
    assert [one.outcome for one in nodes[-1].checks if one.name == "ocsp"] == [Outcome.PASSED]
    assert rules(server(10, *answers)) == rules(server(11, *answers)) == ["path.revoked"]


@pytest.mark.parametrize(
    ("answers", "rule"),
    [
        (lambda: [answer(revoked(10), made=30, key=w.rsa_key(2048, "thief"))], "path.revocation.missing"),
        (lambda: [answer(revoked(10), made=30, key=w.ec_key("thief"))], "path.revocation.missing"),
        (lambda: [answer(revoked(10), made=30, about=w.system_certificate())], "path.revocation.missing"),
        (lambda: [answer(revoked(10), made=30), answer(revoked(5), made=9)], "path.revoked"),
        (lambda: [answer(revoked(5), made=9), answer(revoked(10), made=30)], "path.revoked"),
        (lambda: [answer(revoked(10), made=5)], "path.revocation.stale"),
    ],
    ids=["forged", "forged with ec", "of another", "earlier too", "earlier first", "ended before"],
)
def test_only_a_genuine_answer_says_that_it_was_revoked_later(answers: Any, rule: str) -> None:
    """Whoever stole the key would clear its certificate with an answer of his own."""
    assert rules(server(9, *answers())) == [rule]


def test_a_list_that_says_it_was_revoked_earlier_is_believed_more() -> None:
    """Of two accounts of the CA the one that refuses counts, as with an answer that says good."""
    lists = [crl(w.world().root), crl(w.world().services, w.server_certificate(), since=w.NOW + 5 * DAY)]
    assert rules(server(9, answer(revoked(10), made=30), crls=lists)) == ["path.revoked"]
    assert rules(server(4, answer(revoked(10), made=30), crls=lists)) == []


RESPONDER = (
    x509.AuthorityInformationAccess(
        [
            x509.AccessDescription(
                AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier("http://127.0.0.1/ocsp")
            )
        ]
    ),
    False,
)


def test_what_strangers_say_in_the_roots_name_is_no_reason_to_ask_for_more() -> None:
    """Anybody's list or answer in the name of the root would turn good certificates bad."""
    root, thief = w.world().root, w.rsa_key(2048, "thief")
    forged = crl(Issuer(w.world().root_certificate, thief))
    mine = crl(w.world().persons)
    for lists in ([mine, forged], [forged, mine]):
        report = check(crls=lists)
        assert (report.verdict, rules(report)) == (Verdict.VALID, ["path.revocation.ca"])
    assert rules(check(crls=[forged, mine, crl(root)])) == []
    by = authority("answered", CA, RESPONDER)
    certificate = leaf(by, extensions=[(key_usage_of(["nonRepudiation"]), True)])
    issuing, own = w.certificate_of(by), crl_of_any(by)

    def judged(*answers: ocsp.OCSPResponse, at: datetime = w.LATER) -> list[str]:
        return rules(check(certificate, intermediates=[issuing], crls=[own], ocsp_responses=answers, at=at))

    def said(status: CertificateStatus, key: PrivateKey) -> ocsp.OCSPResponse:
        return answer(status, 30, about=issuing, issuer=w.world().root_certificate, key=key)

    assert judged(said(GOOD, root.key)) == []
    assert judged(said(GOOD, thief)) == judged(said(revoked(1), thief)) == ["path.revocation.ca"]
    assert judged(said(revoked(1), root.key)) == ["path.revoked"]
    assert judged(said(revoked(29), root.key), at=w.NOW + 28 * DAY) == [], "the CA was revoked only later"
    another = answer(GOOD, 30, about=w.world().persons_certificate, issuer=w.world().root_certificate, key=root.key)
    assert judged(another) == ["path.revocation.ca"]


def crl_of_any(
    issuer: Issuer, *entries: tuple[int, x509.Extension[Any] | None], own: x509.Extension[Any] | None = None
) -> x509.CertificateRevocationList:
    """A list by pyca alone: entries with an extension each, and one of the list itself."""
    builder = x509.CertificateRevocationListBuilder().issuer_name(w.certificate_of(issuer).subject)
    builder = builder.last_update(w.LATER).next_update(w.LATER + DAY)
    if own is not None:
        builder = builder.add_extension(own.value, own.critical)
    for serial, extension in entries:
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(w.NOW)
        if extension is not None:
            entry = entry.add_extension(extension.value, extension.critical)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(issuer.key, hashes.SHA256())  # type: ignore[arg-type]


def extension(value: x509.ExtensionType, *, critical: bool = True) -> x509.Extension[Any]:
    return x509.Extension(value.oid, critical, value)


UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
LOOKS_CRITICAL = int.from_bytes(b"\x21\x06\x03\x2a\x03\x04\x01\x01\xff\x04\x02", "big")
OF_USERS = extension(x509.IssuingDistributionPoint(None, None, True, False, None, False, False))


@pytest.mark.parametrize(
    ("entries", "own", "good"),
    [
        ([(77, extension(UNKNOWN))], None, False),
        ([(77, None), (78, extension(UNKNOWN))], OF_USERS, False),
        ([(0, extension(UNKNOWN))], None, False),
        ([], extension(UNKNOWN), False),
        ([(77, extension(x509.IssuingDistributionPoint(None, None, True, False, None, False, False)))], None, False),
        ([(77, extension(UNKNOWN, critical=False))], None, True),
        ([(77, extension(x509.InvalidityDate(w.NOW)))], None, True),
        ([(77, extension(x509.CRLReason(x509.ReasonFlags.superseded)))], OF_USERS, True),
        ([(LOOKS_CRITICAL, None)], None, True),
    ],
)
def test_a_list_with_a_critical_extension_that_is_not_known_says_nothing(
    entries: list[tuple[int, x509.Extension[Any] | None]], own: x509.Extension[Any] | None, good: bool
) -> None:
    """Such an entry may change what the list says of others (RFC 5280 5.3): openssl refuses the list, we took it."""
    serial = w.signature_certificate().serial_number
    odd = crl_of_any(w.world().persons, *((number or serial, one) for number, one in entries), own=own)
    for _ in range(2):
        report = check(crls=[crl(w.world().root), odd])
        assert rules(report) == ([] if good else ["path.revocation.missing"])
    alone = check(crls=[odd])
    assert good or "critical extension that is not known" in alone.findings[0].message
    nodes = explain(report, trust=[w.world().root_certificate], crls=[odd])
    (told,) = (one for one in nodes[-1].checks if one.name == "crl")
    assert told.outcome is (Outcome.PASSED if good else Outcome.FAILED)
    assert check(crls=[crl(w.world().root), odd, crl(w.world().persons)]).valid, "another list still counts"


def test_a_list_is_looked_through_once_while_it_is_in_use() -> None:
    """A batch of documents with a list of a million entries would read it through for each document."""
    memory: ListMemory[int] = ListMemory()
    one_list = crl_of_any(w.world().persons).public_bytes(Encoding.DER)
    lists = [x509.load_der_x509_crl(one_list) for _ in range(MOST_ANSWERS + 2)]
    asked = []

    def ask() -> int:
        asked.append(1)
        return len(asked)

    assert [memory.of(lists[0], None, ask), memory.of(lists[0], None, ask), memory.of(lists[0], "x", ask)] == [
        1,
        1,
        2,
    ]
    assert [memory.of(one, None, ask) for one in lists[1:]] == list(range(3, MOST_ANSWERS + 4))
    assert memory.of(lists[0], None, ask) == MOST_ANSWERS + 4, "what was not asked for long is forgotten"


def test_lists_that_nobody_needs_any_more_are_let_go() -> None:
    """A service that gets a new list of some megabytes every hour would keep two hundred of them."""
    one_list = crl_of_any(w.world().persons).public_bytes(Encoding.DER)
    lists = [x509.load_der_x509_crl(one_list) for _ in range(4)]
    memory: ListMemory[int] = ListMemory(most_octets=2 * len(lists[0].tbs_certlist_bytes))
    for number, one in enumerate(lists):
        assert memory.of(one, None, lambda number=number: number) == number
    assert [memory.of(one, None, lambda: 9) for one in reversed(lists)] == [3, 2, 9, 9]


def test_a_list_more_does_not_make_every_path_read_all_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one list more than were remembered, each document of a batch took a hundred times as long."""
    read, look = [], revocation_data._has_unknown_extension
    monkeypatch.setattr(revocation_data, "_has_unknown_extension", lambda crl: read.append(crl) or look(crl))
    one_list = crl_of_any(w.world().persons).public_bytes(Encoding.DER)
    others = [x509.load_der_x509_crl(one_list) for _ in range(40)]
    for _ in range(2):
        assert check(crls=[crl(w.world().root), crl(w.world().persons), *others]).valid
        assert len([one for one in read if any(one is other for other in others)]) == len(others)


def test_each_list_is_asked_about_once_for_a_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """With more lists than are remembered, each would be read through twice for each document."""
    asked: list[int] = []
    monkeypatch.setattr(revocation_data, "is_understood", lambda crl: asked.append(id(crl)) or len(asked) > 1)
    lists = [crl_of_any(w.world().persons) for _ in range(3)]
    data = revocation_data.revocation_data(lists, ())
    assert asked == [id(one) for one in lists]
    assert (data.set_aside, data.crls) == ((lists[0],), tuple(lists[1:]))
