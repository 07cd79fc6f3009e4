"""The desk with the readers, faults as settings, the card's face, the rule book of this part."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from sotepki.card import Credential, KeyUse, card_kind
from sotepki.card.door import NO_FAULTS, Exchange, Faults, Quirks
from sotepki.card.face import CardFace
from sotepki.card.pcsc.desk import ReaderDesk
from sotepki.card.pcsc.fault_settings import describe_faults, faults_as_dict, faults_from_json
from sotepki.card.pcsc.opensc import Binding, opensc_configuration
from sotepki.cli import card_reader
from sotepki.errors import Misuse, Refused
from sotepki.evidence import RuleBook
from sotepki.resources import package_file

FAULTS = st.builds(
    Faults,
    tries=st.dictionaries(st.sampled_from(Credential), st.integers(0, 15)),
    latency=st.floats(0, 60, allow_nan=False),
    pulled_after=st.none() | st.integers(0, 1000),
    pulled_in_signature=st.booleans(),
    expired=st.frozensets(st.sampled_from(KeyUse)),
    mismatched=st.booleans(),
    wrong_key=st.frozensets(st.sampled_from(KeyUse)),
    missing_signature_certificate=st.booleans(),
    missing_sv_number=st.booleans(),
    missing_ca_files=st.booleans(),
    unreadable_ca_files=st.booleans(),
    corrupted_token_info=st.booleans(),
    quirks=st.sampled_from(Quirks),
)


@given(FAULTS)
def test_faults_survive_the_way_to_the_other_process(faults: Faults) -> None:
    """A fault that is lost on the way is a test that tests nothing."""
    assert faults_from_json(json.dumps(faults_as_dict(faults))) == faults
    assert bool(describe_faults(faults)) == (faults != NO_FAULTS)


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"latency": "x"}', '{"latency": 1e9}', '{"latency": NaN}', '{"tries": {"pin9": 1}}',
             '{"tries": {"pin1": 99}}', '{"speed": 1}', '{"pulled_after": -1}', '{"expired": ["ring"]}', "[" * 100000]
)  # fmt: skip
def test_settings_that_are_none_are_refused(text: str) -> None:
    """The file may have been edited by hand."""
    with pytest.raises(Misuse) as refused:
        faults_from_json(text)
    assert refused.value.rule == "card.faults.form"


def test_a_reader_is_occupied_by_one_process_at_a_time(tmp_path: Path) -> None:
    """And is free again however the process ended."""
    desk = ReaderDesk(tmp_path / "readers")
    assert desk.occupants() == []
    with desk.occupy(0, "CARD", "opensc", NO_FAULTS) as place:
        assert [(one.card, one.ready) for one in desk.occupants()] == [("CARD", False)]
        place.seen()
        assert desk.holding("CARD").ready
        with pytest.raises(Refused, match="already"), desk.occupy(0, "OTHER", "opensc", NO_FAULTS):
            raise AssertionError
        with desk.occupy(1, "OTHER", "opensc", NO_FAULTS):
            with pytest.raises(Misuse, match="both readers"):
                desk.holding()
            assert desk.holding(reader=1).card == "OTHER"
    assert desk.occupants() == []
    with pytest.raises(Misuse, match="no card in a virtual reader"):
        desk.holding()
    with pytest.raises(Misuse), desk.occupy(2, "CARD", "opensc", NO_FAULTS):
        raise AssertionError


def test_faults_set_at_the_desk_reach_the_card_once(tmp_path: Path) -> None:
    """Set anew after every command, a counter of commands would never run out."""
    desk = ReaderDesk(tmp_path / "readers")
    with desk.occupy(0, "CARD", "opensc", NO_FAULTS) as place:
        assert place.new_faults() is None
        wanted = replace(NO_FAULTS, pulled_after=3)
        desk.set_faults(0, wanted)
        assert place.new_faults() == wanted
        assert place.new_faults() is None


def test_the_trace_on_the_disk_has_no_pin_and_an_end(tmp_path: Path) -> None:
    """A card that stays in for weeks must not fill the disk, nor its trace tell the PIN."""
    desk = ReaderDesk(tmp_path / "readers")
    with desk.occupy(0, "CARD", "opensc", NO_FAULTS) as place:
        place.record(Exchange(bytes.fromhex("0020000404") + b"7391", b"\x90\x00", 1.0))
        for _ in range(50):
            place.record(Exchange(bytes(100_000), b"\x90\x00", 1.0))
    written = b"".join(path.read_bytes() for path in (tmp_path / "readers").iterdir())
    assert b"7391".hex().encode() not in written
    assert b"0020000404" in written
    assert len(written) < 24 << 20
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "readers").iterdir())


@pytest.mark.parametrize(
    ("options", "wanted"), [([], None), (["--pulled-after", "0"], 0), (["--pulled-after", "3"], 3)]
)
def test_a_fault_of_zero_goes_to_the_background_too(
    monkeypatch: pytest.MonkeyPatch, options: list[str], wanted: int | None
) -> None:
    """A card that is to be gone at its first command stayed in, as one without faults."""
    given: list[str] = []
    monkeypatch.setattr(card_reader, "_insert_in_background", lambda _number, _reader, told: given.extend(told))
    result = CliRunner().invoke(card_reader.insert, ["9900000001", "--background", *options])
    assert result.exit_code == 0, result.output
    assert ("--fault-set" in given) is (wanted is not None)
    if wanted is not None:
        assert faults_from_json(given[given.index("--fault-set") + 1]).pulled_after == wanted


def test_the_trace_on_the_disk_has_no_decrypted_content_that_get_response_fetched(tmp_path: Path) -> None:
    """With T=0, or a body over 256 bytes, the content comes in the answers to other commands than the one for it."""
    desk = ReaderDesk(tmp_path / "readers")
    with desk.occupy(0, "CARD", "opensc", NO_FAULTS) as place:
        place.record(Exchange(bytes.fromhex("002A808602 8101"), b"\x61\x06", 1.0))
        place.record(Exchange(bytes.fromhex("00C0000006"), b"secret\x90\x00", 1.0))
    written = desk.trace_path(0).read_text(encoding="ascii")
    assert b"secret".hex() not in written and "2a" * 6 + "9000" in written


def test_opensc_configuration_is_that_of_the_facts() -> None:
    """docs/field/card.md 8.2, byte for byte in what OpenSC compares."""
    text = opensc_configuration()
    assert text.count("card_atr") == 2
    assert 'driver = "MaskTech"; type = 29001;' in text
    assert 'driver = "myeid"; type = 20001;' in opensc_configuration(Binding.MYEID)
    assert text.count("{") == text.count("}")


FACE = CardFace(
    card_kind("professional"), "9900000001", "Äärelä <&>", "Asta \x1b[8m", "310 Sosiaalityöntekijä, Socialarbetare",
    "00000000001", datetime(2031, 3, 1, 22, 30, tzinfo=UTC),
)  # fmt: skip


def test_the_face_shows_what_a_card_shows_and_that_it_is_a_test() -> None:
    """Printed next to a real card it must be taken for nothing but a test."""
    root = etree.fromstring(FACE.svg())
    told = " ".join(root.itertext())
    for wanted in ("9900000001", "Äärelä <&>", "00000000001", "02.03.2031", "Sosiaalityöntekijä", "ammattikortti"):
        assert wanted in told
    assert told.count("TEST") >= 4
    assert "\x1b" not in told
    assert not root.xpath("//@*[contains(., 'http') and name() != 'xmlns']")


def test_the_front_tells_what_the_facts_say_of_each_kind() -> None:
    """docs/field/registration.md 2, row card front: the number, too; a job title is no profession."""

    def front(kind: str) -> str:
        root = etree.fromstring(replace(FACE, kind=card_kind(kind)).svg())
        return " ".join(line.text or "" for line in root.iterchildren("{*}text"))  # the back is a group

    for wanted in ("9900000001", "00000000001", "Äärelä", "02.03.2031", "Profession"):
        assert wanted in front("professional")
    for kind in ("personnel", "actor"):
        assert "Job title" in front(kind) and "9900000001" in front(kind)
        assert "Profession " not in front(kind) and "00000000001" not in front(kind)


def test_a_blank_has_a_face_without_names() -> None:
    """Spare-card blanks are printed with their number only."""
    blank = replace(FACE, surname="", given_name="", title="", registration_number="", valid_to=None)
    told = " ".join(etree.fromstring(blank.svg()).itertext())
    assert "9900000001" in told
    assert "Surname" not in told


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_name_gives_well_formed_svg(surname: str, title: str) -> None:
    """Names are foreign text."""
    etree.fromstring(replace(FACE, surname=surname, title=title).svg())


def test_every_rule_of_readers_and_client_can_be_looked_up() -> None:
    """A refusal that names a rule nobody can look up helps nobody."""
    book = RuleBook.join(RuleBook.load(package_file("card", name)) for name in ("rules.yaml", "rules_readers.yaml"))
    named: set[str] = set()
    for part in ("client", "pcsc", ""):
        for source in package_file("card", part).glob("*.py"):
            named |= set(re.findall(r'rule="(card\.[a-z0-9.-]+)"', source.read_text(encoding="utf-8")))
    assert len(named) > 20
    assert named <= set(book.rules), named - set(book.rules)


def told(desk: ReaderDesk, *, follow: bool = False) -> Iterator[str]:
    """Which commands the trace tells of."""
    return (json.loads(line)["command"] for line in desk.trace_lines(0, follow=follow))


def test_a_trace_that_was_rolled_over_is_told_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After 8 MiB the first half was not shown, and who followed the trace saw nothing any more."""
    monkeypatch.setattr("sotepki.card.pcsc.desk._LARGEST_TRACE", 150)
    desk = ReaderDesk(tmp_path / "readers")
    with desk.occupy(0, "CARD", "opensc", NO_FAULTS) as place:
        for number in range(4):
            place.record(Exchange(bytes([0, 0xA4, 0, number]), b"\x90\x00", 1.0))
        assert desk.old_trace_path(0).exists()
        assert list(told(desk)) == ["00a40000", "00a40001", "00a40002", "00a40003"]
        followed = told(desk, follow=True)
        assert [next(followed) for _ in range(4)][-1] == "00a40003"
        for number in range(4, 8):
            place.record(Exchange(bytes([0, 0xA4, 0, number]), b"\x90\x00", 1.0))
        assert [next(followed) for _ in range(4)] == ["00a40004", "00a40005", "00a40006", "00a40007"]
    assert list(followed) == [], "the card was removed"


