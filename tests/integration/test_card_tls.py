"""TLS client authentication with a card's key, by stock programs through PKCS#11 and PC/SC."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest
from card_pcsc_world import PIN1, PIN2, Desk, Run, module, private_readers
from cryptography.hazmat.primitives.serialization import Encoding

from sotepki.card import CardShelf, KeyUse
from sotepki.identifiers import Oid
from sotepki.tokens import Pin
from sotepki.workspace import Workspace

pytestmark = pytest.mark.integration

SERIALS = {"professional": "3930303030303031", "organisation": "3930303030303032"}  # as OpenSC shows them
ORDERER = Oid("1.2.246.10.12345671.10.0")
# The server runs beside the client, since the readers have a network of their own.
SCRIPT = """
server=$1; shift
openssl s_server -accept 4433 -www -cert server.pem -key server.key $server >server.log 2>&1 &
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    openssl s_client -connect localhost:4433 </dev/null >/dev/null 2>&1; grep -q ACCEPT server.log && break; sleep 0.1
done
"$@"; code=$?
kill $!
exit $code
"""


class CardDesk(Desk):
    """A desk in a workspace; ``cards``: card numbers by kind."""

    cards: dict[str, str]


@pytest.fixture(scope="module")
def engine() -> None:
    """OpenSSL's engine for PKCS#11, or a skip."""
    found = subprocess.run(["openssl", "engine", "pkcs11"], capture_output=True, check=False)
    if found.returncode != 0:
        pytest.skip("needs the Debian package libengine-pkcs11-openssl")


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory, engine: None) -> Iterator[CardDesk]:
    """A workspace with an RSA and a P-384 test card of DVV's in the readers, and the files of a TLS server."""
    directory = tmp_path_factory.mktemp("tls") / "workspace"
    with Workspace.create(directory, card_keys=2) as workspace:
        authorities = workspace.authorities
        cards = {
            kind: workspace.test_cards.order(kind, 1, organisation=ORDERER)[0].number
            for kind in ("professional", "organisation")
        }
        for number in cards.values():
            (letter,) = (directory / "outbox" / "letters").glob(f"*{number}*")
            code = next(line.strip() for line in letter.read_text().splitlines() if line.strip().isdigit())
            with workspace.cards.insert(number) as card:
                card.activate(Pin(code), Pin(PIN1), Pin(PIN2))
        trusted = [*authorities.chain("sote-persons"), *authorities.chain("general-ec")]
    (directory / "persons.pem").write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in trusted))
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", directory / "server.key", "-out",
         directory / "server.pem", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    with private_readers() as readers:
        desk = CardDesk(readers, directory, {})
        desk.cards = cards
        printed = desk.sotepki("opensc-conf", "--driver", "myeid")
        (directory / "opensc.conf").write_text(printed.output, encoding="ascii")
        with (
            desk.inserted(cards["professional"], "--profile", "authentic"),
            desk.inserted(cards["organisation"], "--profile", "authentic", "--reader", "1"),
        ):
            yield desk


def connect(desk: Desk, server: str, *client: str) -> Run:
    """What a client prints that asks for the server's status page; its certificate is the authentication one."""
    script = desk.home / "tls.sh"
    script.write_text(f"cd {desk.home}\n{SCRIPT}", encoding="ascii")
    return desk.run(
        "sh", script, f"-CAfile persons.pem -Verify 3 -verify_return_error {server}", *client,
        PKCS11_MODULE_PATH=str(module()), OPENSC_CONF=str(desk.home / "opensc.conf"),
    )  # fmt: skip


def address(card: str, pin: str = "") -> str:
    """The PKCS#11 address of the authentication key of a card, and of its certificate."""
    found = f"pkcs11:serial={SERIALS[card]};token=TEST%20sote%20(perustunnusluku);id=%45"
    return f"{found};type=private;pin-value={pin}" if pin else found


def curl(card: str, pin: str = PIN1) -> list[str]:
    return [
        "curl", "--silent", "--show-error", "--max-time", "30", "--cacert", "server.pem", "--engine", "pkcs11",
        "--cert-type", "ENG", "--cert", address(card), "--key-type", "ENG", "--key", address(card, pin),
        "https://localhost:4433/",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("card", "server", "signature"),
    [
        ("professional", "-tls1_2 -client_sigalgs RSA+SHA256", "RSA"),
        ("professional", "-tls1_3", "RSA-PSS"),
        ("organisation", "-tls1_3", "ECDSA"),
    ],
)
def test_curl_logs_in_with_a_card(tls: CardDesk, card: str, server: str, signature: str) -> None:
    """Card login is what the cards are for: a server that trusts the TEST CA must know the holder."""
    answer = connect(tls, server, *curl(card))
    log = (tls.home / "server.log").read_text()
    assert answer.code == 0, answer.output + log
    assert answer.said("Verify return code: 0 (ok)", f"Peer signature type: {signature}\n", "Testikortti")


def test_openssl_logs_in_with_a_card(tls: CardDesk) -> None:
    """The certificate from a file and the key in the card, as most servers' and clients' settings have it."""
    certificate = CardShelf(tls.home / "cards").read(tls.cards["professional"]).certificates[KeyUse.AUTHENTICATION]
    (tls.home / "card.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    answer = connect(
        tls, "-tls1_3", "sh", "-c",
        "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | openssl s_client -quiet -connect localhost:4433 -CAfile server.pem "
        f"-cert card.pem -engine pkcs11 -keyform engine -key '{address('professional', PIN1)}'",
    )  # fmt: skip
    assert answer.said("Verify return code: 0 (ok)", "Peer signature type: RSA-PSS\n"), answer.output


def test_a_wrong_pin_does_not_log_in(tls: CardDesk) -> None:
    """The counter goes down by the tries that were made and comes back with the right PIN."""
    number = tls.cards["professional"]
    assert connect(tls, "-tls1_3", *curl("professional", "9999")).code != 0
    assert 3 <= tls.tries(number)["pin1"] < 5
    assert connect(tls, "-tls1_3", *curl("professional")).code == 0
    assert tls.tries(number)["pin1"] == 5
