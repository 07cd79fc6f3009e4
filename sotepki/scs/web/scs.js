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
  if (!answer.ok) throw new Error(body.sentence || "HTTP " + answer.status);
  return body;
}

// What a person is told about a failure; texts come from the page: data-unreachable, data-cancelled and so on.
function inWords(error, texts) {
  if (!(error instanceof ScsFailure)) return error.message;
  if (error.kind === "unreachable") return texts.unreachable;
  if (error.kind === "garbled") return texts.garbled + " " + error.message;
  return texts.refused + " " + error.message;
}
