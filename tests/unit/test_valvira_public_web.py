"""JulkiTerhikki and JulkiSuosikki over HTTP: what people and programs see, what nobody sees, and no 500 ever."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest
from databases import database_url
from http_world import ask, post_form, post_json, worst_status
from registers_world import NOON, Registers, open_registers

from sotepki.loopback import running
from sotepki.serving.faults import Down, ServiceFaultBoard, ServiceFaults
from sotepki.serving.history import RequestHistory
from sotepki.valvira.public_web import NAME, public_application


@dataclass(frozen=True)
class Service:
    registers: Registers
    faults: ServiceFaultBoard
    history: RequestHistory
    url: str
    board_file: Path


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    faults, history = ServiceFaultBoard(tmp_path / "faults.json"), RequestHistory()
    with open_registers(database_url(tmp_path / "registers.db"), tmp_path / "outbox") as registers:
        app = public_application(registers.valvira, clock=registers.clock, faults=faults, history=history)
        with running(app) as url:
            yield Service(registers, faults, history, url, tmp_path / "faults.json")


def test_json_by_number_has_the_names_that_the_real_service_uses(service: Service) -> None:
    number = service.registers.number("restricted-physician")
    for reply in (
        ask(service.url, f"/julkiterhikki/api/search?number={number}"),
        post_json(service.url, "/julkiterhikki/api/search", {"number": number.value}),
        post_json(service.url, "/julkiterhikki/api/search", {"surname": "jääskeläpuro", "given_names": "kalervo"}),
    ):
        assert reply.status == 200
        (found,) = reply.json
        assert (found["sukunimi"], found["syntymavuosi"]) == ("Jääskeläpuro", 1963)
        assert found["oikeudet"] == [
            {
                "nimi": {"FI": "Laillistettu lääkäri", "SV": "Legitimerad läkare", "EN": "Licensed physician"},
                "rajoituksia": True,
            }
        ]


def test_a_professional_of_one_register_is_not_in_the_other(service: Service) -> None:
    number = service.registers.number("physician")
    assert ask(service.url, f"/julkisuosikki/api/search?number={number}").json == []
    assert len(ask(service.url, f"/julkiterhikki/api/search?number={number}").json) == 1


def test_the_page_speaks_three_languages_finnish_first_and_is_well_formed(service: Service) -> None:
    """A person who reads Swedish, or listens to the page, could not use it."""
    for path, language, word in (
        ("/julkiterhikki", "fi", "Rekisteröintinumero"),
        ("/julkiterhikki?lang=sv", "sv", "Registreringsnummer"),
        ("/julkiterhikki?lang=en", "en", "Registration number"),
        ("/julkisuosikki?lang=klingon", "fi", "Sosiaalihuollon"),
        ("/", "fi", "JulkiSuosikki"),
    ):
        reply = ask(service.url, path)
        assert reply.status == 200
        assert f'<html lang="{language}">' in reply.text and word in reply.text
        assert "<script" not in reply.text
        assert "default-src 'none'" in reply.headers["content-security-policy"]
    form = ask(service.url, "/julkiterhikki").text
    for name in ("number", "surname", "given-names"):
        assert f'<label for="{name}">' in form and f'id="{name}"' in form
    xhtml = form.replace("<!doctype html>", "").replace("required>", "/>")
    for void in ('<meta charset="utf-8">', '<meta name="viewport" content="width=device-width, initial-scale=1">'):
        xhtml = xhtml.replace(void, "")
    ElementTree.fromstring(xhtml)


def test_the_form_answers_a_search_without_javascript(service: Service) -> None:
    reply = post_form(service.url, "/julkiterhikki?lang=sv", surname="Jääskeläpuro", given_names="Antero")
    assert reply.status == 200
    assert "Legitimerad läkare" in reply.text and "rättigheten är begränsad" in reply.text
    assert "1963" in reply.text and "4.5.2026" not in reply.text and "04.05.2026 00.00" in reply.text


@pytest.mark.parametrize(
    ("language", "fields", "said"),
    [
        ("fi", {"number": "900"}, "yksitoista numeroa"),
        ("sv", {"surname": "Jääskeläpuro", "given_names": ""}, "minst ett förnamn"),
        ("fi", {"surname": "J*", "given_names": "Ka"}, "jokerimerkki"),
        ("sv", {"surname": "a\x07", "given_names": "Ka"}, "annat än text"),
        ("en", {"number": "900"}, "eleven digits"),
    ],
)
def test_a_refusal_speaks_the_language_of_the_page_and_keeps_what_was_typed(
    service: Service, language: str, fields: dict[str, str], said: str
) -> None:
    """Who mistyped one letter of a long name would type all of it again, and read why in a foreign language."""
    reply = post_form(service.url, f"/julkiterhikki?lang={language}", **fields)
    assert reply.status == 400
    assert said in reply.text
    assert ('<p lang="en">' in reply.text) == (language == "en")
    assert all(f'value="{typed}"' in reply.text for typed in fields.values())


def test_nobody_sees_identity_codes_contents_of_restrictions_or_ended_rights(service: Service) -> None:
    registers = service.registers
    for role in ("restricted-physician", "nurse-whose-right-was-removed", "physician"):
        number, hetu = registers.number(role), registers.hetu(role).value
        for reply in (
            post_form(service.url, "/julkiterhikki", number=number.value),
            ask(service.url, f"/julkiterhikki/api/search?number={number}"),
        ):
            assert hetu not in reply.text and hetu[:6] not in reply.text
            assert "Lääkkeen määrääminen" not in reply.text
    gone = registers.number("nurse-whose-right-was-removed")
    assert ask(service.url, f"/julkiterhikki/api/search?number={gone}").json == []


def test_names_are_escaped_wherever_they_come_from(service: Service) -> None:
    """A name with markup in it would run in the reader's browser."""
    reply = post_form(service.url, "/julkiterhikki", surname="<script>alert(1)</script>*", given_names="x")
    assert reply.status == 400
    assert "<script>" not in reply.text
    assert 'role="alert"' in reply.text


