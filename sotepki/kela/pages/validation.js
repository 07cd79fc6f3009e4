"use strict";
// Sends a file to the plain form of the validation service, and shows what was found.

const place = document.getElementById("place");
const input = document.getElementById("file");
const verdict = document.getElementById("verdict");
const findings = document.getElementById("findings");

function element(name, text, className) {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

function shown(finding, refusedBy) {
  const item = element("li", "", finding.severity);
  item.append(element("span", `${finding.severity}: `, "heard"), element("strong", finding.message), " ", element("code", finding.rule));
  for (const name of ["where", "expected", "found", "advice"]) {
    if (finding[name]) item.append(element("br", ""), `${name}: ${finding[name]}`);
  }
  if (finding.severity !== "error" && refusedBy.includes(finding.rule)) {
    item.append(element("br", ""), "The archive of this environment refuses by it.");
  }
  item.append(element("br", ""), element("small", `${finding.source} (${finding.grade})`));
  return item;
}

async function validate(file) {
  verdict.className = "note";
  verdict.textContent = `Validating ${file.name} …`;
  findings.replaceChildren();
  try {
    const type = file.name.endsWith(".json") ? "application/json" : "application/xml";
    const answer = await fetch("/validation/document", { method: "POST", body: file, headers: { "Content-Type": type } });
    const report = await answer.json();
    if (!answer.ok) throw new Error(report.message);
    const count = report.findings.length;
    verdict.className = report.verdict === "valid" ? "note good" : "note bad";
    verdict.textContent = `${file.name}: ${report.verdict}, ${count} ${count === 1 ? "finding" : "findings"}.`;
    const causes = report.causes.map((cause) => element("li", `Likely cause: ${cause}`, "notice"));
    findings.replaceChildren(...report.findings.map((finding) => shown(finding, report.refused_by)), ...causes);
  } catch (error) {
    verdict.className = "note bad";
    verdict.textContent = `${file.name} was not validated: ${error.message}`;
  }
}

input.addEventListener("change", () => { if (input.files.length) validate(input.files[0]); });
place.addEventListener("submit", (event) => event.preventDefault());
place.addEventListener("dragover", (event) => { event.preventDefault(); place.classList.add("over"); });
place.addEventListener("dragleave", () => place.classList.remove("over"));
place.addEventListener("drop", (event) => {
  event.preventDefault();
  place.classList.remove("over");
  if (event.dataTransfer.files.length) validate(event.dataTransfer.files[0]);
});
