"""The Signature Creation Service as a page meets it: signatures verify, and nothing is signed that should not be."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
from typing import Any

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from hypothesis import given
from hypothesis import strategies as st
from scs_world import ORIGIN, PIN1, PIN2, START, MemoryCard

from sotepki.errors import Fault, Misuse, Refused, SotepkiError
from sotepki.scs import EcdsaForm, PinKind, PinRequest, SignatureService, load_settings, rulebook
from sotepki.scs.answers import read_version
from sotepki.scs.request import Selector
from sotepki.scs.selecting import selects
from sotepki.tokens import Pin

CHALLENGE = f"{ORIGIN}\n{'k' * 64}".encode()


@dataclasses.dataclass
class User:
    """Types the right PIN, unless told otherwise; remembers what was asked."""

    answers: dict[PinKind, Pin | None] = dataclasses.field(
        default_factory=lambda: {PinKind.PIN1: PIN1, PinKind.PIN2: PIN2}
    )
    asked: list[PinRequest] = dataclasses.field(default_factory=list)

    def __call__(self, request: PinRequest) -> Pin | None:
        self.asked.append(request)
        return self.answers[request.kind]


def service(card: MemoryCard | None, user: User | None = None, **switches: Any) -> SignatureService:
    settings = dataclasses.replace(load_settings(), **switches)
    return SignatureService(lambda: card, user or User(), (), settings)


def request(octets: bytes, **fields: Any) -> bytes:
    row: dict[str, Any] = {
        "version": "1.1",
        "content": base64.b64encode(octets).decode(),
        "contentType": "data",
        "hashAlgorithm": "SHA256",
        "signatureType": "signature",
        "selector": {"keyusages": ["nonrepudiation"]},
    }
    return json.dumps({**row, **fields}).encode()


def leaf(answer: dict[str, Any]) -> x509.Certificate:
    return x509.load_der_x509_certificate(base64.b64decode(answer["chain"][0]))


@pytest.mark.parametrize("hash_name", ["SHA1", "SHA224", "SHA256", "SHA384", "SHA512"])
def test_a_document_signature_verifies_with_the_chosen_hash_and_names_it(hash_name: str) -> None:
    answer = service(MemoryCard()).sign(request(b"asiakirja", hashAlgorithm=hash_name), ORIGIN)
    assert (answer["status"], answer["reasonCode"]) == ("ok", 200)
    assert answer["signatureAlgorithm"] == f"{hash_name}withRSA"
    key = leaf(answer).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    algorithm = getattr(hashes, hash_name)()
    key.verify(base64.b64decode(answer["signature"]), b"asiakirja", padding.PKCS1v15(), algorithm)


def test_a_digest_is_signed_as_it_is_and_not_hashed_again() -> None:
    digest = hashlib.sha256(b"asiakirja").digest()
    answer = service(MemoryCard()).sign(request(digest, contentType="digest"), ORIGIN)
    key = leaf(answer).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    key.verify(base64.b64decode(answer["signature"]), b"asiakirja", padding.PKCS1v15(), hashes.SHA256())


def test_the_key_usage_in_the_selector_chooses_key_certificate_and_pin() -> None:
    card, user = MemoryCard(), User()
    scs = service(card, user)
    signed = scs.sign(request(b"asiakirja"), ORIGIN)
    login = scs.sign(request(CHALLENGE, selector={"keyusages": ["digitalSignature"]}), ORIGIN)
    assert leaf(signed) == card.certificates["signature"]
    assert leaf(login) == card.certificates["authentication"]
    assert [asked.kind for asked in user.asked] == [PinKind.PIN2, PinKind.PIN1]
    assert user.asked[0].origin == ORIGIN


def test_pin2_is_asked_for_every_single_signature() -> None:
    user = User()
    scs = service(MemoryCard(), user)
    for _ in range(3):
        assert scs.sign(request(b"asiakirja"), ORIGIN)["status"] == "ok"
    assert len(user.asked) == 3


def test_the_chain_is_leaf_intermediate_root_and_leaf_only_by_switch() -> None:
    card = MemoryCard()
    chain = service(card).sign(request(b"x"), ORIGIN)["chain"]
    names = [x509.load_der_x509_certificate(base64.b64decode(link)).subject for link in chain]
    assert names == [card.certificates["signature"].subject, card.issuer.subject, card.root.subject]
    assert len(service(card, leaf_only=True).sign(request(b"x"), ORIGIN)["chain"]) == 1


@pytest.mark.parametrize(
    ("content", "origin", "rule"),
    [
        (b"plain text without origin", ORIGIN, "scs.origin.challenge"),
        (f"{ORIGIN}\n{'k' * 63}".encode(), ORIGIN, "scs.origin.challenge"),
        (f"http://potilastieto.example\n{'k' * 64}".encode(), ORIGIN, "scs.origin.challenge"),
        (CHALLENGE, "https://attacker.example", "scs.origin.mismatch"),
        (CHALLENGE, ORIGIN + ".attacker.example", "scs.origin.mismatch"),
        (b"\xff\xfe" * 80, ORIGIN, "scs.origin.challenge"),
    ],
)
def test_one_site_cannot_have_another_sites_login_signed(content: bytes, origin: str, rule: str) -> None:
    user = User()
    answer = service(MemoryCard(), user).sign(request(content, selector={}), origin)
    assert (answer["status"], answer["reasonCode"]) == ("failed", 403)
    assert rule in answer["reasonText"]
    assert "signature" not in answer and "chain" not in answer
    assert user.asked == [], "the user must not be asked for a PIN in vain"


def test_a_login_by_digest_is_refused_because_its_origin_cannot_be_seen() -> None:
    answer = service(MemoryCard()).sign(request(b"d" * 32, contentType="digest", selector={}), ORIGIN)
    assert answer["reasonCode"] == 403 and "signs no digest" in answer["reasonText"]


@pytest.mark.parametrize(
    "content",
    [
        f"{ORIGIN} {'k' * 64}",
        f"{ORIGIN} {'k' * 64}\n",
        f"{ORIGIN} {base64.encodebytes(bytes(96)).decode()}",
        f"{ORIGIN}\n{'k' * 40} {'k' * 40}",
        f"{ORIGIN}\r\n{'k' * 64}",
    ],
)
def test_the_origin_ends_at_the_first_line_end_or_space(content: str) -> None:
    """Older pages separate by a space; with a line end in their challenge (base64 in lines) nobody could log in."""
    answer = service(MemoryCard()).sign(request(content.encode(), selector={}), ORIGIN)
    assert answer["status"] == "ok", answer["reasonText"]


def test_a_program_without_origin_may_log_in_unless_the_switch_forbids_it() -> None:
    assert service(MemoryCard()).sign(request(CHALLENGE, selector={}))["status"] == "ok"
    strict = service(MemoryCard(), origin_required=True).sign(request(CHALLENGE, selector={}))
    assert strict["reasonCode"] == 403


def test_without_a_card_version_11_keeps_its_lists_and_sign_fails() -> None:
    scs = service(None)
    assert scs.version()["hashAlgorithms"] == "SHA1, SHA224, SHA256, SHA384, SHA512"
    answer = scs.sign(request(b"x"), ORIGIN)
    assert (answer["status"], answer["reasonCode"]) == ("failed", 500)
    assert "scs.card.missing" in answer["reasonText"]


def test_without_a_card_version_12_empties_its_lists_and_fills_them_when_one_comes() -> None:
    card: list[MemoryCard] = []
    scs = SignatureService(lambda: card[0] if card else None, User(), (), load_settings("1.2"))
    assert scs.version()["hashAlgorithms"] == "" == scs.version()["signatureAlgorithms"]
    assert read_version(json.dumps(scs.version()).encode()).card_present is False
    card.append(MemoryCard())
    assert "SHA256" in scs.version()["hashAlgorithms"]
    assert read_version(json.dumps(scs.version()).encode()).card_present is True


@pytest.mark.parametrize("trouble", [Fault, Refused, Misuse])
def test_a_reader_that_fails_is_an_empty_one_for_version(trouble: type[SotepkiError]) -> None:
    """A page that asks for the card got a failed answer without lists while the reader was unplugged."""

    def unplugged() -> MemoryCard:
        raise trouble("There is no reader.")

    for version in ("1.2", "1.3"):
        scs = SignatureService(unplugged, User(), (), load_settings(version))
        assert read_version(json.dumps(scs.version()).encode()).card_present is False
        assert "There is no reader." in scs.sign(request(b"x"), ORIGIN)["reasonText"]


def test_an_unknown_version_is_named() -> None:
    with pytest.raises(Misuse, match=r"9\.9"):
        load_settings("9.9")


def test_cancelled_and_wrong_pins_are_401_without_a_signature() -> None:
    for pin in (None, Pin("999999")):
        answer = service(MemoryCard(), User({PinKind.PIN2: pin})).sign(request(b"x"), ORIGIN)
        assert (answer["status"], answer["reasonCode"]) == ("failed", 401)
        assert "signature" not in answer


def test_ecdsa_signatures_are_r_and_s_side_by_side_or_der_by_switch() -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    card = MemoryCard(signature=key)
    raw = service(card).sign(request(b"x", hashAlgorithm="SHA384"), ORIGIN)
    assert raw["signatureAlgorithm"] == "SHA384withECDSA"
    octets = base64.b64decode(raw["signature"])
    assert len(octets) == 96
    r, s = (int.from_bytes(octets[i : i + 48], "big") for i in (0, 48))
    key.public_key().verify(utils.encode_dss_signature(r, s), b"x", ec.ECDSA(hashes.SHA384()))
    with pytest.raises(InvalidSignature):
        key.public_key().verify(utils.encode_dss_signature(r, s), b"y", ec.ECDSA(hashes.SHA384()))
    der = service(card, ecdsa=EcdsaForm.DER).sign(request(b"x", hashAlgorithm="SHA384"), ORIGIN)
    key.public_key().verify(base64.b64decode(der["signature"]), b"x", ec.ECDSA(hashes.SHA384()))


@pytest.mark.parametrize(
    ("selector", "chosen"),
    [
        ({"keyusages": ["NonRepudiation"], "keyalgorithms": ["RSA"]}, True),
        ({"keyusages": ["nonrepudiation"], "keyalgorithms": ["ec"]}, False),
        ({"keyusages": ["nonrepudiation"], "issuers": ["CN=TEST ammattivarmenteet, C=FI"]}, True),
        ({"keyusages": ["nonrepudiation"], "issuers": ["C=FI,CN=TEST juuri"]}, True),
        ({"keyusages": ["nonrepudiation"], "issuers": ["CN=Toinen CA,C=FI"]}, False),
        ({"keyusages": ["nonrepudiation", "digitalsignature"]}, False),
        ({"keyusages": ["nonrepudiation"], "akis": ["00" * 20]}, False),
        # Of a third-party server, in a form that is not public (docs/field/scs.md 5): read past.
        ({"keyusages": ["nonrepudiation"], "thumbprint": "00", "validate": True}, True),
    ],
)
def test_the_selector_selects_what_fits_and_nothing_else(selector: dict[str, Any], chosen: bool) -> None:
    answer = service(MemoryCard()).sign(request(b"x", selector=selector), ORIGIN)
    assert (answer["status"] == "ok") is chosen
    assert chosen or "scs.selector.no-match" in answer["reasonText"]


def test_the_authority_key_is_named_in_hexadecimal_or_base64() -> None:
    """Pages of different vendors write it in one or the other."""
    card = MemoryCard()
    key = x509.SubjectKeyIdentifier.from_public_key(card.ca.public_key()).digest
    for named in (key.hex().upper(), base64.b64encode(key).decode()):
        selector = {"keyusages": ["nonrepudiation"], "akis": ["00" * 20, named]}
        assert service(card).sign(request(b"x", selector=selector), ORIGIN)["status"] == "ok"


def test_an_ec_key_is_found_by_both_of_its_names() -> None:
    card = MemoryCard(signature=ec.generate_private_key(ec.SECP256R1()))
    found = [
        service(card).sign(request(b"x", selector={"keyusages": ["nonrepudiation"], "keyalgorithms": [name]}))[
            "status"
        ]
        for name in ("EC", "ECDSA", "RSA")
    ]
    assert found == ["ok", "ok", "failed"]


def test_a_certificate_without_key_usage_fits_every_usage() -> None:
    """It restricts nothing (RFC 5280 4.2.1.3)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "TEST")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 7, START, START.replace(year=2027))
    assert selects(Selector(key_usages=("nonrepudiation",)), [builder.sign(key, hashes.SHA256())])


