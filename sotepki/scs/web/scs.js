// Calls the Signature Creation Service of this workstation from a page. No dependencies.
// Every answer is judged by the server that wants the signature; nothing here is a security check.
"use strict";

const scs = {
  base: "https://127.0.0.1:53952",

  // The software of some workstations names no MIME type, so the text is parsed whatever the header says.
  async call(path, options) {
    let answer;
    try {
      answer = await fetch(scs.base + path, { cache: "no-store", ...options });
    } catch (error) {
      throw new ScsFailure("unreachable", 0, String(error.message || error));
    }
    try {
      return JSON.parse(await answer.text());
    } catch (error) {
      throw new ScsFailure("garbled", answer.status, "HTTP " + answer.status);
    }
  },

  version() {
    return scs.call("/version");
  },

  // Lists are comma-separated texts; in 1.2 and later they are empty while no card is in. null: the version does not tell.
  cardPresent(version) {
    return "signatureAlgorithms" in version ? version.hashAlgorithms.trim() !== "" : null;
  },

  // content: base64. keyUsage: "digitalSignature" to log in, "nonRepudiation" to sign.
  async sign(content, keyUsage, more) {
    const answer = await scs.call("/sign", {
      method: "POST",
      headers: { "Content-Type": "application/json; charset=UTF-8" },
      body: JSON.stringify({
        version: "1.1", content, contentType: "data", hashAlgorithm: "SHA256", signatureType: "signature",
        selector: { keyusages: [keyUsage] }, ...more,
      }),
    });
    if (answer.status !== "ok" || answer.reasonCode !== 200) {
      throw new ScsFailure("refused", answer.reasonCode, answer.reasonText || "", answer);
    }
    return answer;
  },
};

// kind: "unreachable" (not running, or its certificate is not trusted), "garbled", "refused".
class ScsFailure extends Error {
  constructor(kind, code, text, answer) {
    super(text);
    this.kind = kind;
    this.code = code;
    this.answer = answer;
  }
}

async function postJson(path, row) {
  const token = document.querySelector("meta[name=csrf]");
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...(token ? { "X-CSRF-Token": token.content } : {}) },
    body: JSON.stringify(row),
  });
  const body = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(body.sentence || "HTTP " + answer.status), { rule: body.rule });
  return body;
}

// A sentence of a program. It is English whatever the language of the page, and says so to who listens to the page.
function english(text) {
  const made = document.createElement("span");
  made.lang = "en";
  made.textContent = text;
  return made;
}

// What a person is told about a failure, as nodes: the page's own words, and after them what a program said.
function inWords(error, texts) {
  if (!(error instanceof ScsFailure)) return [english(error.message)];
  if (error.kind === "unreachable") return [texts.unreachable];
  return [(error.kind === "garbled" ? texts.garbled : texts.refused) + " ", english(error.message)];
}

// Runs on a click. A button that works says so and takes no further click, but keeps the focus; if the work answers
// true, the page is being left.
function onClick(button, work) {
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    if (!(await work())) button.removeAttribute("aria-disabled");
  });
}
