"""Other programs on the virtual reader: python-pkcs11 through OpenSC, readers of citizen cards, pcscd's restart."""

# ruff: noqa: F811  fixtures are imported and then named as arguments

from __future__ import annotations

import sys

import pytest
from card_pcsc_world import PIN1, RSA, Desk, card_keys, desk, module, send  # noqa: F401

from sotepki.card import KeyUse

pytestmark = pytest.mark.integration


def test_the_citizen_numbering_is_another_card(desk: Desk) -> None:
    """A program written for citizen cards finds its references in the citizen profile and only there."""
    desk.new_card(f"{RSA}/7")
    with desk.inserted("RSA-3072-7", "--profile", "citizen"):
        assert send(desk, "00A4040C0CA000000063504B43532D3135", "00200011", "00200003") == ["9000", "63C5", "6A88"]
        assert "citizen" in desk.sotepki("client", "list").output


def test_python_pkcs11_signs_through_opensc(desk: Desk) -> None:
    """Python programs of vendors use this module; three signatures in one session must work."""
    desk.new_card(f"{RSA}/8")
    program = desk.home / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    with desk.inserted("RSA-3072-8"):
        done = desk.run(sys.executable, program, module(), PIN1, desk.home / "signature", desk.data)
        assert done.code == 0, done.output
        assert desk.openssl_verifies(KeyUse.AUTHENTICATION, "sha256", number="RSA-3072-8")


PROGRAM = """
import sys
import pkcs11

module, pin, target, data = sys.argv[1:]
token = next(t for t in pkcs11.lib(module).get_tokens() if "(perustunnusluku)" in t.label)
with token.open(user_pin=pin) as session:
    key = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, id=b"\\x45")
    content = open(data, "rb").read()
    made = {key.sign(content, mechanism=pkcs11.Mechanism.SHA256_RSA_PKCS) for _ in range(3)}
    assert len(made) == 1
    open(target, "wb").write(made.pop())
"""
