"""Every kind of card from the real authorities: SoftHSM signs, the card is made, and its signature verifies."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import date

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from sotepki.card import KeyUse
from sotepki.dvv import IdentityProof, TestCards
from sotepki.dvv.vartti.card_certification import TEST_CARD_KINDS
from sotepki.evidence import Verdict, load_yaml
from sotepki.identifiers import Hetu, Oid
from sotepki.resources import fixtures
from sotepki.tokens import Pin
from sotepki.workspace import Workspace
from sotepki.x509.lenient import DerCertificate, pem
from sotepki.x509.path import Purpose, validate_path

pytestmark = pytest.mark.integration

ORDERER = Oid("1.2.246.10.12345671.10.0")
PIN1, PIN2 = Pin("1111"), Pin("222222")
REGISTRAR = Hetu(load_yaml(fixtures() / "world" / "registration_points.yaml")["registrars"][0]["hetu"])
PHYSICIAN = Hetu(load_yaml(fixtures() / "world" / "cast.yaml")["physician"]["hetu"])


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with Workspace.create(tmp_path_factory.mktemp("kinds") / "workspace", card_keys=2) as made:
        yield made


def letter_code(workspace: Workspace, number: str) -> Pin:
    (letter,) = (workspace.directory / "outbox" / "letters").glob(f"*{number}*")
    return Pin(next(line.strip() for line in letter.read_text().splitlines() if line.strip().isdigit()))


def openssl_accepts(
    workspace: Workspace, leaf: DerCertificate, issuers: Sequence[x509.Certificate], root: x509.Certificate
) -> bool:
    """Whether openssl builds the chain, of certificates with NULL parameters too."""
    files = {"leaf": pem(leaf), "root": root.public_bytes(Encoding.PEM),
             "issuers": b"".join(one.public_bytes(Encoding.PEM) for one in issuers)}  # fmt: skip
    for name, content in files.items():
        (workspace.directory / f"{name}.pem").write_bytes(content)
    moment = str(int(workspace.clock.now().timestamp()))
    done = subprocess.run(
        ["openssl", "verify", "-attime", moment, "-CAfile", "root.pem", "-untrusted", "issuers.pem", "leaf.pem"],
        cwd=workspace.directory, capture_output=True, check=False,
    )  # fmt: skip
    return done.returncode == 0


def use_card(workspace: Workspace, number: str, code: Pin, authority: str) -> None:
    """Activate, sign once with each key, and check signature and chain."""
    root = workspace.authorities.chain(authority)[-1]
    with workspace.cards.insert(number) as card:
        card.activate(code, PIN1, PIN2)
        for use, key in (
            (KeyUse.AUTHENTICATION, card.authentication_key),
            (KeyUse.SIGNATURE, card.signature_key),
        ):
            card.verify_pin1(PIN1)
            card.verify_pin2(PIN2)
            public = card.leaf(use).public_key
            if isinstance(key, rsa.RSAPrivateKey) and isinstance(public, rsa.RSAPublicKey):
                public.verify(
                    key.sign(b"x", padding.PKCS1v15(), hashes.SHA256()), b"x", padding.PKCS1v15(), hashes.SHA256()
                )
            else:
                assert isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(public, ec.EllipticCurvePublicKey)
                public.verify(key.sign(b"x", ec.ECDSA(hashes.SHA384())), b"x", ec.ECDSA(hashes.SHA384()))
            if card.leaf(use).strict:
                report = validate_path(
                    card.certificate(use), trust=[root], intermediates=card.issuers, at=workspace.clock.now(),
                    purpose=Purpose.CARD_AUTHENTICATION if use is KeyUse.AUTHENTICATION else Purpose.CARD_SIGNATURE,
                    revocation=False,
                )  # fmt: skip
                assert report.verdict is Verdict.VALID, report.findings
            assert openssl_accepts(workspace, card.leaf(use), card.issuers, root)


@pytest.mark.parametrize(("kind", "with_ec", "authority"), [
    ("professional", False, "sote-persons"), ("personnel", False, "sote-persons"), ("actor", False, "sote-persons"),
    ("organisation", False, "general-ec"), ("citizen", False, "general"), ("professional", True, "sote-persons-ec"),
    ("citizen", True, "general-ec"),
])  # fmt: skip
def test_a_test_card_of_each_kind_works(workspace: Workspace, kind: str, with_ec: bool, authority: str) -> None:
    """A developer's test card signs, and its chain ends at the TEST root of its tree."""
    assert kind in TEST_CARD_KINDS
    (card,) = workspace.test_cards.order(kind, 1, organisation=ORDERER, ec=with_ec)
    workspace.authorities.publish_if_due(workspace.published)
    publication = workspace.authorities.plan.authorities[authority].publication_id
    assert (workspace.published / "crl" / f"{publication}.crl").exists()
    assert (workspace.published / "ca" / f"{publication}.crt").exists()
    use_card(workspace, card.number, letter_code(workspace, card.number), authority)


