"""Documents made from the templates have the shape of the field, whatever is put into them."""

from __future__ import annotations

from datetime import UTC, datetime

import document_world as world
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sotepki.documents import document_kinds, verify_document
from sotepki.documents.content import read_body
from sotepki.documents.outline import outline
from sotepki.documents.people import parties
from sotepki.documents.times import hl7_time, read_hl7_time, read_signature_time, signature_time
from sotepki.errors import Misuse
from sotepki.identifiers import Hetu, Oid
from sotepki.registers import Person
from sotepki.xmldsig import read_xml

SOME_TEXT = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=30)


def test_the_body_is_bound_to_the_document_id() -> None:
    """A body whose ID is not OID + document id cannot be referenced, and Kanta refuses it."""
    parts = outline(read_xml(world.unsigned()))
    assert parts.body.get("ID") == f"OID{world.DOCUMENT}"
    assert parts.document_id == parts.set_id == str(world.DOCUMENT)
    assert parts.collection is None


def test_text_and_json_tell_the_same() -> None:
    """A reader of the XHTML and a program reading the JSON must see the same client and author."""
    content = read_body(outline(read_xml(world.unsigned(title="Suunnitelma <1> & 2"))).body)
    assert content.media_type == "application/xhtml+xml"
    assert "Suunnitelma &lt;1&gt; &amp; 2" in content.text.decode()
    assert content.structured["asiakas"]["henkilotunnus"] == str(world.CLIENT.hetu)
    assert content.structured["laatija"]["rekisterointinumero"] == str(world.AUTHOR.registration_number)


@given(SOME_TEXT, SOME_TEXT, SOME_TEXT)
def test_any_names_and_texts_are_escaped(given_names: str, surname: str, paragraph: str) -> None:
    """A name with an ampersand must not break the document or smuggle elements into it."""
    person = Person(Hetu("010181-900C"), given_names, surname)
    parts = outline(read_xml(world.unsigned(client=person, paragraphs=[paragraph], title=surname)))
    assert parties(parts).clients == ("010181-900C",)
    assert read_body(parts.body).structured["asiakas"]["sukunimi"] == surname


def test_a_system_document_names_no_professional() -> None:
    """A document without an author must not pretend that a professional wrote it."""
    known = parties(outline(read_xml(world.unsigned(author=None))))
    assert known.authors == ()
    assert known.custodian == str(world.ORGANISATION.oid)


def test_a_correction_names_what_it_replaces() -> None:
    """The archive must see that version 2 replaces version 1 of the same set."""
    corrected = world.unsigned(
        set_oid=world.DOCUMENT, document_oid=Oid(f"{world.DOCUMENT}.2"), version=2, replaces=world.DOCUMENT
    )
    parts = outline(read_xml(corrected))
    assert (parts.set_id, parts.version) == (str(world.DOCUMENT), 2)
    assert b'typeCode="RPLC"' in corrected


def test_the_same_input_gives_the_same_bytes() -> None:
    """Training material must be identical from run to run."""
    assert world.unsigned() == world.unsigned()


def test_kinds_carry_their_service_request() -> None:
    """SP1 archives client-relationship documents, SP17 client documents."""
    assert {kind.id: kind.service_request for kind in document_kinds().values()} == {
        "client-relationship": "SP1",
        "client-plan": "SP17",
    }
    with pytest.raises(Misuse):
        world.unsigned(kind="poem")


def test_an_unsigned_document_is_not_valid() -> None:
    """A receiver must never take a document that nobody signed."""
    report = verify_document(world.unsigned(), world.context())
    assert [finding.rule for finding in report.findings] == ["doc.signature.missing"]
    assert str(report.verdict) == "invalid"


def test_times_survive_both_forms() -> None:
    """HL7 TS in Finnish time across the change to summer time, xs:dateTime in UTC with decimals."""
    for moment in (datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC), datetime(2026, 3, 29, 1, 0, 0, tzinfo=UTC)):
        assert read_hl7_time(hl7_time(moment)) == moment
    assert hl7_time(datetime(2026, 7, 1, 12, tzinfo=UTC)) == "20260701150000+0300"
    assert read_signature_time(signature_time(world.NOW)) == world.NOW
    assert read_signature_time("2026-03-01T11:15:30+02:00") == datetime(2026, 3, 1, 9, 15, 30, tzinfo=UTC)
    assert read_signature_time("2026-03-01T09:15:30.1234567Z") == world.NOW.replace(microsecond=123456)


def test_a_whole_second_is_written_with_its_decimals_and_a_time_without_a_zone_is_finnish() -> None:
    """Programs that cut at fixed places, and documents of systems that write no zone, are an everyday thing."""
    assert signature_time(world.NOW.replace(microsecond=0)) == "2026-03-01T09:15:30.000000Z"
    assert read_hl7_time("20260301111530") == world.NOW.replace(microsecond=0)
    assert read_hl7_time("20260701") == datetime(2026, 6, 30, 21, tzinfo=UTC)


def test_a_whole_second_has_its_decimals_and_a_time_without_a_zone_is_finnish() -> None:
    """Programs cut at fixed places, and some systems write no zone; an hour or two off is another day at midnight."""
    assert signature_time(world.NOW.replace(microsecond=0)) == "2026-03-01T09:15:30.000000Z"
    assert read_hl7_time("20260301111530") == world.NOW.replace(microsecond=0)
    assert read_hl7_time("20260701") == datetime(2026, 6, 30, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "2026-03-01T09:15:30", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "2026-03-01", "x" * 999]
)
def test_what_is_no_moment_is_none(text: str) -> None:
    """A timestamp without a zone or outside the calendar must not be guessed at."""
    assert read_signature_time(text) is None
    assert read_hl7_time(text) is None
