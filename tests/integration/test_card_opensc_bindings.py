"""The real cards' ATR and OpenSC's drivers: what stock OpenSC does, and what each binding of opensc.conf brings."""

# ruff: noqa: F811  fixtures are imported and then named as arguments

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from card_pcsc_world import EC, PIN1, PIN2, RSA, Desk, card_keys, desk  # noqa: F401

from sotepki.card import KeyUse

pytestmark = pytest.mark.integration

FULL = {"pin1": 5, "pin2": 5, "puk": 5}


@pytest.fixture(scope="module")
def authentic(desk: Desk) -> Iterator[Desk]:
    """Two cards with the real ATR: RSA in reader 0, P-384 in reader 1."""
    desk.new_card(RSA)
    desk.new_card(EC)
    with desk.inserted(RSA, "--profile", "authentic"), desk.inserted(EC, "--profile", "authentic", "--reader", "1"):
        yield desk


def configured(desk: Desk, *options: str) -> dict[str, str]:
    printed = desk.sotepki("opensc-conf", *options)
    assert printed.code == 0, printed.output
    return desk.configuration(printed.output)


def test_two_readers_hold_two_cards_at_once(authentic: Desk) -> None:
    """The registrar's and the applicant's card are in the readers together."""
    listed = authentic.sotepki("readers").output
    assert f"reader 0: card {RSA}" in listed and f"reader 1: card {EC}" in listed
    seen = authentic.sotepki("client", "readers").output
    assert len(re.findall("3bdd96008031fe45", seen)) == 2, seen


def test_stock_opensc_does_not_know_the_real_atr_and_spends_no_tries(authentic: Desk) -> None:
    """Fifty probe commands of drivers looking for their own card must cost the holder nothing."""
    before = len(authentic.sotepki("trace", "--reader", "0").output.splitlines())
    refused = authentic.run("opensc-tool", "--reader", "0", "-n", **authentic.configuration(""))
    assert refused.said("Unsupported card") or refused.code != 0, refused.output
    probes = authentic.sotepki("trace", "--reader", "0").output.splitlines()[before:]
    assert len(probes) > 3 * 30, "the sweep of drivers did not happen"
    assert authentic.tries(RSA) == FULL
    assert authentic.sotepki("client", "pins", "--reader", "0").output.count("ready, 5 tries left") == 3


def test_opensc_that_reads_a_card_by_its_default_driver_cannot_sign(authentic: Desk) -> None:
    """A half-way configuration: vendors meet it, and must not take it for a fault of the card."""
    environment = authentic.configuration("app default { enable_default_driver = true; }")
    assert authentic.run("pkcs15-tool", "-c", **environment).said("allekirjoitusvarmenne")
    assert authentic.sign(KeyUse.AUTHENTICATION, "SHA256-RSA-PKCS", **environment).code != 0


@pytest.mark.parametrize("use", KeyUse)
def test_the_printed_configuration_makes_opensc_sign(authentic: Desk, use: KeyUse) -> None:
    """``card opensc-conf`` is what a user of the real card needs."""
    signed = authentic.sign(use, "SHA256-RSA-PKCS", **configured(authentic))
    assert signed.code == 0, signed.output
    assert authentic.openssl_verifies(use, "sha256")


@pytest.mark.parametrize("use", KeyUse)
def test_myeid_signs_with_pss(authentic: Desk, use: KeyUse) -> None:
    """PSS is in the card's algorithms; only this binding lets OpenSC ask for it."""
    signed = authentic.sign(
        use, "SHA256-RSA-PKCS-PSS", "--mgf", "MGF1-SHA256", "--salt-len", "32",
        **configured(authentic, "--driver", "myeid"),
    )  # fmt: skip
    assert signed.code == 0, signed.output
    options = ("-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32")
    assert authentic.openssl_verifies(use, "sha256", *options)


@pytest.mark.parametrize(("slot", "key_id", "pin", "use"), [
    ("0", "45", PIN1, KeyUse.AUTHENTICATION), ("1", "46", PIN2, KeyUse.SIGNATURE),
])  # fmt: skip
def test_myeid_signs_with_p384(authentic: Desk, slot: str, key_id: str, pin: str, use: KeyUse) -> None:
    """The coming chip's keys, through stock middleware."""
    environment = configured(authentic, "--driver", "myeid")
    place = str(2 + int(slot))  # the slots of reader 1 come after the two of reader 0
    signed = authentic.pkcs11(
        "--sign", "--mechanism", "ECDSA-SHA384", "--slot-index", place, "--id", key_id, "--pin", pin,
        "--signature-format", "openssl", "--input-file", authentic.data,
        "--output-file", authentic.home / "signature", **environment,
    )  # fmt: skip
    assert signed.code == 0, signed.output
    assert authentic.openssl_verifies(use, "sha384", number=EC)


def test_counters_are_full_after_all_bindings(authentic: Desk) -> None:
    """Whatever driver is tried, reading and right PINs leave five tries."""
    assert authentic.tries(RSA) == authentic.tries(EC) == FULL
