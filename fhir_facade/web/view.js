// Shows what a FHIR address answers, with its references as links. What is shown is text, never markup.
import { notice, show as showAccount } from "./account.js";
import { authorization, forget, offered, texts } from "./session.js";

const BASE = "/api/fhir/";
const at = (id) => document.getElementById(id);

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// The path below our own base, or null for any other address.
function own(text) {
  if (/^[A-Z][A-Za-z]+\/[A-Za-z0-9\-.]{1,64}$/.test(text)) return text;
  const cut = text.indexOf(BASE);
  return /^https?:\/\//.test(text) && cut > 0 ? text.slice(cut + BASE.length) : null;
}

function linked(key, text) {
  const path = key === "reference" || key === "url" || key === "fullUrl" ? own(text) : null;
  return path === null ? null : element("a", { href: "#" + path }, JSON.stringify(text));
}

// JSON with two blanks of indent, as nodes: values of interest are links, all else text.
function* nodes(value, indent, key) {
  if (value !== null && typeof value === "object") {
    const list = Array.isArray(value);
    const names = Object.keys(value);
    if (!names.length) { yield list ? "[]" : "{}"; return; }
    yield list ? "[\n" : "{\n";
    for (const [i, name] of names.entries()) {
      yield indent + "  ";
      if (!list) { yield element("span", { class: "key" }, JSON.stringify(name)); yield ": "; }
      yield* nodes(value[name], indent + "  ", list ? key : name);
      yield i < names.length - 1 ? ",\n" : "\n";
    }
    yield indent + (list ? "]" : "}");
  } else if (typeof value === "string") {
    yield linked(key, value) ?? element("span", { class: "text" }, JSON.stringify(value));
  } else {
    yield element("span", { class: "number" }, String(value));
  }
}

// The words of a narrative, read as a document that nothing of is ever shown.
function words(resource) {
  const div = resource.text && resource.text.div;
  if (!div) return "";
  return new DOMParser().parseFromString(div, "text/html").body.textContent.replace(/\s+/g, " ").trim();
}

// A story in one line: each step and its state.
function hops(resource) {
  const told = (resource.parameter ?? []).filter((p) => p.name === "hop").map((p) => p.part ?? []);
  const value = (parts, name) => parts.find((p) => p.name === name)?.valueCode ?? "";
  return told.map((parts) => value(parts, "step") + " " + value(parts, "state")).join(" → ");
}

// Where a story is told by itself.
function story(resource) {
  const order = (resource.parameter ?? []).find((p) => p.name === "order");
  return order && order.valueReference.reference + "/$story";
}

function entry(item) {
  const resource = item.resource ?? {};
  const line = element("li", {});
  const address = story(resource) ?? (resource.id && resource.resourceType + "/" + resource.id);
  if (address) {
    line.append(element("a", { href: "#" + address }, address));
  } else {
    line.append(resource.resourceType ?? "");
  }
  line.append(element("span", { class: "mode" }, item.search?.mode ?? ""));
  const said = words(resource) || hops(resource) || (resource.issue ?? []).map((i) => i.diagnostics).join(" ");
  if (said) line.append(element("span", { class: "said" }, said));
  return line;
}

function pages(bundle) {
  const next = (bundle.link ?? []).find((l) => l.relation === "next");
  const path = next && own(next.url);
  return path ? [element("li", {}, element("a", { href: "#" + path }, texts.next))] : [];
}

// Whose images a resource leads to: a patient's, or one study of them.
function images(resource) {
  if (!texts.images) return null;
  if (resource.resourceType === "Patient") return { patient: resource.id };
  if (resource.resourceType !== "ImagingStudy") return null;
  const uid = (resource.identifier ?? []).find((i) => i.system === "urn:dicom:uid");
  const patient = resource.subject?.reference?.split("/").pop();
  return uid && patient ? { patient, study: uid.value.replace("urn:oid:", "") } : null;
}

// Begins a launch of the image viewer for the patient; the server says where it goes on.
async function openImages({ patient, study }) {
  const chosen = study ? "?StudyInstanceUIDs=" + study : "";
  if (!offered) return location.assign("/pacs-viewer/" + (study ? "viewer" + chosen : "?mrn=" + patient));
  const response = await fetch("/api/auth/launch", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ patient, client_id: "pacs-viewer" }),
  });
  if (!response.ok) return notice("no_images");
  location.assign((await response.json()).url + (study ? "&study=" + study : ""));
}

let asked = 0;

async function show() {
  const number = ++asked;
  const path = location.hash.slice(1) || "metadata";
  at("path").value = decoded(path);
  document.title = decoded(path.split("?")[0]) + " · NeuroNova FHIR";
  say("…", false);
  notice("");
  try {
    const response = await fetch(BASE + path, { headers: { Accept: "application/fhir+json", ...authorization() } });
    const text = await response.text();
    if (number !== asked) return;
    render(response, JSON.parse(text));
    if (offered && response.status === 401) unknown();
  } catch (error) {
    if (number !== asked) return;
    say(texts.no_answer + ": " + error.message, true);
    clear();
  }
}

function clear() {
  at("images").hidden = true;
  at("json").replaceChildren();
  at("entries").replaceChildren();
}

// Nobody is signed in, or no longer.
function unknown() {
  notice(forget() ? "ended" : "needed");
  showAccount();
}

function decoded(text) {
  try { return decodeURI(text); } catch { return text; }
}

function say(text, failed) {
  at("status").textContent = text;
  at("status").classList.toggle("failed", failed);
}

function render(response, body) {
  const total = body.total === undefined ? "" : ` · ${texts.total} ${body.total}`;
  say(response.status + " · " + body.resourceType + total, !response.ok);
  const entries = body.resourceType === "Bundle" ? (body.entry ?? []).map(entry) : [];
  at("entries").replaceChildren(...entries, ...pages(body));
  const found = response.ok && images(body);
  at("images").hidden = !found;
  at("images").textContent = texts.images;
  at("images").onclick = () => openImages(found).catch(() => notice("no_images"));
  at("json").replaceChildren();
  for (const node of nodes(body, "", "")) at("json").append(node); // a large page has too many for one call
}

at("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  location.hash = at("path").value.trim().replace(/^\/?(api\/fhir\/)?/, "");
});
addEventListener("hashchange", show);
addEventListener("signing-out", () => { ++asked; say("", false); clear(); });
show();