def test_the_workstation_adds_the_certificates_that_the_card_lacks() -> None:
    """Without the root in the answer, a page that pins it cannot build the path."""

    class Bare(MemoryCard):
        @property
        def issuers(self) -> tuple[x509.Certificate, ...]:
            return ()

    card = Bare()
    answer = SignatureService(lambda: card, User(), (card.root, card.issuer)).sign(request(b"x"), ORIGIN)
    assert len(answer["chain"]) == 3


@pytest.mark.parametrize(("tries", "rule"), [({}, ""), ({"pin2": 0}, ""), ({"pin2": 2}, "scs.pin.low-tries")])
def test_the_last_tries_are_kept_only_where_they_are_known(tries: dict[str, int], rule: str) -> None:
    """A reader that cannot count must not end every signature; a locked PIN is for the card to tell."""

    class Counting(MemoryCard):
        def tries(self) -> dict[str, int]:
            return tries

    answer = service(Counting(), keeps_tries=2).sign(request(b"x"), ORIGIN)
    assert (answer["status"] == "ok") is (not rule) and rule in answer["reasonText"]


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("card.removed", "scs.card.removed"),
        ("card.chip.silent", "scs.card.removed"),
        ("card.pcsc.no-card", "scs.card.removed"),
        ("card.key.use", "scs.card.failed"),
        ("scs.busy", "scs.busy"),
    ],
)
def test_what_the_card_says_is_told_under_a_rule_of_the_service(rule: str, told: str) -> None:
    """A page asks to insert the card again when it was removed, and to call support when it failed."""
    assert service(None).refusal(Refused("So it is.", rule=rule))["reasonText"] == f"So it is. [{told}]"


