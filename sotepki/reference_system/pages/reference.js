// The browser's part: it carries a challenge or SignedInfo from the server to the SCS, and the answer back.
"use strict";

const page = document.getElementById("page");
const said = document.getElementById("said");
const texts = page ? JSON.parse(page.dataset.texts) : {};
if (page) scs.base = page.dataset.scs;

async function run(button, work) {
  button.disabled = true;
  said.className = "note";
  said.textContent = texts.waiting;
  try {
    location.assign((await work()).next);
  } catch (error) {
    said.className = "note bad";
    said.textContent = inWords(error, texts);
    button.disabled = false;
  }
}

function when(id, work) {
  const button = document.getElementById(id);
  if (button) button.addEventListener("click", () => run(button, work));
}

when("login", async () => {
  const version = await scs.version();
  const challenge = await postJson("/login/challenge", { version: String(version.version) });
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
