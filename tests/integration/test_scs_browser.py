"""The test page and the page of the workstation in real Chromium: what a person sees who uses an SCS."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from browser_world import chromium, needs_chromium, picture, tab

from sotepki import loopback
from sotepki.clock import SystemClock
from sotepki.journey import load_cast
from sotepki.journey.card_holder import PIN1, PIN2, card_in_hand
from sotepki.scs import SignatureService, load_settings, local_certificate, running, tls_context
from sotepki.scs.explaining import Trusted
from sotepki.scs.pins import PinDesk
from sotepki.scs.readers import ShelfReader
from sotepki.scs.test_page import TestPage
from sotepki.scs.workstation import Workstation
from sotepki.workspace import Workspace
from sotepki.x509.status import CertificateState, CertificateStatus

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.integration, needs_chromium]


@dataclass
class Desk:
    """A workstation in use: its reader, its pages, and the browser on it."""

    reader: ShelfReader
    card: str
    workstation: str
    page: str
    browser: Browser


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    directory = tmp_path_factory.mktemp("scs") / "workspace"
    cast = load_cast()
    with Workspace.create(directory, card_keys=2) as workspace, ExitStack() as stack:
        card = card_in_hand(
            workspace, registrar=cast.person("registrar-county-1"), applicant=cast.person("social-worker")
        ).card_number
        chain = local_certificate(directory / "scs" / "localhost.pem", SystemClock().now())
        reader = stack.enter_context(ShelfReader(workspace.cards))
        pins = PinDesk()
        station = Workstation(reader, pins, reader)
        service = SignatureService(reader, pins, (), load_settings("1.2"), station.note)
        scs_url = stack.enter_context(running(service, chain, port=0))
        trusted = Trusted(
            (workspace.authorities.root,),
            tuple(workspace.authorities.chain("sote-persons")),
            lambda _certificate, _issuer: CertificateStatus(CertificateState.GOOD),
        )
        page = TestPage(trusted, workspace.clock, scs_url).application()
        yield Desk(
            reader,
            card,
            stack.enter_context(loopback.running(station.application(), tls_context(chain))),
            stack.enter_context(loopback.running(page, tls_context(chain))),
            stack.enter_context(chromium(chain.with_suffix(".crt"))),
        )


@pytest.fixture
def pages(desk: Desk) -> Iterator[tuple[Page, Page]]:
    """The test page and the workstation's page, side by side, with the card in the reader."""
    desk.reader.insert(desk.card)
    with tab(desk.browser) as page, tab(desk.browser, width=480) as station:
        page.goto(desk.page)
        station.goto(desk.workstation)
        page.locator("#card-state").filter(has_text="Kortti on lukijassa").wait_for()
        yield page, station


def asked(station: Page) -> str:
    """Which PIN the open question is about."""
    station.locator("#question").wait_for()
    return station.locator("#pin-label").inner_text()


def type_pin(station: Page, pin: str) -> None:
    asked(station)
    station.locator("#pin").fill(pin)
    station.get_by_role("button", name="Hyväksy").click()


def result(page: Page, which: str) -> str:
    found = page.locator(f"#{which}-result .note:not(:has-text('Anna tunnusluku'))")
    return found.inner_text()


def test_a_login_challenge_is_signed_by_pin1_and_judged(pages: tuple[Page, Page]) -> None:
    page, station = pages
    page.get_by_role("button", name="Kokeile kirjautumista").click()
    assert "Perustunnusluku" in asked(station)
    assert station.locator("#origin").inner_text() == page.url.rstrip("/")
    picture(station, "scs-pin")
    type_pin(station, PIN1.reveal())
    assert "kunnossa" in result(page, "login")
    assert page.locator("#login-result .passed").count() == 5


@pytest.mark.parametrize(
    ("kind", "hash_name", "content"),
    [("signature", "SHA256", "data"), ("cms", "SHA512", "data"), ("cms-pades", "SHA256", "digest")],
)
def test_a_document_is_signed_by_pin2_in_the_chosen_form(
    pages: tuple[Page, Page], kind: str, hash_name: str, content: str
) -> None:
    page, station = pages
    page.select_option("#type", kind)
    page.select_option("#hash", hash_name)
    page.select_option("#content-type", content)
    page.get_by_role("button", name="Allekirjoita").click()
    assert "Allekirjoitustunnusluku" in asked(station)
    type_pin(station, PIN2.reveal())
    assert "kunnossa" in result(page, "sign")
    if kind == "signature":
        picture(page, "scs-test-page")


