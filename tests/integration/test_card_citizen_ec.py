"""A citizen's card of the EC tree: P-384 keys, and certificates with the NULL parameters that pyca refuses."""

# ruff: noqa: F811  fixtures are imported and then named as arguments

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import timedelta

import pytest
from card_chip_world import NOW, certificate
from card_pcsc_world import CODE, EC, PIN1, PIN2, Desk, card_keys, desk  # noqa: F401
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sotepki.card import CardShelf, KeyUse, Personalisation
from sotepki.errors import Refused
from sotepki.tokens import KeyKind, Pin, PrivateKey
from sotepki.tokens.pool import make_key
from sotepki.x509.issuing import sign_der
from sotepki.x509.lenient import pem

pytestmark = pytest.mark.integration

NUMBER = "CITIZEN-EC"
QUIRK = bytes.fromhex("300c06082a8648ce3d0403030500")


def leaf(use: KeyUse, key: PrivateKey, signer: PrivateKey) -> bytes:
    issuer, subject = (
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("TEST CA", f"TESTI {use}")
    )
    builder = x509.CertificateBuilder(issuer, subject, key.public_key(), 4711, NOW, NOW + timedelta(days=3650))
    return sign_der(builder, signer, explicit_null=True)


@pytest.fixture(scope="module")
def citizen(desk: Desk, card_keys: dict[str, dict[KeyUse, PrivateKey]]) -> Iterator[Desk]:
    """The card, activated, in reader 0 with the ATR of a sote card: OpenSC has a driver for that one."""
    keys, root = card_keys[EC], make_key(KeyKind.P_384)
    with CardShelf(desk.home / "cards") as shelf:
        shelf.personalise(
            Personalisation(
                number=NUMBER, holder="TESTI KANSALAINEN", keys=keys,
                certificates={use: leaf(use, keys[use], root) for use in KeyUse},
                issuers=[certificate("TEST CA", root)], activation_code=Pin(CODE), kind="citizen",
            )
        )  # fmt: skip
        with shelf.insert(NUMBER) as card:
            card.activate(Pin(CODE), Pin(PIN1), Pin(PIN2))
    with desk.inserted(NUMBER, "--profile", "authentic"):
        yield desk


def test_the_card_in_process_signs_and_says_what_pyca_cannot_read(citizen: Desk) -> None:
    """A program that wants a pyca certificate gets a reason, not a certificate with other bytes."""
    with CardShelf(citizen.home / "cards") as shelf:
        citizen.sotepki("remove", NUMBER)
        with shelf.insert(NUMBER) as card:
            card.verify_pin2(Pin(PIN2))
            key, public = card.signature_key, card.leaf("signature").public_key
            assert isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(public, ec.EllipticCurvePublicKey)
            signature = key.sign(b"x", ec.ECDSA(hashes.SHA384()))
            public.verify(signature, b"x", ec.ECDSA(hashes.SHA384()))
            with pytest.raises(InvalidSignature):
                public.verify(signature, b"y", ec.ECDSA(hashes.SHA384()))
            with pytest.raises(Refused) as refused:
                card.certificate("signature")
            assert refused.value.rule == "cert.null-parameters"
        assert citizen.sotepki("insert", NUMBER, "--background", "--profile", "authentic").code == 0


@pytest.mark.parametrize(("key_id", "use"), [("45", KeyUse.AUTHENTICATION), ("46", KeyUse.SIGNATURE)])
def test_opensc_reads_the_certificate_byte_for_byte_and_openssl_parses_it(
    citizen: Desk, key_id: str, use: KeyUse
) -> None:
    """Vendors meet the quirk on real citizen cards; here it must be the same bytes, not tidied ones."""
    wanted = CardShelf(citizen.home / "cards").read(NUMBER).leaves[use]
    assert wanted.der.count(QUIRK) == 2
    environment = citizen.configuration(citizen.sotepki("opensc-conf", "--driver", "myeid").output)
    found = citizen.run("pkcs15-tool", "--read-certificate", key_id, **environment).output
    read = found[found.index("-----BEGIN") :].encode()
    assert b"".join(read.split()) == b"".join(pem(wanted).split())
    parsed = subprocess.run(["openssl", "x509", "-noout", "-text"], input=read, capture_output=True, check=True)
    assert b"ecdsa-with-SHA384" in parsed.stdout and b"secp384r1" in parsed.stdout


