/*
 * A client in Node as a command: node client.mjs CERTIFICATES KEY (Node 20 or later, no package)
 * It sends message frames to Kanta over mutual TLS, and calls a Signature Creation Service (SCS) as the pages of a
 * web system do. CERTIFICATES is PEM: the server certificate, then that of its issuer. The question is one JSON
 * object on standard input.
 */
import { X509Certificate, randomBytes, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { request } from "node:https";

const [certificates, key] = process.argv.slice(2);

/** The text that a POST is answered with; an error if nobody answers, or the other side is not who it should be. */
function post(url, tls, headers, body) {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: "POST", agent: false, timeout: 30_000, ...tls, headers }, (answer) => {
      const parts = [];
      answer.on("data", (part) => parts.push(part));
      answer.on("end", () => resolve(Buffer.concat(parts).toString()));
      answer.on("error", reject);
    });
    sent.on("timeout", () => sent.destroy(new Error("no answer in time")));
    sent.on("error", reject);
    sent.end(body);
  });
}

// --- Kanta ---------------------------------------------------------------------------------------------------------

async function send(question) {
  const tls = {
    ca: question.roots,
    cert: question.certificate ?? readFileSync(certificates), // a guest's, where ours would not be let in
    key: question.key ?? readFileSync(key),
  };
  const headers = { "Content-Type": "text/xml; charset=utf-8" };
  try {
    const answer = await post(question.url, tls, headers, Buffer.from(question.frame, "base64"));
    const code = /<(?:\w+:)?acknowledgement\s[^>]*?\btypeCode="(\w+)"/.exec(answer)?.[1];
    return { connected: true, accepted: code ? code === "AA" : null };
  } catch (error) {
    return { connected: false, accepted: null, detail: error.message };
  }
}

// --- a Signature Creation Service ----------------------------------------------------------------------------------

/** What a page asks for. The key usage chooses the key: nonRepudiation the one for signatures. */
function asked(content, usage) {
  return {
    version: "1.1",
    selector: { keyusages: [usage] },
    content: content.toString("base64"),
    contentType: "data",
    hashAlgorithm: "SHA256",
    signatureType: "signature",
  };
}

async function scs(question, content, usage) {
  const headers = { "Content-Type": "application/json", Origin: question.origin };
  try {
    const body = JSON.stringify(asked(content, usage));
    const answer = await post(`${question.url}/sign`, { ca: question.certificate }, headers, body);
    const reason = disbelieved(JSON.parse(answer), content, question);
    return { accepted: !reason, reason };
  } catch (error) {
    return { accepted: false, reason: error.message };
  }
}

/** Why an answer is not to be believed; empty if it is. A web system judges this on its server. */
function disbelieved(answer, content, question) {
  if (answer.status !== "ok") return answer.reasonText || "refused";
  const signer = new X509Certificate(Buffer.from(answer.chain[0], "base64"));
  const issuer = question.intermediates.map((pem) => new X509Certificate(pem)).find((one) => signer.checkIssued(one));
  if (!issuer || !signer.verify(issuer.publicKey)) return "the certificate is of nobody known";
  // Some services choose the hash themselves.
  const [, hash] = /^(SHA(?:256|384|512))with/.exec(answer.signatureAlgorithm) ?? [];
  if (!hash) return `it is signed with ${answer.signatureAlgorithm}`;
  const how = { key: signer.publicKey, dsaEncoding: "ieee-p1363" }; // ECDSA is r and s side by side
  const right = verify(hash, content, how, Buffer.from(answer.signature, "base64"));
  return right ? "" : "the signature does not verify";
}

// --- questions and answers -----------------------------------------------------------------------------------------

/** The challenge is bound to the site, so that no other site can use it. */
function logIn(question) {
  const challenge = Buffer.from(`${question.origin}\n${randomBytes(48).toString("hex")}`);
  return scs(question, challenge, "digitalSignature");
}

function sign(question) {
  return scs(question, Buffer.from(question.content, "base64"), "nonRepudiation");
}

const operations = { send, "scs-log-in": logIn, "scs-sign": sign };

const question = JSON.parse(readFileSync(0, "utf8"));
const operation = operations[question.operation];
const answer = operation ? await operation(question) : { error: `unknown operation ${question.operation}` };
process.stdout.write(JSON.stringify(answer));
