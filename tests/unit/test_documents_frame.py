"""The message frame: what goes in comes out byte for byte, and contradictions with the document are found."""

from __future__ import annotations

import base64
import re
from datetime import timedelta

import document_world as world
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sotepki.documents import build_frame, check_frame, open_frame, verify_document
from sotepki.errors import Refused
from sotepki.evidence import Severity, Verdict
from sotepki.identifiers import Oid

MESSAGE = Oid("1.2.246.10.12345671.94.1")


def framed(document: bytes, sender: Oid = world.ORGANISATION.oid) -> bytes:
    return build_frame(document, message_id=MESSAGE, sender=sender, at=world.NOW + timedelta(minutes=1))


def test_the_document_comes_out_byte_for_byte() -> None:
    """A frame that touches the document would break its signature."""
    for document in (world.signed_by_system(), b"\xef\xbb\xbf" + world.signed_by_system().replace(b"\n", b"\r\n")):
        frame = open_frame(framed(document))
        assert frame.document == document
        assert (frame.message_id, frame.sender, frame.service_request) == (MESSAGE, world.ORGANISATION.oid, "SP1")
        assert frame.document_id == frame.set_id == world.DOCUMENT
        assert check_frame(frame, verify_document(document, world.context())) == ()


def test_a_large_document_is_signed_framed_opened_and_verified() -> None:
    """A plan with 12 MB of scans in it was refused as malformed XML, alone and again in its frame."""
    unsigned = world.unsigned(author=None)
    body = re.search(rb">([A-Za-z0-9+/=]{300,})</hl7fi:json>", unsigned)
    assert body is not None
    text = base64.b64decode(body[1])
    place = text.rindex(b'"}')
    large = base64.b64encode(text[:place] + b"x" * 9_000_000 + text[place:])
    document = world.signed_by_system(unsigned[: body.start(1)] + large + unsigned[body.end(1) :])
    assert len(large) > 12_000_000
    frame = open_frame(framed(document))
    assert frame.document == document
    report = verify_document(frame.document, world.context())
    assert report.verdict is Verdict.VALID and check_frame(frame, report) == ()
    changed = document.replace(b"eHh4" * 9, b"eHh5" * 9, 1)
    assert verify_document(changed, world.context()).verdict is Verdict.INVALID


def test_a_message_id_has_a_root_and_perhaps_an_extension() -> None:
    """docs/field/kanta.md 6: a root alone may be that of the vendor, the same in all its messages."""
    data = framed(world.signed_by_system())
    assert (open_frame(data).message_extension, open_frame(data).message_key) == ("", str(MESSAGE))
    named = f'<id root="{MESSAGE}"'
    frame = open_frame(_beside_document(data, named, f'{named} extension="2026-^7"'))
    assert (frame.message_id, frame.message_extension) == (MESSAGE, "2026-^7")
    assert frame.message_key == f"{MESSAGE}^2026-^7"
    with pytest.raises(Refused, match="message id has 5000 characters; at most 256 are taken") as refused:
        open_frame(_beside_document(data, named, f'{named} extension="{"x" * 5000}"'))
    assert refused.value.rule == "frame.structure"


def test_a_frame_around_another_document() -> None:
    """Document id, setId and sender must agree, or the archive files under the wrong name."""
    other = world.signed_by_system(world.unsigned(author=None, document_oid=Oid("1.2.246.10.12345671.93.9")))
    frame = open_frame(framed(world.signed_by_system(), sender=Oid("1.2.246.10.12345671.10.9")))
    found = check_frame(frame, verify_document(other, world.context()))
    assert {finding.rule: finding.severity for finding in found} == {
        "frame.document-id": Severity.ERROR,
        "frame.set-id": Severity.ERROR,
        "frame.sender": Severity.ERROR,
    }


def _beside_document(frame: bytes, old: str, new: str) -> bytes:
    """The frame with a change in what it says itself."""
    assert frame.count(old.encode()) == 1, old
    return frame.replace(old.encode(), new.encode())