def test_a_user_who_cancels_gives_no_signature(pages: tuple[Page, Page]) -> None:
    page, station = pages
    page.get_by_role("button", name="Allekirjoita").click()
    station.get_by_role("button", name="Peruuta").click()
    assert "scs.pin.cancelled" in result(page, "sign")


def test_a_wrong_pin_is_said_on_both_pages_and_costs_a_try(pages: tuple[Page, Page]) -> None:
    page, station = pages
    page.get_by_role("button", name="Allekirjoita").click()
    type_pin(station, "999999")
    assert "scs.pin.refused" in result(page, "sign")
    station.locator("#last").filter(has_text="scs.pin.refused").wait_for()
    page.get_by_role("button", name="Allekirjoita").click()
    asked(station)
    assert station.locator("#tries").inner_text().endswith("4")
    type_pin(station, PIN2.reveal())
    assert "kunnossa" in result(page, "sign")


def test_a_card_that_is_pulled_while_the_pin_is_asked_for_ends_the_question(pages: tuple[Page, Page]) -> None:
    page, station = pages
    page.get_by_role("button", name="Kokeile kirjautumista").click()
    station.locator("#question").wait_for()
    station.get_by_role("button", name="Poista kortti").click()
    assert "scs.card.removed" in result(page, "login")
    station.locator("#nothing").wait_for()


def test_without_a_card_the_page_says_so_and_signing_fails(desk: Desk, pages: tuple[Page, Page]) -> None:
    page, station = pages
    desk.reader.remove()
    page.get_by_role("button", name="Tarkista").click()
    page.locator("#card-state").filter(has_text="ei ole korttia").wait_for()
    page.get_by_role("button", name="Allekirjoita").click()
    assert "scs.card.missing" in result(page, "sign")
    station.locator("#card-state:not(.good)").wait_for()  # the station looks for itself, a little later
    station.get_by_role("button", name="Aseta kortti").click()
    station.locator("#card-state.good").wait_for()
    page.get_by_role("button", name="Tarkista").click()
    page.locator("#card-state").filter(has_text="Kortti on lukijassa").wait_for()


def test_a_service_that_does_not_run_is_said_in_words(pages: tuple[Page, Page]) -> None:
    page, _ = pages
    page.locator("#address").fill("https://127.0.0.1:1")
    page.get_by_role("button", name="Tarkista").click()
    page.locator("#service-note").filter(has_text="ei luota sen varmenteeseen").wait_for()


def test_a_foreign_page_cannot_have_a_login_of_ours_signed(desk: Desk, pages: tuple[Page, Page]) -> None:
    """The page asks from https://localhost, the challenge is bound to https://127.0.0.1: no PIN is asked for."""
    page, station = pages
    address = page.locator("#address").input_value()
    challenge = page.evaluate("async () => (await postJson('/challenge', {version: '1.2'})).content")
    with tab(desk.browser) as foreign:
        foreign.goto(desk.page.replace("127.0.0.1", "localhost"))
        said = foreign.evaluate(
            "async ([base, content]) => { scs.base = base;"
            " try { return await scs.sign(content, 'digitalSignature'); } catch (error) { return error.message; } }",
            [address, challenge],
        )
    assert "scs.origin.mismatch" in said
    assert station.locator("#question").is_hidden()


def test_the_page_fits_a_telephone_and_speaks_swedish_and_english(desk: Desk) -> None:
    with tab(desk.browser, width=360) as page:
        for language, title in (("sv", "Testsida"), ("en", "Signature service test page"), ("fi", "testisivu")):
            page.goto(f"{desk.page}/?lang={language}")
            assert title in page.locator("h1").inner_text()
            assert page.locator("html").get_attribute("lang") == language
            assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_other_sites_cannot_type_pins_or_frame_the_pad(desk: Desk) -> None:
    import json
    import ssl
    import urllib.error
    import urllib.request

    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    request = urllib.request.Request(
        desk.workstation + "/pin",
        data=json.dumps({"id": "x", "pin": "1234"}).encode(),
        headers={"Content-Type": "application/json", "Origin": "https://attacker.example"},
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, context=context, timeout=10)
    assert refused.value.code == 403
    rebound = urllib.request.Request(desk.workstation + "/state", headers={"Host": "attacker.example"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(rebound, context=context, timeout=10)
    assert refused.value.code == 403
    with urllib.request.urlopen(desk.workstation, context=context, timeout=10) as answer:
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Access-Control-Allow-Origin"] is None
