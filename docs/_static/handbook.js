// What the theme leaves out for people who use no mouse, or listen to the page.
"use strict";

// A box that scrolls is reached by the key Tab, or its end is read by nobody without a mouse.
function reach() {
  for (const box of document.querySelectorAll("article pre, article .table-wrapper")) {
    if (box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
}

for (const caption of document.querySelectorAll(".sidebar-tree .caption")) caption.setAttribute("aria-level", "2");
document.querySelector(".sidebar-drawer")?.setAttribute("aria-label", "Pages");
document.querySelector(".toc-drawer")?.setAttribute("aria-label", "On this page");

// The words of the glossary are of the language that stands at the head of their column.
for (const head of document.querySelectorAll("article thead th")) {
  const lang = { suomi: "fi", svenska: "sv" }[head.textContent.trim()];
  if (lang) for (const row of head.closest("table").rows) row.cells[head.cellIndex].lang = lang;
}

reach();
addEventListener("resize", reach);