@pytest.mark.parametrize(
    ("question", "rule"),
    [
        ({}, "valvira.search.one-person"),
        ({"surname": "Jääskeläpuro"}, "valvira.search.one-person"),
        ({"number": "00900000001", "surname": "A", "given_names": "B"}, "valvira.search.one-person"),
        ({"surname": "J*", "given_names": "K"}, "valvira.search.no-wildcards"),
        ({"surname": "a" * 10_000, "given_names": "K"}, "valvira.search.name"),
        ({"surname": "a\nb", "given_names": "K"}, "valvira.search.name"),
        ({"number": "1" * 5000}, "identifier.registration-number.form"),
        ({"number": "170181-936V"}, "identifier.registration-number.form"),
        ({"hetu": "170181-936V"}, ""),
        ({"number": 900000001}, ""),
    ],
)
def test_a_wrong_question_is_refused_with_its_rule(service: Service, question: dict[str, object], rule: str) -> None:
    reply = post_json(service.url, "/julkiterhikki/api/search", question)
    assert reply.status == 400
    assert reply.json["rule"] == rule
    assert reply.json["message"]


def test_a_removal_shows_on_the_next_day_only(service: Service) -> None:
    """The public copy is made once a day: a system that trusts it would be a day late."""
    registers, number = service.registers, service.registers.number("nurse")
    registers.valvira.remove_right(number, "T06", actor="x", reason="test")
    path = f"/julkiterhikki/api/search?number={number}"
    registers.advance(minutes=5)
    assert len(ask(service.url, path).json) == 1
    registers.advance(days=1)
    assert ask(service.url, path).json == []
    service.faults.set(NAME, ServiceFaults(stale_hours=48))
    assert len(ask(service.url, path).json) == 1, "a stale service tells what was"


def test_a_service_can_be_down_in_two_ways_and_honest_again(service: Service) -> None:
    path = "/julkiterhikki/api/search?number=00900000001"
    service.faults.set(NAME, ServiceFaults(down=Down.UNAVAILABLE, answers=1))
    assert ask(service.url, path).status == 503
    assert ask(service.url, path).status == 200
    ServiceFaultBoard(service.board_file).set(NAME, ServiceFaults(down=Down.DROPPED))
    with pytest.raises((ConnectionError, OSError)):
        ask(service.url, path)
    assert ask(service.url, "/health").status == 200, "the operator's pages stay"
    service.faults.clear()
    assert ask(service.url, path).status == 200
    assert [(one.status, one.faulty) for one in service.history.records()][:4] == [
        (503, True), (200, False), (0, True), (200, False),
    ]  # fmt: skip


def test_the_history_tells_that_somebody_asked_and_not_about_whom(service: Service) -> None:
    number = service.registers.number("physician").value
    ask(service.url, f"/julkiterhikki/api/search?number={number}")
    post_form(service.url, "/julkiterhikki", surname="Hallavuo", given_names="Aino")
    told = ask(service.url, "/history").text
    assert number not in told and "Hallavuo" not in told
    assert "/julkiterhikki" not in told or "number=" not in told
    assert [one.status for one in service.history.records(NAME)][:2] == [200, 200]
    assert service.history.records(NAME)[0].at == NOON


def test_no_rubbish_gives_a_500(service: Service) -> None:
    status, what = worst_status(service.url, ("/julkiterhikki", "/julkisuosikki/api/search", "/"))
    assert status < 500, what
    assert ask(service.url, "/health").json == {"status": "ok", "service": NAME}
