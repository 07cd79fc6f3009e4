"""The reference system in real Chromium: login by card, a document, Kanta's acknowledgement, and what it refuses."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from browser_world import chromium, needs_chromium, picture, tab

from sotepki import loopback
from sotepki.clock import SystemClock
from sotepki.errors import Refused
from sotepki.identifiers import RegistrationNumber
from sotepki.journey import load_cast
from sotepki.journey.card_holder import PIN1, PIN2, card_in_hand
from sotepki.kela import OcspOverHttp, reached_at
from sotepki.kela.archive_service import ARCHIVE_PATH
from sotepki.kela.public_service import public_application
from sotepki.reference_system import ReferenceSystem
from sotepki.reference_system.audit import check_audit_log
from sotepki.reference_system.rights import AttributeService, check_rights
from sotepki.reference_system.starting import give_access, surroundings
from sotepki.scs import PinKind, PinRequest, SignatureService, local_certificate, running, tls_context
from sotepki.scs.readers import ShelfReader
from sotepki.services import (
    RunningServices,
    catalogue,
    chosen,
    running_house,
    running_services,
    service_fault_board,
)
from sotepki.serving.faults import Down, ServiceFaults
from sotepki.tokens import Pin
from sotepki.workspace import Workspace

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.integration, needs_chromium]
STAFF = RegistrationNumber("00900000005")


@dataclass
class Place:
    """Everything that runs: services, the workstation, the system, a browser."""

    workspace: Workspace
    services: RunningServices
    reader: ShelfReader
    card: str
    pins: dict[PinKind, Pin | None]
    system: ReferenceSystem
    url: str
    browser: Browser


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    directory, cast = tmp_path_factory.mktemp("reference") / "workspace", load_cast()
    with Workspace.create(directory, card_keys=2) as workspace, ExitStack() as stack:
        card = card_in_hand(
            workspace, registrar=cast.person("registrar-county-1"), applicant=cast.person("social-worker")
        ).card_number
        services = stack.enter_context(running_services(workspace))
        organisation = workspace.thl.organisation(cast.organisation("social-services"))
        assert organisation is not None
        give_access(workspace, organisation, [STAFF])
        chain = local_certificate(directory / "scs" / "localhost.pem", SystemClock().now())
        reader = stack.enter_context(ShelfReader(workspace.cards))
        pins: dict[PinKind, Pin | None] = {PinKind.PIN1: PIN1, PinKind.PIN2: PIN2}

        def typed(request: PinRequest) -> Pin | None:
            return pins[request.kind]

        scs_url = stack.enter_context(running(SignatureService(reader, typed), chain, port=0))
        offices = chosen(catalogue(), ["publication", "attribute-service"])
        house = stack.enter_context(running_house(workspace, offices, ports={one.name: 0 for one in offices}))
        status = OcspOverHttp(workspace.clock, reached_at(services.publication_url))
        kanta_url = services.kanta_url + ARCHIVE_PATH
        world = surroundings(
            workspace, organisation, cast, status=status, kanta_url=kanta_url,
            attributes_url=house.url_of("attribute-service"),
        )  # fmt: skip
        system = ReferenceSystem(world, scs_url)
        url = stack.enter_context(loopback.running(system.application(), tls_context(chain)))
        browser = stack.enter_context(chromium(chain.with_suffix(".crt")))
        yield Place(workspace, services, reader, card, pins, system, url, browser)


@pytest.fixture
def page(place: Place) -> Iterator[Page]:
    place.reader.insert(place.card)
    place.pins.update({PinKind.PIN1: PIN1, PinKind.PIN2: PIN2})
    with tab(place.browser) as page:
        page.goto(place.url)
        yield page


def log_in(page: Page) -> None:
    page.get_by_role("button", name="Kirjaudu ammattikortilla").click()
    page.wait_for_url("**/documents")


def write(page: Page) -> None:
    page.get_by_role("link", name="Uusi asiakirja").click()
    page.get_by_role("button", name="Tallenna luonnos").click()
    page.get_by_role("button", name="Allekirjoita ja lähetä").wait_for()


@contextmanager
def faults(place: Place, wanted: ServiceFaults) -> Iterator[None]:
    """Valvira's role and attribute service with faults on purpose."""
    board = service_fault_board(place.workspace)
    board.set("attribute-service", wanted)
    try:
        yield
    finally:
        board.clear()


def said(page: Page) -> str:
    return page.locator("#said.bad").inner_text()


def logged(place: Place) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (place.system.world.directory / "audit.jsonl").read_bytes().splitlines()]