def test_every_end_is_told_to_the_users_page() -> None:
    ends: list[tuple[str, str]] = []
    card = MemoryCard()
    scs = SignatureService(lambda: card, User(), outcome=lambda origin, text: ends.append((origin, text)))
    scs.sign(request(b"x"), ORIGIN)
    scs.sign(b"{}", ORIGIN)
    assert [origin for origin, _ in ends] == [ORIGIN, ORIGIN]
    assert ends[0][1] == "Signature generated" and "[scs.content.base64]" in ends[1][1]


@pytest.mark.parametrize(
    ("fields", "code", "rule"),
    [
        ({"content": "%%%"}, 400, "scs.content.base64"),
        ({"content": ""}, 400, "scs.content.base64"),
        ({"content": "eA%=="}, 400, "scs.content.base64"),
        ({"content": 7}, 400, "scs.request.json"),
        ({"contentType": "hash"}, 400, "scs.content.type"),
        ({"contentType": "digest"}, 400, "scs.content.digest-length"),
        ({"hashAlgorithm": "MD5"}, 501, "scs.hash.unknown"),
        ({"signatureType": "xades"}, 501, "scs.signature-type.unknown"),
        ({"signatureAlgorithm": "ecdsa"}, 501, "scs.signature-algorithm.mismatch"),
        ({"selector": ["nonrepudiation"]}, 400, "scs.request.json"),
        ({"selector": {"keyusages": [1]}}, 400, "scs.request.json"),
    ],
)
def test_a_faulty_request_gets_its_reason_code(fields: dict[str, Any], code: int, rule: str) -> None:
    answer = service(MemoryCard()).sign(request(b"x", **fields), ORIGIN)
    assert (answer["status"], answer["reasonCode"]) == ("failed", code)
    assert rule in answer["reasonText"]


@given(st.binary(max_size=400) | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(json.dumps))
def test_any_bytes_get_an_answer_and_never_an_exception(body: bytes | str) -> None:
    answer = service(None).sign(body.encode() if isinstance(body, str) else body)
    assert answer["status"] == "failed"


def test_every_reason_code_belongs_to_a_rule_and_every_failing_rule_has_a_code() -> None:
    codes = set(load_settings().reason_codes)
    assert codes == {rule.id for rule in rulebook()} - {"scs.path"}
