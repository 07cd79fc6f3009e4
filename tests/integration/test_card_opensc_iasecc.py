"""The real cards' own driver family in OpenSC, ``iasecc``, as far as Debian builds it; and their quirks by PC/SC."""

# ruff: noqa: F811  fixtures are imported and then named as arguments

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest
from card_pcsc_world import PIN1, RSA_SMALL, Desk, card_keys, desk, send  # noqa: F401
from cryptography import x509

from sotepki.card import CardShelf, KeyUse
from sotepki.tokens.keys import DIGEST_INFO_PREFIX

pytestmark = pytest.mark.integration

FULL = {"pin1": 5, "pin2": 5, "puk": 5}
ATR = "3b:dd:96:00:80:31:fe:45:00:31:b8:64:04:29:ec:c1:73:94:01:80:83:49"


@pytest.fixture(scope="module")
def authentic(desk: Desk) -> Iterator[Desk]:
    """An RSA-2048 card with the real ATR: the driver goes no further than that length."""
    desk.new_card(RSA_SMALL)
    with desk.inserted(RSA_SMALL, "--profile", "authentic"):
        yield desk


def configured(desk: Desk) -> dict[str, str]:
    printed = desk.sotepki("opensc-conf").output
    return desk.configuration(printed.replace('"MaskTech"', '"iasecc"').replace("29001", "25003"))


def test_opensc_sees_the_real_atr(authentic: Desk) -> None:
    """What a user sends to support must be the ATR of the card in the holder's hand."""
    assert authentic.run("opensc-tool", "-a").said(ATR)


def test_iasecc_reads_everything_and_spends_no_tries(authentic: Desk) -> None:
    """EF.ATR, the access rules in SELECT and the security data objects are what this driver wants."""
    environment = configured(authentic)
    found = authentic.run("pkcs15-tool", "-D", **environment)
    assert found.code == 0 and found.said("Reference      : 18 (0x12)", "Key ref        : 130 (0x82)"), found.output
    assert found.output.count("X.509 Certificate [") == 4
    wanted = CardShelf(authentic.home / "cards").read(RSA_SMALL).certificates[KeyUse.SIGNATURE]
    read = authentic.run("pkcs15-tool", "--read-certificate", "46", **environment).output
    assert x509.load_pem_x509_certificate(read[read.index("-----BEGIN") :].encode()) == wanted
    assert authentic.pkcs11("-L", **environment).said("TEST sote (perustunnusluku)", "pin min/max        : 4/8")
    assert authentic.tries(RSA_SMALL) == FULL


def test_iasecc_signs_a_digest_info_by_internal_authenticate(authentic: Desk) -> None:
    """The one mechanism that Debian's build has: CKM_RSA_PKCS over a DigestInfo that the program made."""
    info = authentic.home / "digest-info"
    info.write_bytes(DIGEST_INFO_PREFIX["sha256"] + hashlib.sha256(authentic.data.read_bytes()).digest())
    signed = authentic.pkcs11(
        "--sign", "--mechanism", "RSA-PKCS", "--slot-index", "0", "--id", "45", "--pin", PIN1, "--input-file", info,
        "--output-file", authentic.home / "signature", **configured(authentic),
    )  # fmt: skip
    assert signed.code == 0, signed.output
    assert authentic.openssl_verifies(KeyUse.AUTHENTICATION, "sha256", number=RSA_SMALL)
    assert "INTERNAL AUTHENTICATE" in authentic.sotepki("trace", RSA_SMALL).output


@pytest.mark.parametrize("use", KeyUse)
def test_iasecc_of_this_build_does_not_hash_and_sign(authentic: Desk, use: KeyUse) -> None:
    """The limit is OpenSC's: the card is asked for nothing more than the environment, and no try is lost."""
    refused = authentic.sign(use, "SHA256-RSA-PKCS", **configured(authentic))
    assert refused.code != 0 and refused.said("CKR_FUNCTION_NOT_SUPPORTED"), refused.output
    assert authentic.tries(RSA_SMALL) == FULL


def test_quirks_of_the_real_card_by_pcsc(authentic: Desk) -> None:
    """Middleware that takes 9000 for "the file is there" fails on real cards; here it fails in the same way."""
    application = "00A4040C0CA000000063504B43532D3135"
    assert send(authentic, application, "00A4020C024332", "00A4000C024332", "00B0000080") == [
        "9000", "6A82", "9000", "6986",
    ]  # fmt: skip
    assert send(authentic, "00200011", "00CB00FF05A00383018300") == ["6A88", "6A86"]
    assert send(authentic, application, "002241B606800142840102") == ["9000", "6A88"]