@pytest.mark.parametrize(("slot", "key_id", "pin"), [("0", "45", PIN1), ("1", "46", PIN2)])
def test_opensc_signs_with_p384_and_openssl_verifies(citizen: Desk, slot: str, key_id: str, pin: str) -> None:
    """The key behind such a certificate serves stock middleware; openssl has its public half from there."""
    use = KeyUse.AUTHENTICATION if key_id == "45" else KeyUse.SIGNATURE
    environment = citizen.configuration(citizen.sotepki("opensc-conf", "--driver", "myeid").output)
    signed = citizen.pkcs11(
        "--sign", "--mechanism", "ECDSA-SHA384", "--slot-index", slot, "--id", key_id, "--pin", pin,
        "--signature-format", "openssl", "--input-file", citizen.data, "--output-file", citizen.home / "signature",
        **environment,
    )  # fmt: skip
    assert signed.code == 0, signed.output
    (citizen.home / "leaf.pem").write_bytes(pem(CardShelf(citizen.home / "cards").read(NUMBER).leaves[use]))
    script = (
        "openssl x509 -in leaf.pem -noout -pubkey >public.pem && "
        "openssl dgst -sha384 -verify public.pem -signature signature data"
    )
    done = subprocess.run(["sh", "-c", script], cwd=citizen.home, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "Verified OK", done.stderr


def test_the_card_client_lists_reads_and_signs(citizen: Desk) -> None:
    """Our own client reads the contents, gives the true bytes, and verifies with the certificate's key."""
    listed = citizen.sotepki("client", "list").output
    assert f"TESTI {KeyUse.AUTHENTICATION}" in listed and f"TESTI {KeyUse.SIGNATURE}" in listed
    leaves = CardShelf(citizen.home / "cards").read(NUMBER).leaves
    read = citizen.sotepki("client", "certificates").output
    assert all(pem(one).decode() in read for one in leaves.values())
    signed = citizen.sotepki("client", "sign", citizen.data, "--hash", "sha384", "--pin-file", "-", input=b"222222\n")
    assert signed.code == 0 and "ecdsa-sha384" in signed.output, signed.output


def test_the_citizen_numbering_signs_too(citizen: Desk) -> None:
    """The card as citizens have it: S4-1 references, padded PINs, PSO HASH before an empty PSO CDS."""
    assert citizen.sotepki("remove", NUMBER).code == 0
    try:
        with citizen.inserted(NUMBER, "--profile", "citizen"):
            assert "citizen (S4-1)" in citizen.sotepki("client", "list").output
            signed = citizen.sotepki(
                "client", "sign", citizen.data, "--hash", "sha384", "--pin-file", "-", input=b"222222\n"
            )
            assert signed.code == 0 and "verified" in signed.output, signed.output
    finally:
        assert citizen.sotepki("insert", NUMBER, "--background", "--profile", "authentic").code == 0


def test_faults_keep_the_form_of_the_certificate_or_say_why_not(citizen: Desk) -> None:
    """An expired certificate on such a card is otherwise a certificate of a citizen's card."""
    assert citizen.sotepki("faults", NUMBER, "--expired", "signature").code == 0
    try:
        listed = citizen.sotepki("client", "list", "--format", "json").output
        assert (NOW - timedelta(days=1)).date().isoformat() in listed, listed
    finally:
        assert citizen.sotepki("faults", NUMBER, "--clear").code == 0