def test_the_next_card_begins_a_trace_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of another card's trace stood before this one's, and who followed that would be shown this."""
    monkeypatch.setattr("sotepki.card.pcsc.desk._LARGEST_TRACE", 150)
    desk = ReaderDesk(tmp_path / "readers")
    with desk.occupy(0, "CARD", "opensc", NO_FAULTS) as place:
        for number in range(4):
            place.record(Exchange(bytes([0, 0xA4, 0, number]), b"\x90\x00", 1.0))
        followed = told(desk, follow=True)
        assert [next(followed) for _ in range(4)][-1] == "00a40003"
    monkeypatch.setattr("sotepki.card.pcsc.desk.os.getpid", lambda: 1)  # another process
    with desk.occupy(0, "OTHER", "opensc", NO_FAULTS) as place:
        place.record(Exchange(bytes.fromhex("00a400ff"), b"\x90\x00", 1.0))
        assert list(told(desk)) == ["00a400ff"]
        assert list(followed) == []


class _Waiting:
    """The process behind ``card insert --background``, which takes its time."""

    pid, returncode = 0, None
    ended = False

    def __init__(self, _command: list[str], *, stdout: IO[bytes], **_rest: object) -> None:
        stdout.write(b"told by the new one")

    def poll(self) -> None:
        return None

    def terminate(self) -> None:
        _Waiting.ended = True

    def wait(self) -> int:
        return 0


def test_ctrl_c_keeps_the_card_out_and_the_log_of_the_card_that_is_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command said that nothing was done, and then the card went in; the log of the card before was gone."""

    def interrupted(_seconds: float) -> None:
        raise KeyboardInterrupt

    (tmp_path / "cards").mkdir()
    desk = ReaderDesk(tmp_path / "readers")
    monkeypatch.setattr(card_reader, "workspace_directory", lambda: tmp_path)
    monkeypatch.setattr("sotepki.cli.card_reader.subprocess.Popen", _Waiting)
    monkeypatch.setattr("sotepki.cli.card_reader.time.sleep", interrupted)
    with desk.occupy(0, "CARD", "opensc", NO_FAULTS):
        desk.log_path(0).write_bytes(b"told by the card that is in")
        with pytest.raises(KeyboardInterrupt):
            card_reader._insert_in_background("9900000001", 0, [])
    assert _Waiting.ended
    assert desk.log_path(0).read_bytes() == b"told by the card that is in"
    assert [path.name for path in desk.log_path(0).parent.glob("*.log*")] == ["reader-0.log"]