_CLIENT = 'root="1.2.246.21" extension="010181-900C"'
_AUTHOR_ID = f'root="1.2.246.537.26" extension="{world.AUTHOR.registration_number}"'
_REGISTER = '<reasonCode code="1" codeSystem="1.2.246.537.6.1289.201901"/>'


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('<versionNumber value="1"/>', '<versionNumber value="2"/>', {"frame.version": "error"}),
        (_CLIENT, 'root="1.2.246.21" extension="010181-902E"', {"frame.client": "error"}),
        (
            _AUTHOR_ID,
            'root="1.2.246.537.26" extension="98765432109"',
            {"frame.author": "error", "frame.author-certificate": "warning"},
        ),
        (
            f'<representedOrganization>\n              <id root="{world.ORGANISATION.oid}"/>',
            '<representedOrganization><id root="1.2.246.10.12345671.10.9"/>',
            {"frame.custodian": "error"},
        ),
        (
            _REGISTER,
            _REGISTER + '<reasonCode code="9" codeSystem="1.2.246.537.6.1264.201701"/>',
            {"frame.register": "warning"},
        ),
        (_REGISTER, _REGISTER + '<reasonCode code="1" codeSystem="1.2.246.537.6.1264.201701"/>', {}),
        (
            _REGISTER,
            _REGISTER + '<reasonCode codeSystem="1.2.246.537.6.1264.201701"/>',
            {"frame.register": "warning"},
        ),
        ('<versionNumber value="1"/>', "", {}),
        (
            f'<representedOrganization>\n              <id root="{world.ORGANISATION.oid}"/>',
            "<representedOrganization>",
            {},
        ),
        (f"          <id {_AUTHOR_ID}/>", "", {}),
        (f"            <id {_CLIENT}/>", "", {}),
    ],
)
def test_what_the_frame_says_of_the_document(old: str, new: str, expected: dict[str, str]) -> None:
    """The archive files a document by its frame: another client, author, custodian or version is found; what the
    frame does not say is not asked for.
    """
    document = world.signed_by_professional()
    frame = open_frame(_beside_document(framed(document), old, new))
    found = check_frame(frame, verify_document(document, world.context()))
    assert {finding.rule: str(finding.severity) for finding in found} == expected
    assert "902E" not in str(found), "a report does not repeat a whole identity code"


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        (b"RCMR_IN200002FI01 xmlns", b"RCMR_IN200003FI01 xmlns", "xml.not-well-formed"),
        (b"urn:hl7-org:v3", b"urn:hl7-org:v2", "frame.structure"),
        (b"<sender ", b"<sender/><sender ", "frame.structure"),
        (b'<id root="1.2.246.10.12345671.94.1"/>', b'<id root="not an oid"/>', "frame.structure"),
        (b"1.2.246.537.6.1503.201601", b"1.2.3", "frame.structure"),
        (b'code="SP1"', b'code=""', "frame.structure"),
        (b'representation="B64">', b'representation="B64">***', "frame.carriage"),
        (b'representation="B64"', b'representation="TXT"', "frame.carriage"),
    ],
)
def test_frames_that_cannot_be_opened(old: bytes, new: bytes, rule: str) -> None:
    """One sentence with the rule for each fault of a message."""
    with pytest.raises(Refused) as caught:
        open_frame(framed(world.signed_by_system()).replace(old, new))
    assert caught.value.rule == rule


def test_a_system_may_sign_what_a_professional_wrote() -> None:
    """The organisation is not among the authors, and need not be."""
    document = world.signed_by_system(world.unsigned())
    assert check_frame(open_frame(framed(document)), verify_document(document, world.context())) == ()


def test_a_document_without_a_set_id_is_framed_as_the_first_of_its_set() -> None:
    """Our own frame would be called a contradiction of the document in it."""
    set_id = f'<setId root="{world.DOCUMENT}"/>'.encode()
    document = world.signed_by_system(world.unsigned(author=None).replace(set_id, b""))
    frame = open_frame(framed(document))
    assert frame.set_id == world.DOCUMENT
    assert check_frame(frame, verify_document(document, world.context())) == ()


def test_a_frame_around_something_that_is_no_document_is_compared_all_the_same() -> None:
    """A message with a broken document in it is answered, and with the document's faults."""
    found = check_frame(open_frame(framed(world.signed_by_system())), verify_document(b"<x/>", world.context()))
    assert {finding.rule for finding in found} >= {"frame.document-id", "frame.set-id"}


def test_unusual_receiver_and_interaction_warn() -> None:
    """Both are observed only, so a vendor is told and not failed."""
    data = (
        framed(world.signed_by_system())
        .replace(b"1.2.246.556.18007.2", b"1.2.3")
        .replace(b"2.16.840.1.113883.1.6", b"1.2.4")
    )
    found = check_frame(open_frame(data), verify_document(world.signed_by_system(), world.context()))
    assert {f.rule: f.severity for f in found} == {
        "frame.interaction": Severity.WARNING,
        "frame.receiver": Severity.WARNING,
    }


_FRAME = framed(world.signed_by_system())


@given(st.integers(0, len(_FRAME) - 1), st.integers(0, 30), st.binary(max_size=10))
def test_any_change_of_bytes_is_opened_or_refused(place: int, length: int, new: bytes) -> None:
    """A message from the network never raises anything but a refusal."""
    try:
        open_frame(_FRAME[:place] + new + _FRAME[place + length :])
    except Refused as refusal:
        assert refusal.rule