def test_the_whole_way_from_login_to_the_acknowledgement(place: Place, page: Page) -> None:
    picture(page, "reference-system-login")
    log_in(page)
    assert "Elina Vinhalampi" in page.locator("header").inner_text()
    write(page)
    picture(page, "reference-system-document")
    page.get_by_role("button", name="Allekirjoita ja lähetä").click()
    page.get_by_role("heading", name="Kannan kuittaus").wait_for()
    assert "AA" in page.locator("main").inner_text()
    picture(page, "reference-system-acknowledgement")
    page.get_by_role("link", name="Takaisin").click()
    page.get_by_text("Arkistoitu Kantaan").wait_for()
    page.get_by_role("button", name="Kirjaudu ulos").click()
    page.get_by_role("button", name="Kirjaudu ammattikortilla").wait_for()
    actions = [row["action"] for row in logged(place)]
    assert actions[-5:] == ["logged in", "document written", "document signed", "document sent", "logged out"]
    assert check_audit_log(place.system.world.directory / "audit.jsonl") == len(actions)
    log = (place.system.world.directory / "audit.jsonl").read_text()
    assert str(place.system.world.clients["client-adult"].hetu) not in log


def test_the_pages_fit_a_telephone(place: Place) -> None:
    with tab(place.browser, width=360) as page:
        for language in ("fi", "sv", "en"):
            page.goto(f"{place.url}/?lang={language}")
            assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_kantas_status_page_shows_what_was_sent(place: Place) -> None:
    with loopback.running(public_application(place.services.kanta)) as kela, tab(place.browser) as page:
        page.goto(kela + "/status")
        assert "AA" in page.locator("tbody").inner_text()


def test_a_user_who_cancels_is_told_so_and_may_try_again(place: Place, page: Page) -> None:
    place.pins[PinKind.PIN1] = None
    page.get_by_role("button", name="Kirjaudu ammattikortilla").click()
    assert "scs.pin.cancelled" in said(page)
    place.pins[PinKind.PIN1] = PIN1
    log_in(page)


def test_without_a_card_nobody_logs_in(place: Place, page: Page) -> None:
    place.reader.remove()
    page.get_by_role("button", name="Kirjaudu ammattikortilla").click()
    assert "scs.card.missing" in said(page)


def test_a_login_page_that_is_older_than_its_session_logs_in(place: Place, page: Page) -> None:
    """Who had the page open since before the system was started, or for 15 minutes, pressed the button in vain."""
    place.system.sessions._sessions.clear()
    log_in(page)


def test_a_login_answered_twice_is_refused_the_second_time(place: Place, page: Page) -> None:
    """Who copies a login from the wire cannot use it."""
    second = page.evaluate(
        """async () => {
          const challenge = await postJson("/login/challenge", { version: "1.1" });
          const answer = await scs.sign(challenge.content, "digitalSignature");
          const row = { id: challenge.id, answer };
          await postJson("/login", row);
          const again = await fetch("/", { cache: "no-store" });  // the session is new: so is its token
          const token = /name="csrf" content="([^"]+)"/.exec(await again.text())[1];
          const reply = await fetch("/login", { method: "POST", body: JSON.stringify(row),
            headers: { "Content-Type": "application/json", "X-CSRF-Token": token } });
          return reply.json();
        }"""
    )
    assert second["rule"] == "scs.page.challenge"


def test_a_login_with_another_challenge_than_the_servers_is_refused(page: Page) -> None:
    answer = page.evaluate(
        """async () => {
          const challenge = await postJson("/login/challenge", { version: "1.1" });
          const own = btoa(location.origin + "\\n" + "x".repeat(64));
          const answer = await scs.sign(own, "digitalSignature");
          return postJson("/login", { id: challenge.id, answer }).catch((error) => error.message);
        }"""
    )
    assert "does not verify" in answer


def test_a_session_id_known_before_login_is_worth_nothing_after_it(page: Page) -> None:
    before = [one["value"] for one in page.context.cookies() if one["name"] == "__Host-session"]
    log_in(page)
    after = [one["value"] for one in page.context.cookies() if one["name"] == "__Host-session"]
    assert before and after and before != after


def test_a_form_without_the_sessions_token_changes_nothing(place: Place, page: Page) -> None:
    log_in(page)
    before = len(logged(place))
    status = page.evaluate(
        """async () => (await fetch("/documents", { method: "POST", redirect: "manual",
             body: new URLSearchParams({ client: "client-adult", title: "x", text: "y", csrf: "guess" }) })).status"""
    )
    assert status == 403
    assert len(logged(place)) == before


