"""Whoever sees little, hears the page, uses no mouse or enlarges it can use every page of the package.

WCAG 2.1 A and AA (laki digitaalisten palvelujen tarjoamisesta 306/2019) by axe-core in Chromium, and what axe cannot
see: 320 pixels of width, a reader's own spacing, the way of the key Tab and the focus on it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from accessibility_town import (
    Town,
    Way,
    asking_for_a_pin,
    document_unknown,
    login_cancelled,
    page_of,
    refused_on_the_test_page,
    searched,
    signed_on_the_test_page,
    system_page,
    town,
    validated,
)
from accessibility_world import beyond_a_narrow_screen, lost_for_the_keyboard, needs_axe, violations
from browser_world import needs_chromium, tab

from sotepki.journey.card_holder import PIN2

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [
    pytest.mark.integration,
    needs_chromium,
    needs_axe,
    pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="needs SoftHSM"),
]

WAYS: dict[str, Way] = {
    "services": page_of("status"),
    "kanta-requests": page_of("kela", "/status"),
    "kanta-refusals": page_of("kela", "/status?refused=1"),
    "validation": page_of("kela", "/validation"),
    "validation-found": validated("kirje.xml", b"<letter>this is no document</letter>"),
    "public-rights": page_of("public-rights"),
    "public-rights-form": page_of("public-rights", "/julkiterhikki?lang=sv"),
    "public-rights-found": searched(None),
    "public-rights-refused": searched("12"),
    "scs-test": page_of("test-page"),
    "scs-test-signed": signed_on_the_test_page,
    "scs-test-unreached": refused_on_the_test_page,
    "workstation": page_of("workstation"),
    "workstation-pin": asking_for_a_pin,
    "system-login": page_of("system", "/?lang=sv"),
    "system-login-cancelled": login_cancelled,
    "system-documents": system_page("/documents"),
    "system-new": system_page("/documents/new"),
    "system-draft": system_page("draft"),
    "system-signed": system_page("signed"),
    "system-archived": system_page("archived"),
    "system-refused": document_unknown,
}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with town(tmp_path_factory.mktemp("town") / "workspace") as made:
        yield made


@pytest.fixture(params=WAYS, scope="module")
def page(request: pytest.FixtureRequest, here: Town) -> Iterator[Page]:
    """A page in one of its states."""
    with tab(here.browser, width=1280) as page:
        WAYS[request.param](page, here)
        yield page
        here.forget()


def test_axe_finds_no_fault(page: Page) -> None:
    assert violations(page) == []


def test_nothing_is_cut_off_on_a_narrow_screen(page: Page) -> None:
    assert beyond_a_narrow_screen(page) == []


def test_the_keyboard_reaches_everything_and_the_focus_is_seen(page: Page) -> None:
    assert lost_for_the_keyboard(page) == []


def test_a_pin_is_given_and_refused_with_the_keyboard_alone(here: Town) -> None:
    """Without a mouse nobody could sign; without what is said beside the field nobody would know what for."""
    with tab(here.browser) as page:
        asking_for_a_pin(page, here)
        field = page.locator("#pin")
        assert field.evaluate("(one) => one === document.activeElement")
        told = field.get_attribute("aria-describedby") or ""
        assert all(page.locator(f"#{name}").inner_text() for name in told.split())
        field.press("Escape")
        page.locator("#nothing").wait_for()
        assert page.evaluate("document.activeElement.id") == "pin-title"
        asking_for_a_pin(page, here)
        page.keyboard.type(PIN2.reveal())
        page.keyboard.press("Enter")
        page.locator("#nothing").wait_for()


def test_what_has_not_changed_is_not_announced_again(here: Town) -> None:
    """The page of the workstation looks at its state several times a second; each writing would be read aloud."""
    with tab(here.browser) as page:
        page.goto(here.urls["workstation"])
        page.locator("#card-state.good").wait_for()
        writings = page.evaluate(
            """() => new Promise((done) => {
              let count = 0;
              const watch = new MutationObserver((all) => { count += all.length; });
              watch.observe(document.querySelector("main"), { subtree: true, childList: true, characterData: true });
              setTimeout(() => done(count), 1500);
            })"""
        )
        assert writings == 0


def test_a_button_that_works_keeps_the_focus_and_the_answer_says_its_language(here: Town) -> None:
    """A disabled button loses the focus: who tabs would begin again at the top of the page."""
    with tab(here.browser) as page:
        page.goto(here.urls["system"])
        button = page.locator("#login")
        button.press("Enter")
        page.locator("#login[aria-disabled=true]").wait_for()
        here.type_pin(page, None)
        page.locator("#said.bad [lang=en]").wait_for()
        assert button.evaluate("(one) => one === document.activeElement")
        assert button.get_attribute("aria-disabled") is None


def test_every_page_of_the_reference_system_has_a_title_of_its_own(here: Town) -> None:
    titles = set()
    pages = ("/documents", "/documents/new", "draft", "signed", "archived", "/documents/1.2.3")
    with tab(here.browser) as page:
        for path in pages:
            system_page(path)(page, here)
            titles.add(page.title())
    assert len(titles) == len(pages)


def test_whoever_needs_more_time_is_asked_before_the_session_ends(here: Town) -> None:
    """Who writes slowly would lose the text: WCAG 2.2.1."""
    with tab(here.browser) as page:
        page.clock.install()
        system_page("/documents/new")(page, here)
        ending = page.locator("#ending")
        page.clock.fast_forward("12:50")
        assert ending.is_hidden()
        page.clock.fast_forward("00:20")
        ending.wait_for()
        assert violations(page) == []
        with page.expect_response("**/documents/new") as asked:
            page.locator("#stay").press("Enter")
        assert asked.value.ok
        ending.wait_for(state="hidden")
        page.clock.fast_forward("13:10")
        ending.wait_for()