def test_a_spare_card_is_issued_used_and_returned(workspace: Workspace) -> None:
    """The desk of a registration point, with the temporary CA made at the first issue; then the blank is reused."""
    (blank,) = workspace.spare_cards.receive_blanks(1, registrar=REGISTRAR)
    for _ in range(2):
        issued = workspace.spare_cards.issue(
            blank.number, registrar=REGISTRAR, holder=PHYSICIAN, identity=IdentityProof("passport", date(2049, 1, 1))
        )
        assert issued.activation_code is not None
        use_card(workspace, blank.number, issued.activation_code, "sote-temporary")
        serial = workspace.cards.read(blank.number).certificates[KeyUse.SIGNATURE].serial_number
        workspace.spare_cards.take_back(blank.number, registrar=REGISTRAR)
        (found,) = workspace.authorities.issued(serial_number=serial, authority_id="sote-temporary")
        assert found.status.state == "revoked"
        assert workspace.cards.read(blank.number).certificates == {}


def test_opening_a_workspace_finishes_test_cards_and_lays_out_blanks(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between order and production, the next command of anybody makes the cards."""
    monkeypatch.setattr(TestCards, "_make_waiting", lambda _self: (0, []))
    monkeypatch.setattr(type(workspace.cards), "add_blank", lambda *_more: None)
    (ordered,) = workspace.test_cards.order("professional", 1, organisation=ORDERER, ec=True)
    (blank,) = workspace.spare_cards.receive_blanks(1, registrar=REGISTRAR)
    assert ordered.state == "ordered" and not workspace.cards.has(blank.number)
    monkeypatch.undo()
    workspace.catch_up()
    assert {card.number: card.state for card in workspace.test_cards.cards()}[ordered.number] == "delivered"
    assert workspace.cards.has(ordered.number) and workspace.cards.has(blank.number)


def test_a_test_card_is_activated_and_listed_at_the_command_line(workspace: Workspace) -> None:
    """A developer has the card and the letter, and no order in Vartti: the same commands must serve."""
    (ordered,) = workspace.test_cards.order("citizen", 1, organisation=ORDERER, ec=True)
    code = letter_code(workspace, ordered.number).reveal()

    def sotepki(*arguments: str, pins: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "sotepki", "card", *arguments, "--workspace", str(workspace.directory)],
            input=pins, capture_output=True, text=True, check=False,
        )  # fmt: skip

    assert f"{ordered.number}  personalised   citizen" in sotepki("list").stdout
    refused = sotepki("activate", ordered.number, "--pin-file", "-", pins="00000000\n1234\n123456\n")
    assert refused.returncode == 1 and "4 tries are left. [card.code.wrong]" in refused.stderr
    done = sotepki("activate", ordered.number, "--pin-file", "-", pins=f"{code}\n1234\n123456\n")
    assert done.returncode == 0, done.stderr
    assert f"{ordered.number}  active         citizen" in sotepki("list").stdout
    shown = sotepki("show", ordered.number, "--svg", str(workspace.directory / "face.svg"))
    assert "is active; tries left: pin1 5, pin2 5, puk 5." in shown.stdout and ordered.identifier in shown.stdout
    assert b"TEST Identity card" in (workspace.directory / "face.svg").read_bytes()
    letters = sotepki("pin", "verify", ordered.number, "--which", "pin1", "--pin-file", "-", pins="abcd\n")
    assert letters.returncode == 1 and "digits only" in letters.stderr
    assert (
        sotepki("pin", "verify", ordered.number, "--which", "pin1", "--pin-file", "-", pins="1234\n").returncode == 0
    )
