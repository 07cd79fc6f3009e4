// xml-crypto on all files of a directory, in one process, as its README calls it.
// NODE_PATH=... node corpus_run.cjs ROOT ISSUER MOMENT DIRECTORY writes one line for each file: name, verdict, reason.
const { X509Certificate } = require("node:crypto");
const { readFileSync, readdirSync } = require("node:fs");
const path = require("node:path");
const { DOMParser } = require("@xmldom/xmldom");
const { SignedXml } = require("xml-crypto");
const xpath = require("xpath");

const DS = "http://www.w3.org/2000/09/xmldsig#";
const [rootFile, issuerFile, moment, directory] = process.argv.slice(2);
const authorities = [rootFile, issuerFile].map((file) => new X509Certificate(readFileSync(file)));
const at = new Date(moment);

function checkChain(certificate) {
  if (new Date(certificate.validFrom) > at || new Date(certificate.validTo) < at) {
    throw new Error("the certificate is not valid at the moment");
  }
  if (!authorities.some((above) => certificate.checkIssued(above) && certificate.verify(above.publicKey))) {
    throw new Error("the certificate is not trusted");
  }
}

function verify(file) {
  const xml = readFileSync(file, "utf8");
  const document = new DOMParser({ onError: () => {} }).parseFromString(xml, "text/xml");
  const signatures = xpath.select(`//*[local-name(.)='Signature' and namespace-uri(.)='${DS}']`, document);
  if (signatures.length === 0) {
    throw new Error("no signature");
  }
  for (const signature of signatures) {
    const encoded = signature.getElementsByTagNameNS(DS, "X509Certificate")[0].textContent;
    const certificate = new X509Certificate(Buffer.from(encoded, "base64"));
    const signed = new SignedXml({ publicCert: certificate.toString(), getCertFromKeyInfo: () => null });
    signed.loadSignature(signature);
    if (!signed.checkSignature(xml)) {
      throw new Error("the signature does not verify");
    }
    checkChain(certificate);
  }
}

for (const name of readdirSync(directory).sort()) {
  let said = "valid\t";
  try {
    verify(path.join(directory, name));
  } catch (error) {
    said = `invalid\t${String(error.message).replace(/[^A-Za-z0-9 .,:;()#_-]/g, " ").slice(0, 200)}`;
  }
  console.log(`${name}\t${said}`);
}
