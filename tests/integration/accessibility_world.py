"""What a page must be for everybody: judged by axe-core in a real browser, and by what axe cannot see."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice")
"""The law asks for the first four; headings in order and content in landmarks are among axe's best practices."""

_AXE = importlib.util.find_spec("axe_playwright_python")

needs_axe = pytest.mark.skipif(_AXE is None, reason="needs the package axe-playwright-python of the group dev")

_RUN = """async (rules) => {
  const { violations } = await axe.run(document, { runOnly: rules, resultTypes: ["violations"] });
  return violations.flatMap((one) => one.nodes.map((node) =>
    `${one.id}: ${node.target.join(" ")}: ${node.failureSummary.replace(/\\s+/g, " ")}`));
}"""

# WCAG 1.4.12: a reader's own spacing of letters, words and lines.
_SPACING = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("* { line-height: 1.5 !important; letter-spacing: .12em !important; }"
    + " * { word-spacing: .16em !important; } p { margin-bottom: 2em !important; }");
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
}"""

# What reaches beyond the screen, unless it stands in a box that scrolls by itself and can be focused (a wide table).
_BEYOND = """() => document.documentElement.scrollWidth > innerWidth
  ? [...document.querySelectorAll("body *")].filter((one) => one.getBoundingClientRect().right > innerWidth + 1
      && !one.closest('[tabindex="0"], .skip')).slice(0, 5).map((one) => one.outerHTML.slice(0, 120)) : []"""

# The focus, what it is called, and whether its ring (or that of its label) has 3:1 to what lies around (WCAG 1.4.11).
_FOCUSED = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  one.dataset.reached = "";
  const light = (colour) => colour.match(/[0-9.]+/g).slice(0, 3).map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0.05);
  const ground = (around) => {
    const colour = around ? getComputedStyle(around).backgroundColor : "rgb(255, 255, 255)";
    return /, 0\\)$/.test(colour) ? ground(around.parentElement) : colour;
  };
  const ringed = (shown) => {
    const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(shown);
    const [dark, bright] = [light(outlineColor), light(ground(shown.parentElement))].sort((a, b) => a - b);
    return outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 && bright / dark >= 3;
  };
  const name = one.id || one.getAttribute("href") || one.textContent.trim().slice(0, 40) || one.tagName;
  return [`${one.tagName.toLowerCase()} ${name}`, [one, ...(one.labels || [])].some(ringed)];
}"""

_UNREACHED = """() =>
  [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")]
  .filter((one) => one.checkVisibility({ visibilityProperty: true }))
  .filter((one) => !one.disabled && one.type !== "radio" && !("reached" in one.dataset))
  .map((one) => one.outerHTML.slice(0, 120))"""

# A browser goes on from where the focus was last, even after a blur.
_FROM_THE_TOP = """() => {
  document.body.tabIndex = -1;
  document.body.focus();
  document.body.removeAttribute("tabindex");
}"""


def violations(page: Page) -> list[str]:
    """What axe-core finds on a page as it stands, one line for each element."""
    assert _AXE is not None and _AXE.origin is not None
    page.evaluate((Path(_AXE.origin).parent / "axe.min.js").read_text(encoding="utf-8"))
    found: list[str] = page.evaluate(_RUN, list(RULES))
    return found


def beyond_a_narrow_screen(page: Page) -> list[str]:
    """What is cut off on 320 pixels, which is also a desktop at 400 per cent, and with a reader's own spacing."""
    size = page.viewport_size
    page.set_viewport_size({"width": 320, "height": 640})
    page.evaluate(_SPACING)
    found: list[str] = page.evaluate(_BEYOND)
    page.evaluate("() => { document.adoptedStyleSheets = []; }")
    if size is not None:
        page.set_viewport_size(size)
    return found


def lost_for_the_keyboard(page: Page, most: int = 1000) -> list[str]:
    """What the key Tab does not reach between the top of the page and its end, or reaches without a visible focus."""
    page.evaluate(_FROM_THE_TOP)
    unseen: list[str] = []
    for _ in range(most):
        page.keyboard.press("Tab")
        focused = page.evaluate(_FOCUSED)
        if focused is None:
            unreached: list[str] = page.evaluate(_UNREACHED)
            return unseen + unreached
        if not focused[1]:
            unseen.append(focused[0])
    raise AssertionError(f"After {most} times the key Tab has not come to the end of the page.")
