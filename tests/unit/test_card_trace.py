"""The trace in words: right, for any bytes, and without secrets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sotepki.card.door import Exchange
from sotepki.card.trace import SecretsHidden, explain, explain_command, explain_response, hidden_secrets

# Byte sequences of docs/field/card.md 3.2, 4 and 8.3 with what they mean.
COMMANDS = {
    "00A4040C0CA000000063504B43532D3135": "SELECT name a000000063504b43532d3135 = the PKCS#15 application",
    "00A4040C06452E5349474E": "SELECT name 452e5349474e = DF.ESIGN",
    "00A4080002 2F00 00": "SELECT path from the MF 2f00 = EF.DIR, FCI wanted",
    "00A4000C023F00": "SELECT file 3f00 = MF",
    "00A40000": "SELECT file (none given: MF), FCI wanted",
    "00A4020C024332": "SELECT file under the current directory 4332 = the signature certificate",
    "00A4080C0450154331": "SELECT path from the MF 5015/4331 = the authentication certificate",
    "00B0000080": "READ BINARY 128 bytes at 0",
    "00B09C00C0": "READ BINARY 192 bytes at 0 of the file with short identifier 1C",
    "00B0010000": "READ BINARY all at 256",
    "00200003": "VERIFY PIN1 (03) without a PIN: how many tries are left?",
    "002000030431323334": "VERIFY PIN1 (03) with 4 hidden bytes",
    "0020001104": "VERIFY PIN1 (citizen) (11) without a PIN: how many tries are left?",
    "00240003083131313132323232": "CHANGE REFERENCE DATA: PIN1 (03) by the old one, 8 hidden bytes",
    "0024010404 32323232": "CHANGE REFERENCE DATA: PIN2 (04) that is verified, 4 hidden bytes",
    "002C02030431323334": "RESET RETRY COUNTER: set PIN1 (03) by the activation code verified before, 4 hidden bytes",
    "002241B606800142840182": "MSE SET digital signature: algorithm 42 (PKCS#1 with SHA-256), key 82 (signature)",
    "002241B80680011A840101": "MSE SET confidentiality: algorithm 1A (PKCS#1), key 01 (authentication)",
    "002241B607810250158401 01": "MSE SET digital signature: key file 5015, key 01 (authentication)",
    "0022F301": "MSE RESTORE environment 01",
    "002A9E9A20" + "11" * 32 + "00": "PSO COMPUTE DIGITAL SIGNATURE over a digest of 32 bytes",
    "002A9E9A33" + "30" + "11" * 50 + "00": "PSO COMPUTE DIGITAL SIGNATURE over a DigestInfo of 51 bytes",
    "002A9E9A00": "PSO COMPUTE DIGITAL SIGNATURE over the hash loaded before",
    "002A90A0229020" + "11" * 32: "PSO HASH: load 34 bytes",
    "102A808602 8101": "PSO DECIPHER a cryptogram, 2 bytes (chained, more follows)",
    "002A8086000003010203 0000": "PSO DECIPHER a cryptogram, 3 bytes",
    "00C0000080": "GET RESPONSE: the next 128 bytes",
    "00CADF3005": "GET DATA DF30",
    "00CB3FFF035C017E08": "GET DATA 3FFF for 5C017E",
    "0084000008": "GET CHALLENGE of 8 bytes",
    "0088000003010203 00": "INTERNAL AUTHENTICATE with 3 bytes",
    "002E0000": "forget verified PINs (MyEID)",
    "80010203": "instruction 01, P1 02, P2 03, 0 bytes (class 80)",
    "00A4": "not a command APDU",
    "0020000308313233": "not a command APDU",
}
ANSWERS = {
    "9000": "9000 done",
    "63C4": "63C4 4 tries left",
    "63C1": "63C1 1 try left",
    "6180": "6180 128 more bytes",
    "6983": "6983 locked",
    "01026282": "2 bytes, 6282 end of file",
    "6C10": "6C10 ask for 16 bytes",
    "1234": "1234 unknown status word",
    "": "nothing: the card is gone",
    "90": "not a response APDU",
}


@pytest.mark.parametrize(("command", "words"), COMMANDS.items())
def test_commands_in_words(command: str, words: str) -> None:
    """Who reads a trace must be able to trust it."""
    assert explain_command(bytes.fromhex(command)) == words


@pytest.mark.parametrize(("answer", "words"), ANSWERS.items())
def test_answers_in_words(answer: str, words: str) -> None:
    assert explain_response(bytes.fromhex(answer)) == words


def test_an_explained_exchange_shows_no_pin() -> None:
    """Traces are mailed around."""
    told = explain(Exchange(bytes.fromhex("0020000404") + b"7391", b"\x63\xc4", 1.25))
    assert "7391" not in told and b"7391".hex(" ") not in told.lower()
    assert "00 20 00 04 04 ** ** ** **" in told
    assert "1.2 ms" in told or "1.3 ms" in told


def test_a_deciphered_secret_is_hidden() -> None:
    command, response = hidden_secrets(bytes.fromhex("002A808602810100"), b"secret\x90\x00")
    assert response == b"******\x90\x00"
    assert command == bytes.fromhex("002A808602810100")


DECIPHER, LAST, FETCH = "102A808602 8101", "002A808602 0202", "00C0000006"
SECRET = b"secret".hex()
COVERED = "2a" * 6


@pytest.mark.parametrize(
    ("exchanges", "shown"),
    [
        pytest.param([(LAST, "6106"), (FETCH, SECRET + "9000")], COVERED + "9000", id="without-le"),
        pytest.param(
            [(DECIPHER, "9000"), (LAST, "6106"), (FETCH, SECRET + "9000")], COVERED + "9000", id="after-a-chain"
        ),
        pytest.param(
            [(LAST + "00", SECRET + "6106"), (FETCH, SECRET + "9000")], COVERED + "9000", id="longer-than-an-answer"
        ),
        pytest.param(
            [(LAST, "610C"), (FETCH, SECRET + "6106"), (FETCH, SECRET + "9000")], COVERED + "9000", id="in-two-parts"
        ),
        pytest.param(
            [(LAST, "6106"), ("00C0000009", "6C06"), (FETCH, SECRET + "9000")], COVERED + "9000", id="other-length"
        ),
        pytest.param(
            [(LAST, "6106"), (FETCH, SECRET + "9000"), (FETCH, SECRET + "9000")], SECRET + "9000", id="all-fetched"
        ),
        pytest.param([(LAST, "6106"), ("00B0000006", SECRET + "9000")], SECRET + "9000", id="another-command"),
        pytest.param(
            [(LAST, "6106"), ("00A40000", "6106"), (FETCH, SECRET + "9000")], SECRET + "9000", id="fetched-of-another"
        ),
        pytest.param([("002A9E9A00", "6106"), (FETCH, SECRET + "9000")], SECRET + "9000", id="a-signature"),
        pytest.param([(LAST, "6982"), (FETCH, SECRET + "9000")], SECRET + "9000", id="decipher-refused"),
    ],
)
def test_a_decrypted_content_is_hidden_where_get_response_fetches_it(
    exchanges: list[tuple[str, str]], shown: str
) -> None:
    """And nothing else is: a trace in which every answer is hidden explains nothing."""
    secrets = SecretsHidden()
    seen = [
        secrets.of(Exchange(bytes.fromhex(command), bytes.fromhex(response), 1.0)) for command, response in exchanges
    ]
    assert seen[-1].response.hex() == shown
    if shown.startswith(COVERED):
        assert not any(SECRET in one.response.hex() for one in seen)


@given(st.lists(st.tuples(st.binary(max_size=8), st.binary(max_size=8)), max_size=6))
def test_hiding_keeps_lengths_and_status_words_of_any_bytes(exchanges: list[tuple[bytes, bytes]]) -> None:
    secrets = SecretsHidden()
    for command, response in exchanges:
        shown = secrets.of(Exchange(command, response, 1.0))
        assert (len(shown.command), len(shown.response)) == (len(command), len(response))
        assert shown.response[-2:] == response[-2:]


@given(st.sampled_from([0x20, 0x24, 0x2C]), st.binary(min_size=1, max_size=40), st.integers(0, 255))
def test_no_pin_survives_whatever_the_length_says(ins: int, digits: bytes, length: int) -> None:
    """A client's wrong Lc must not print its user's PIN."""
    command, _ = hidden_secrets(bytes((0, ins, 0, 3, length)) + digits, b"\x67\x00")
    assert set(command[5:]) == {0x2A}
    assert len(command) == 5 + len(digits)


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_any_bytes_are_explained(command: bytes, response: bytes) -> None:
    """Fuzzed cards are traced too."""
    assert explain(Exchange(command, response, 0.0))