def test_nobody_sees_documents_without_a_session_nor_those_of_others(place: Place, page: Page) -> None:
    page.goto(place.url + "/documents/1.2.3")
    page.get_by_role("button", name="Kirjaudu ammattikortilla").wait_for()
    log_in(page)
    page.goto(place.url + "/documents/1.2.3")
    page.get_by_text("You have no such document").wait_for()


def test_a_document_stays_signed_while_kanta_is_away_and_is_sent_later(place: Place, page: Page) -> None:
    world = place.system.casework.world
    log_in(page)
    write(page)
    place.system.casework.world = replace(world, kanta_url="https://127.0.0.1:1")
    try:
        page.get_by_role("button", name="Allekirjoita ja lähetä").click()
        page.get_by_text("ei lähetetty").wait_for()
    finally:
        place.system.casework.world = world
    page.get_by_role("button", name="Lähetä uudelleen").click()
    page.get_by_text("Arkistoitu Kantaan").wait_for()


def test_while_valvira_is_silent_nobody_logs_in_and_nothing_is_changed(place: Place, page: Page) -> None:
    log_in(page)
    write(page)
    with faults(place, ServiceFaults(down=Down.UNAVAILABLE)):
        page.get_by_role("button", name="Allekirjoita ja lähetä").click()
        assert "ref.login.rights-unknown" in said(page)
        page.context.clear_cookies()
        page.goto(place.url)
        page.get_by_role("button", name="Kirjaudu ammattikortilla").click()
        assert "could not be asked" in said(page)
    page.goto(place.url)
    log_in(page)


def test_a_service_that_drops_or_dawdles_is_silent_too(place: Place) -> None:
    asked = place.system.world.asked
    assert isinstance(asked, AttributeService)
    hurried = replace(place.system.world, asked=replace(asked, seconds=0.5))
    for fault in (ServiceFaults(down=Down.DROPPED), ServiceFaults(slow_seconds=2)):
        with faults(place, fault), pytest.raises(Refused) as refused:
            check_rights(hurried, STAFF)
        assert refused.value.rule == "ref.login.rights-unknown"
    with faults(place, ServiceFaults(slow_seconds=0.2)):
        check_rights(place.system.world, STAFF)


def test_an_old_answer_is_followed_and_said_and_a_new_one_ends_the_work(place: Place, page: Page) -> None:
    """The right is removed, and Valvira's service still tells of yesterday; then of today."""
    log_in(page)
    valvira = place.workspace.valvira
    (code,) = {right.code for right in valvira.rights_in_force(STAFF, place.workspace.clock.now())}
    person = place.system.world.users(STAFF)
    assert person is not None
    valvira.remove_right(STAFF, code, actor="valvira", reason="test")
    try:
        with faults(place, ServiceFaults(stale_hours=2)):
            sentences: list[str] = []
            check_rights(place.system.world, STAFF, sentences.append)
            assert sentences and "Valvira's answer tells of" in sentences[0]
        page.get_by_role("link", name="Uusi asiakirja").click()
        page.get_by_role("button", name="Tallenna luonnos").click()
        page.get_by_text("ref.login.right").wait_for()
    finally:
        valvira.grant_right(person.person.hetu, code, actor="valvira")


def test_a_system_that_is_not_approved_is_told_so(place: Place) -> None:
    host = f"reference.{place.system.world.organisation.domains[0]}"
    place.workspace.approved_systems.withdraw(host, actor="valvira")
    try:
        with pytest.raises(Refused) as refused:
            check_rights(place.system.world, STAFF)
        assert refused.value.rule == "access.attribute-service"
    finally:
        organisation = place.system.world.organisation
        place.workspace.approved_systems.approve(host, organisation.oid, "Reference system", actor="valvira")


def test_access_that_ends_ends_at_once_and_a_closed_card_logs_nobody_in(place: Place, page: Page) -> None:
    """Last, since the card does not come back."""
    log_in(page)
    write(page)
    provider = place.workspace.provider(place.system.world.organisation.oid)
    provider.access.end(provider.organisation, STAFF, "client-records", actor="test", reason="moved on")
    page.get_by_role("button", name="Allekirjoita ja lähetä").click()
    assert "ref.login.access" in said(page)
    give_access(place.workspace, place.system.world.organisation, [STAFF])
    cast = load_cast()
    place.workspace.vartti.close_card(place.card, "lost", cast.person("social-worker"))
    place.workspace.authorities.publish(place.workspace.published)
    time.sleep(0.1)
    page.context.clear_cookies()
    page.goto(place.url)
    page.get_by_role("button", name="Kirjaudu ammattikortilla").click()
    assert "revoked" in said(page)
