"""Every page of the package in every state that a person meets, running: one workspace, all services, one browser."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from browser_world import chromium, tab

from sotepki import loopback
from sotepki.identifiers import RegistrationNumber
from sotepki.journey import load_cast
from sotepki.journey.card_holder import PIN1, PIN2, card_in_hand
from sotepki.kela.archive_service import ARCHIVE_PATH
from sotepki.reference_system import ReferenceSystem
from sotepki.reference_system.starting import give_access, surroundings
from sotepki.scs import tls_context
from sotepki.scs.explaining import Trusted
from sotepki.scs.test_page import TestPage
from sotepki.services import catalogue, chosen, running_house
from sotepki.services.workstation import Desk, workstation_of
from sotepki.tokens import Pin
from sotepki.workspace import Workspace
from sotepki.x509.status import CertificateState, CertificateStatus

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_STAFF = RegistrationNumber("00900000005")
_SERVICES = (
    "status", "publication", "public-rights", "attribute-service", "kanta", "kela", "scs", "workstation",
)  # fmt: skip


@dataclass
class Town:
    """Everything that runs, and the session of somebody who has logged in to the reference system.

    Attributes:
        urls: where the pages are, by a name of this file; without a slash at the end.
        cookies: of the session.
        documents: addresses of documents of the reference system, by their state.
    """

    browser: Browser
    desk: Desk
    card: str
    urls: dict[str, str]
    number: str
    cookies: list[Any] = field(default_factory=list)
    documents: dict[str, str] = field(default_factory=dict)

    def type_pin(self, page: Page, pin: Pin | None) -> None:
        """Answer the question that the page's request opens; None cancels."""
        until = time.monotonic() + 60
        while self._pins().question is None:
            assert time.monotonic() < until, f"no PIN is asked for: {page.locator('body').inner_text()}"
            time.sleep(0.05)
        question = self._pins().question
        assert question is not None
        self._pins().answer(question.id, pin)

    def forget(self) -> None:
        """Nobody asks any more: a page that was left may still have waited for a PIN."""
        question = self._pins().question
        if question is not None:
            self._pins().answer(question.id, None)

    def _pins(self) -> Any:
        return self.desk.pins


@contextmanager
def town(directory: Path) -> Iterator[Town]:
    """The town, until the block ends."""
    cast = load_cast()
    with Workspace.create(directory, card_keys=2) as workspace, ExitStack() as stack:
        card = card_in_hand(
            workspace, registrar=cast.person("registrar-county-1"), applicant=cast.person("social-worker")
        ).card_number
        organisation = workspace.thl.organisation(cast.organisation("social-services"))
        assert organisation is not None
        give_access(workspace, organisation, [_STAFF])
        offices = chosen(catalogue(), _SERVICES)
        house = stack.enter_context(
            running_house(workspace, offices, ports={one.name: 0 for one in offices}, options={"card": card})
        )
        desk, urls = workstation_of(house), {one.name: house.url_of(one.name) for one in offices}
        context = tls_context(desk.chain)
        trusted = Trusted(
            (workspace.authorities.root,),
            tuple(workspace.authorities.chain("sote-persons")),
            lambda _certificate, _issuer: CertificateStatus(CertificateState.GOOD),
        )
        test_page = TestPage(trusted, workspace.clock, urls["scs"]).application()
        urls["test-page"] = stack.enter_context(loopback.running(test_page, context))
        world = surroundings(
            workspace, organisation, cast, status=house.status_lookup,
            kanta_url=urls["kanta"].replace("127.0.0.1", "localhost") + ARCHIVE_PATH,
            attributes_url=urls["attribute-service"],
        )  # fmt: skip
        system = ReferenceSystem(world, urls["scs"])
        urls["system"] = stack.enter_context(loopback.running(system.application(), context))
        browser = stack.enter_context(chromium(desk.chain.with_suffix(".crt")))
        made = Town(browser, desk, card, urls, _STAFF.value)
        _one_day_of_work(made, system)
        yield made


