"""The parts of Kela's services: settings and rules as data, hostile bytes, the acknowledgement's stored form."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings
from hypothesis import strategies as st
from kela_world import KelaWorld, new_world
from lxml import etree
from scs_world import MemoryCard

from sotepki.errors import Misuse, Refused
from sotepki.evidence import Basis, Grade, Severity
from sotepki.kela import AckCode, rulebook, server_chain
from sotepki.kela.rules import all_rules
from sotepki.kela.settings import load_settings
from sotepki.kela.soap import unwrap
from sotepki.kela.transport import _first_certificate
from sotepki.kela.validation import read_plain, read_request
from sotepki.resources import package_file
from sotepki.services import environments_of
from sotepki.workspace import Workspace

NOW = datetime(2026, 3, 2, tzinfo=UTC)


@dataclass(frozen=True)
class Sent:
    """A world with a client and a frame that it would accept."""

    world: KelaWorld
    client: x509.Certificate
    frame: bytes


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sent]:
    world = new_world(tmp_path_factory.mktemp("kela"))
    yield Sent(world, world.client().certificate, world.frame(world.system_signed()))
    world.records.database.close()


def test_every_rule_is_used_and_every_used_rule_is_in_the_book() -> None:
    places = [path for room in ("kela", "services") for path in package_file(room).rglob("*.py")]
    code = "".join(path.read_text(encoding="utf-8") for path in places)
    machines = "".join(path.read_text(encoding="utf-8") for path in package_file("kela", "states").glob("*.yaml"))
    unused = [rule.id for rule in rulebook() if f'"{rule.id}"' not in code and rule.id not in machines]
    assert unused == []


def test_no_guess_of_ours_can_fail_a_vendor() -> None:
    for rule in rulebook():
        if rule.grade in (Grade.RECALLED, Grade.UNKNOWN, Grade.INFERRED) or rule.basis is Basis.CHOICE:
            assert rule.effective is not Severity.ERROR, rule.id


def test_what_the_emulator_refuses_beyond_the_evidence_is_named_in_the_settings() -> None:
    named = load_settings().refuses
    assert all(all_rules()[rule_id].effective is not Severity.ERROR for rule_id in named)
    assert {"kanta.client.organisation-sender", "kanta.client.status-unavailable"} <= named


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("workers: 0", "workers is 0, it is a whole number from 1 to 256"),
        ("workers: true", "workers is True"),
        ("service_requests: SP1", "service_requests is 'SP1', it is a list of words in brackets"),
        ("usage_situations: [{a: b}]", "usage_situations is"),
        ("signing_authorities: sote-persons", "signing_authorities is 'sote-persons', it is a list"),
        ("signing_authorities: [sote-person]", "signing_authorities names 'sote-person'; the authorities are root"),
        ("server_authorities: [sote]", "server_authorities names 'sote'"),
        ("memory_seconds: .nan", "memory_seconds is nan, it is a number from 0 to 86400"),
        ("memory_seconds: -5", "memory_seconds is -5"),
        ("memory_seconds: '1'", "memory_seconds is '1'"),
        ("max_message_bytes: -1", "max_message_bytes is -1, it is a whole number from 1 to 20971520"),
        ("max_message_bytes: 20971521", "max_message_bytes is 20971521"),
        ("read_seconds: 0", "read_seconds is 0, it is a number from 0.1 to 3600"),
        ("read_seconds: .inf", "read_seconds is inf"),
        ("shark_checks_signatures: 'no'", "shark_checks_signatures is 'no', it is true or false (without quotes)"),
        ("shark_quirks: crlf", "shark_quirks is 'crlf', it is a list"),
        ("shark_quirks: [cr]", "an entry of shark_quirks is 'cr', it is missing-declaration or crlf"),
        ("when_status_unavailable: [warn]", "when_status_unavailable is ['warn'], it is refuse or accept-with"),
        ("acknowledgement: 'a b'", "acknowledgement is 'a b', it is the name of a message"),
        ("receiver: x", "receiver is no OID"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_in_a_sentence_that_names_it(
    tmp_path: Path, setting: str, told: str
) -> None:
    """Some ended as a fault of ours, and most began to serve without a word, as what nobody had asked for."""
    name, _, value = setting.partition(": ")
    path = tmp_path / "kanta-environments.yaml"
    text = package_file("kela", "environments.yaml").read_text(encoding="utf-8")
    path.write_text(text.replace("memory_seconds: 1", f"{name}: {value}", 1), encoding="utf-8")
    with pytest.raises(Misuse) as refused:
        environments_of(cast(Workspace, SimpleNamespace(directory=tmp_path)))
    assert f"{path}: " in refused.value.sentence and "current: " in refused.value.sentence
    assert told in refused.value.sentence


def test_rules_that_refuse_besides_are_a_list(tmp_path: Path) -> None:
    path = tmp_path / "kanta-environments.yaml"
    text = package_file("kela", "environments.yaml").read_text(encoding="utf-8")
    path.write_text(text.replace("refuses_also: []", "refuses_also: frame.receiver"), encoding="utf-8")
    with pytest.raises(Misuse, match=r"refuses_also is 'frame\.receiver', it is a list"):
        environments_of(cast(Workspace, SimpleNamespace(directory=tmp_path)))


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_a_frame_with_changed_octets_gets_an_acknowledgement_that_is_xml(sent: Sent, data: st.DataObject) -> None:
    frame = sent.frame
    place = data.draw(st.integers(0, len(frame) - 1))
    octets = data.draw(st.binary(max_size=4))
    answer = sent.world.kanta().archive(frame[:place] + octets + frame[place + len(octets) :], sent.client)
    assert answer.code in AckCode
    assert answer.accepted or answer.findings
    etree.fromstring(answer.as_xml())
    json.dumps(answer.as_dict())


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_refused_or_read_and_never_raise_anything_else(body: bytes) -> None:
    for reader in (lambda b: unwrap(b, limit=10_000), read_plain, read_request):
        try:
            reader(body)
        except Refused as refused:
            assert refused.rule


@given(st.binary(max_size=200), st.booleans())
def test_a_certificate_message_of_any_bytes_gives_a_certificate_or_nothing(message: bytes, tls13: bool) -> None:
    try:
        _first_certificate(message, tls13=tls13)
    except IndexError:
        assert len(message) < 8, "the watcher takes this for no certificate"


def test_the_server_certificate_is_kept_until_it_comes_near_its_end(tmp_path: Path) -> None:
    made: list[rsa.RSAPublicKey] = []
    card = MemoryCard()

    def certify(key: rsa.RSAPublicKey) -> list[x509.Certificate]:
        made.append(key)
        return [card.certificates["authentication"], card.issuer]

    path = tmp_path / "server.pem"
    server_chain(path, certify, NOW)
    server_chain(path, certify, NOW + timedelta(days=300))
    assert len(made) == 1
    server_chain(path, certify, NOW + timedelta(days=340))
    assert len(made) == 2, "renewed in time"
    path.write_bytes(b"half a file")
    server_chain(path, certify, NOW)
    assert len(made) == 3
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["kela", "scs"])
def test_the_data_files_cite_their_source(name: str) -> None:
    from sotepki.evidence import RuleBook

    for rule in RuleBook.load(package_file(name, "rules.yaml")):
        assert rule.source and rule.text.endswith("."), rule.id
