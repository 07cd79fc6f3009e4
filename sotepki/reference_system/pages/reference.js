// The browser's part: it carries a challenge or SignedInfo from the server to the SCS, and the answer back.
"use strict";

const page = document.getElementById("page");
const said = document.getElementById("said");
const texts = page ? JSON.parse(page.dataset.texts) : {};
if (page) scs.base = page.dataset.scs;

async function run(work) {
  said.className = "note";
  said.textContent = texts.waiting;
  try {
    location.assign((await work()).next);
    return true;
  } catch (error) {
    said.className = "note bad";
    said.replaceChildren(...inWords(error, texts));
    return false;
  }
}

function when(id, work) {
  const button = document.getElementById(id);
  if (button) onClick(button, () => run(work));
}

// A login page that has stood open for longer than its session, or than the server runs, takes the token of a new one.
async function newChallenge(row) {
  try {
    return await postJson("/login/challenge", row);
  } catch (error) {
    if (error.rule !== "ref.csrf" || !(await takeNewToken())) throw error;
  }
  return postJson("/login/challenge", row);
}

async function takeNewToken() {
  const answer = await fetch("/", { cache: "no-store" });
  const anew = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("meta[name=csrf]");
  if (anew) document.querySelector("meta[name=csrf]").content = anew.content;
  return anew !== null;
}

when("login", async () => {
  const version = await scs.version();
  const challenge = await newChallenge({ version: String(version.version) });
  const answer = await scs.sign(challenge.content, "digitalSignature");
  return postJson("/login", { id: challenge.id, answer });
});

when("sign", async () => {
  const path = "/documents/" + page.dataset.document;
  const prepared = await postJson(path + "/prepare", {});
  const answer = await scs.sign(prepared.content, "nonRepudiation");
  return postJson(path + "/sign", { answer });
});

when("send", () => postJson("/documents/" + page.dataset.document + "/send", {}));

// A session that rests is ended by the server. Two minutes before, whoever is still there may stay (WCAG 2.2.1).
const ending = document.getElementById("ending");
let warning;

function rest() {
  ending.hidden = true;
  clearTimeout(warning);
  warning = setTimeout(() => { ending.hidden = false; }, (ending.dataset.seconds - 120) * 1000);
}

if (ending) {
  rest();
  document.getElementById("stay").addEventListener("click", async () => {
    const answer = await fetch(location.href, { cache: "no-store" });
    if (answer.redirected) location.assign("/");
    else rest();
  });
}