def _one_day_of_work(here: Town, system: ReferenceSystem) -> None:
    """Log in, and leave a document in each of its states."""
    with tab(here.browser) as page:
        page.goto(here.urls["system"])
        here.documents["draft"] = here.documents["signed"] = here.documents["archived"] = ""
        page.locator("#login").click()
        here.type_pin(page, PIN1)
        page.wait_for_url("**/documents")
        for state in here.documents:
            page.goto(here.urls["system"] + "/documents/new")
            page.locator("main button").click()
            page.locator("#sign").wait_for()
            here.documents[state] = page.url
            if state != "draft":
                _sign(here, page, system, reaches_kanta=state == "archived")
        here.cookies = list(page.context.cookies())


def _sign(here: Town, page: Page, system: ReferenceSystem, *, reaches_kanta: bool) -> None:
    world = system.casework.world
    if not reaches_kanta:
        system.casework.world = replace(world, kanta_url="https://127.0.0.1:1")
    try:
        page.locator("#sign").click()
        here.type_pin(page, PIN2)
        page.locator("#sign").wait_for(state="detached")
    finally:
        system.casework.world = world


Way = Callable[["Page", Town], None]


def system_page(path: str) -> Way:
    """A page of the reference system, for somebody who is logged in."""

    def way(page: Page, here: Town) -> None:
        page.context.add_cookies(here.cookies)
        page.goto(here.documents.get(path) or here.urls["system"] + path)

    return way


def page_of(name: str, path: str = "/") -> Way:
    """A page as it is first seen."""

    def way(page: Page, here: Town) -> None:
        page.goto(here.urls[name] + path)

    return way


def login_cancelled(page: Page, here: Town) -> None:
    page.goto(here.urls["system"])
    page.locator("#login").click()
    here.type_pin(page, None)
    page.locator("#said.bad").wait_for()


def document_unknown(page: Page, here: Town) -> None:
    system_page("/documents/1.2.3")(page, here)
    assert page.locator(".note.bad").is_visible()


def signed_on_the_test_page(page: Page, here: Town) -> None:
    _sign_on_the_test_page(page, here)
    here.type_pin(page, PIN2)
    page.locator("#sign-result .checks").wait_for()


def _sign_on_the_test_page(page: Page, here: Town) -> None:
    page.goto(here.urls["test-page"])
    # What the service says of itself moves the button down: a press that began before would end beside it.
    page.locator("#version").wait_for()
    page.locator("#sign").click()


def refused_on_the_test_page(page: Page, here: Town) -> None:
    page.goto(here.urls["test-page"])
    page.locator("#address").fill("https://127.0.0.1:1")
    page.locator("#look").click()
    page.locator("#card-state.bad").wait_for()
    page.locator("#login").click()
    page.locator("#login-result .note.bad").wait_for()


def asking_for_a_pin(page: Page, here: Town) -> None:
    with tab(here.browser) as other:
        page.goto(here.urls["workstation"])
        page.locator("#card-state.good").wait_for()
        _sign_on_the_test_page(other, here)
        page.locator("#question").wait_for()


def validated(name: str, content: bytes) -> Way:
    """The validation page after a file was chosen."""

    def way(page: Page, here: Town) -> None:
        page.goto(here.urls["kela"] + "/validation")
        page.locator("#file").set_input_files({"name": name, "mimeType": "application/xml", "buffer": content})
        page.locator("#verdict.bad").wait_for()

    return way


def searched(number: str | None) -> Way:
    """The public information service after a search, with None for one that is in it."""

    def way(page: Page, here: Town) -> None:
        page.goto(here.urls["public-rights"] + "/julkisuosikki")
        page.locator("#number").fill(here.number if number is None else number)
        page.locator("button").first.click()
        page.wait_for_load_state()

    return way
