// The test page: version and card, a login challenge, a document signature. The server judges what comes back.
"use strict";

const at = (id) => document.getElementById(id);
const texts = JSON.parse(at("page").dataset.texts);

function element(name, className, text) {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

async function look() {
  scs.base = at("address").value.replace(/\/+$/, "");
  at("service-note").textContent = "";
  at("version").hidden = true;
  const state = at("card-state");
  try {
    const version = await scs.version();
    const card = scs.cardPresent(version);
    state.textContent = card === null ? texts.card_unknown : card ? texts.card_there : texts.card_missing;
    state.className = "state " + (card === false ? "bad" : card ? "good" : "");
    at("version").replaceChildren(
      ...Object.entries(version).flatMap(([key, value]) => [element("dt", "", key), element("dd", "", String(value) || "–")]),
    );
    at("version").hidden = false;
  } catch (error) {
    state.textContent = texts.not_reached;
    state.className = "state bad";
    at("service-note").textContent = inWords(error, texts);
  }
}

function showResult(place, result) {
  const kind = { valid: "good", invalid: "bad" }[result.verdict] || "warn";
  const list = element("ul", "checks", "");
  for (const one of result.findings) list.append(item(one.severity, one.message, one.rule));
  for (const one of result.passed) list.append(item("passed", texts["check_" + one.rule.split(".").pop()] || one.text, one.rule));
  place.replaceChildren(element("p", "note " + kind, texts[result.verdict] + (result.subject ? " " + result.subject : "")), list);
}

function item(className, text, rule) {
  const made = element("li", className, text + " ");
  made.append(element("code", "", rule));
  return made;
}

async function run(button, place, work) {
  scs.base = at("address").value.replace(/\/+$/, "");
  button.disabled = true;
  place.replaceChildren(element("p", "note", texts.waiting));
  try {
    showResult(place, await work());
  } catch (error) {
    place.replaceChildren(element("p", "note bad", inWords(error, texts)));
  } finally {
    button.disabled = false;
  }
}

function base64(octets) {
  let text = "";
  for (const octet of octets) text += String.fromCharCode(octet);
  return btoa(text);
}

at("look").addEventListener("click", look);
at("login").addEventListener("click", () =>
  run(at("login"), at("login-result"), async () => {
    const version = await scs.version();
    const challenge = await postJson("/challenge", { version: String(version.version) });
    const answer = await scs.sign(challenge.content, "digitalSignature");
    return postJson("/verify/login", { id: challenge.id, answer });
  }),
);
at("sign").addEventListener("click", () =>
  run(at("sign"), at("sign-result"), async () => {
    const hashAlgorithm = at("hash").value, contentType = at("content-type").value;
    let octets = new TextEncoder().encode(at("text").value);
    if (contentType === "digest") {
      octets = new Uint8Array(await crypto.subtle.digest(hashAlgorithm.replace("SHA", "SHA-"), octets));
    }
    const content = base64(octets);
    const answer = await scs.sign(content, "nonRepudiation", { contentType, hashAlgorithm, signatureType: at("type").value });
    return postJson("/verify/document", { content, contentType, hashAlgorithm, answer });
  }),
);
look();
