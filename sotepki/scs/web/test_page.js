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
    at("service-note").replaceChildren(...inWords(error, texts));
  }
}

function showResult(place, result) {
  const kind = { valid: "good", invalid: "bad" }[result.verdict] || "warn";
  const list = element("ul", "checks", "");
  for (const one of result.findings) list.append(item(one.severity, english(one.message), one.rule));
  for (const one of result.passed) {
    list.append(item("passed", texts["check_" + one.rule.split(".").pop()] || english(one.text), one.rule));
  }
  place.replaceChildren(element("p", "note " + kind, texts[result.verdict] + (result.subject ? " " + result.subject : "")), list);
}

// The mark before an item is seen, its word is heard.
function item(severity, text, rule) {
  const made = element("li", severity, "");
  made.append(element("span", "heard", texts["severity_" + severity] + ": "), text, " ", element("code", "", rule));
  return made;
}

async function run(place, work) {
  scs.base = at("address").value.replace(/\/+$/, "");
  place.replaceChildren(element("p", "note", texts.waiting));
  try {
    showResult(place, await work());
  } catch (error) {
    const note = element("p", "note bad", "");
    note.append(...inWords(error, texts));
    place.replaceChildren(note);
  }
}

function base64(octets) {
  let text = "";
  for (const octet of octets) text += String.fromCharCode(octet);
  return btoa(text);
}

onClick(at("look"), look);
onClick(at("login"), () =>
  run(at("login-result"), async () => {
    const version = await scs.version();
    const challenge = await postJson("/challenge", { version: String(version.version) });
    const answer = await scs.sign(challenge.content, "digitalSignature");
    return postJson("/verify/login", { id: challenge.id, answer });
  }),
);
onClick(at("sign"), () =>
  run(at("sign-result"), async () => {
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
