// Walks one patient's record as an app does, through SMART's own client, and checks what an app relies on:
// paging to the end without repeats, totals, includes, and that every reference it meets can be read.
//
//   node walk.mjs BASE_URL [NAME]
//
// Without a name, it is the name of the demonstration patient. FHIR_TOKEN, if set, is sent as a bearer token.
// Prints {patient, counts, resolved, unresolved, outcomes, errors}; the exit status is 1 if anything is
// unresolved or an error.
import fhirclient from "fhirclient";

const DEMO_PATIENT = "P-2025-000001";
const RECORD = [
  "Encounter", "Condition", "ServiceRequest", "Observation", "MedicationRequest", "ImagingStudy",
  "DiagnosticReport",
];
const PAGE = 7; // small, so that a short record has many pages
const AT_ONCE = 8;

class Client extends fhirclient.FhirClient {
  async getRequestDefaults() {
    const token = process.env.FHIR_TOKEN;
    return token ? { headers: { authorization: `Bearer ${token}` } } : {};
  }
}

const own = (resource) => `${resource.resourceType}/${resource.id}`;

/** Every object within a value, the value first. */
function* objects(value) {
  if (value === null || typeof value !== "object") return;
  yield value;
  for (const inner of Object.values(value)) yield* objects(inner);
}

/** What the resource points at: references to others' resources, and attachments by URL. */
function pointers(resource) {
  const found = new Set();
  for (const { reference, url, contentType } of objects(resource)) {
    if (typeof reference === "string" && !/^(#|urn:)/.test(reference)) found.add(reference);
    if (typeof url === "string" && typeof contentType === "string") found.add(url);
  }
  return found;
}

/** `system|code` of every coding of the observations' codes, the most frequent first. */
function codesOf(observations) {
  const times = new Map();
  for (const { system, code } of observations.flatMap((observation) => observation.code?.coding ?? [])) {
    const token = `${system ?? ""}|${code}`;
    times.set(token, (times.get(token) ?? 0) + 1);
  }
  return [...times].sort((one, other) => other[1] - one[1]).map(([token]) => token);
}

class Walk {
  constructor(baseUrl) {
    this.base = `${baseUrl.replace(/\/+$/, "")}/`;
    this.client = new Client(this.base);
    this.met = new Map(); // own reference -> resource
    this.found = new Map(); // pointer -> the resource it was met in
    this.resolved = new Set();
    this.unresolved = [];
    this.outcomes = [];
    this.errors = [];
  }

  check(holds, what) {
    if (!holds && !this.errors.includes(what)) this.errors.push(what);
  }

  /** What the work comes to, or, when it fails, the fallback: the walk goes on. */
  async attempt(what, fallback, work) {
    try {
      return await work();
    } catch (error) {
      this.errors.push(`${what}: ${error.message}`);
      return fallback;
    }
  }

  remember(resource) {
    if (resource.resourceType === "OperationOutcome") return;
    this.met.set(own(resource), resource);
    for (const pointer of pointers(resource)) {
      if (!this.found.has(pointer)) this.found.set(pointer, own(resource));
    }
  }

  /** {matches, included} of all pages of a search. */
  async search(type, parameters) {
    const url = `${type}?${new URLSearchParams(parameters)}`;
    const result = { matches: [], included: [], url };
    await this.attempt(url, undefined, () => this.allPages(type, url, result));
    this.noRepeats(result);
    return result;
  }

  async allPages(type, url, result) {
    const nexts = new Set();
    let total;
    for await (const page of this.client.pages(url)) {
      total ??= page.total;
      this.page(type, url, page, result);
      const next = page.link?.find((link) => link.relation === "next")?.url;
      if (next && nexts.has(next)) throw new Error(`the next page is one that was seen before: ${next}`);
      nexts.add(next);
    }
    const count = result.matches.length;
    this.check(total === undefined || total === count, `${url}: total is ${total}, the pages hold ${count}`);
  }

  page(type, url, page, result) {
    this.check(page.type === "searchset", `${url}: the bundle's type is ${page.type}`);
    this.check(page.link?.some((link) => link.relation === "self"), `${url}: a page without a self link`);
    const entries = page.entry ?? [];
    for (const { resource } of entries.filter((entry) => entry.search?.mode === "outcome")) {
      this.outcomes.push(...resource.issue.map((issue) => `${url}: ${issue.diagnostics ?? issue.code}`));
    }
    this.entries(type, url, entries.filter((entry) => entry.search?.mode !== "outcome"), result);
  }

  entries(type, url, entries, result) {
    const here = new Set();
    for (const entry of entries) {
      const { resource, search } = entry;
      this.entry(type, url, entry);
      this.check(!here.has(own(resource)), `${url}: ${own(resource)} twice on a page`);
      here.add(own(resource));
      (search?.mode === "include" ? result.included : result.matches).push(resource);
      this.remember(resource);
    }
  }

  entry(type, url, { fullUrl, resource, search }) {
    const address = this.base + own(resource);
    this.check(fullUrl === address, `${url}: the fullUrl of ${own(resource)} is ${fullUrl}`);
    this.check(["match", "include"].includes(search?.mode), `${url}: ${own(resource)} has no search mode`);
    const stranger = search?.mode === "match" && resource.resourceType !== type;
    this.check(!stranger, `${url}: ${own(resource)} as a match`);
  }

  noRepeats({ matches, url }) {
    const once = new Set();
    const again = matches.map(own).filter((match) => once.has(match) || !once.add(match));
    this.check(again.length === 0, `${url}: again on a later page: ${again.slice(0, 5)}`);
  }

  async metadata() {
    const statement = await this.client.fhirRequest("metadata");
    this.check(statement.resourceType === "CapabilityStatement", "metadata: no CapabilityStatement");
    this.check(statement.fhirVersion === "4.0.1", `metadata: fhirVersion is ${statement.fhirVersion}`);
    const resources = statement.rest?.[0]?.resource ?? [];
    return new Map(resources.map((resource) => [resource.type, resource]));
  }

  async patient(name) {
    const demo = name ? undefined : await this.client.fhirRequest(`Patient/${DEMO_PATIENT}`);
    const wanted = name ?? demo.name[0].family ?? demo.name[0].text;
    const { matches } = await this.search("Patient", { name: wanted });
    const patient = matches.find((match) => !demo || match.id === demo.id);
    if (!patient) throw new Error(`no Patient?name=${wanted}`);
    return patient;
  }

  async record(types, patient) {
    const others = [...types.values()]
      .filter((declared) => declared.searchParam?.some((parameter) => parameter.name === "patient"))
      .map((declared) => declared.type);
    for (const type of new Set([...RECORD, ...others])) {
      this.check(types.has(type), `metadata: no ${type}`);
      await this.search(type, { patient: patient.id, _count: PAGE });
    }
  }

  /** Laboratory results as a chart shows them: all, then one test's course, newest first. */
  async laboratory(patient) {
    const query = { patient: own(patient), category: "laboratory", _count: PAGE };
    const all = (await this.search("Observation", query)).matches;
    const [code] = codesOf(all);
    if (!code) return;
    const course = (await this.search("Observation", { ...query, code, _sort: "-date" })).matches;
    const expected = all.filter((observation) => codesOf([observation]).includes(code)).length;
    this.check(course.length === expected, `Observation?code=${code}: ${course.length} of ${expected}`);
    const times = course.map((one) => Date.parse(one.effectiveDateTime)).filter((time) => !isNaN(time));
    const falling = times.every((time, index) => index === 0 || time <= times[index - 1]);
    this.check(falling, `Observation?code=${code}&_sort=-date: not the newest first`);
  }

  /** Each declared include: all that comes along is pointed at by a match, or, reversed, points at one. */
  async includes(types, patient) {
    for (const { type, searchInclude = [], searchRevInclude = [] } of types.values()) {
      const whose = this.whose(types, type, patient);
      if (!whose) continue;
      for (const include of searchInclude) await this.include(type, whose, include);
      for (const include of searchRevInclude) await this.revinclude(type, whose, include);
    }
  }

  whose(types, type, patient) {
    if (type === "Patient") return { _id: patient.id };
    const byPatient = types.get(type).searchParam?.some((parameter) => parameter.name === "patient");
    return byPatient ? { patient: patient.id } : undefined;
  }

  async include(type, whose, include) {
    const { matches, included, url } = await this.search(type, { ...whose, _include: include, _count: 20 });
    const pointedAt = new Set([...matches, ...included].flatMap((resource) => [...pointers(resource)]));
    for (const resource of included) {
      this.check(pointedAt.has(own(resource)), `${url}: no match points at ${own(resource)}`);
    }
    const asked = matches.length > 0 && [`${type}:patient`, `${type}:subject`].includes(include);
    const patient = included.some((resource) => resource.resourceType === "Patient");
    this.check(!asked || patient, `${url}: the patient isn't included`);
  }

  async revinclude(type, whose, include) {
    const query = { ...whose, _revinclude: include, _count: 20 };
    const { matches, included, url } = await this.search(type, query);
    const owns = new Set([...matches, ...included].map(own));
    for (const resource of included) {
      const points = [...pointers(resource)].some((pointer) => owns.has(pointer));
      this.check(points, `${url}: ${own(resource)} points at no match`);
    }
  }

  /** Reads whatever anything met so far points at, and what that points at, until nothing is new. */
  async resolve() {
    const asked = new Set();
    const fresh = () => [...this.found.keys()].filter((pointer) => !asked.has(pointer));
    for (let queue = fresh(); queue.length; queue = fresh()) {
      queue.forEach((pointer) => asked.add(pointer));
      const workers = Array.from({ length: AT_ONCE }, async () => {
        while (queue.length) await this.read(queue.pop());
      });
      await Promise.all(workers);
    }
  }

  async read(pointer) {
    const absolute = /^https?:/.test(pointer);
    if (absolute && !pointer.startsWith(this.base)) return; // another server's
    try {
      const resource = await this.client.fhirRequest(pointer);
      const relative = absolute ? pointer.slice(this.base.length) : pointer;
      if (resource?.resourceType) this.arrived(resource, relative);
      this.resolved.add(pointer);
    } catch (error) {
      const why = error.status ?? error.message;
      this.unresolved.push({ reference: pointer, from: this.found.get(pointer), why: String(why) });
    }
  }

  arrived(resource, reference) {
    const [type, id] = reference.split("/");
    this.check(own(resource) === `${type}/${id}`, `${reference} reads as ${own(resource)}`);
    this.remember(resource);
  }

  summary(patient) {
    const counts = {};
    for (const { resourceType } of this.met.values()) counts[resourceType] = (counts[resourceType] ?? 0) + 1;
    const { unresolved, outcomes, errors } = this;
    const resolved = this.resolved.size;
    return { patient: patient?.id ?? null, counts, resolved, unresolved, outcomes, errors };
  }

  async all(name) {
    const types = await this.attempt("metadata", new Map(), () => this.metadata());
    const patient = await this.attempt("patient", undefined, () => this.patient(name));
    if (patient) {
      await this.record(types, patient);
      await this.laboratory(patient);
      await this.includes(types, patient);
      await this.resolve();
    }
    return this.summary(patient);
  }
}

const [baseUrl, name] = process.argv.slice(2);
if (!baseUrl) {
  console.error("usage: node walk.mjs BASE_URL [NAME]");
  process.exit(2);
}
const summary = await new Walk(baseUrl).all(name);
console.log(JSON.stringify(summary, null, 2));
process.exitCode = summary.unresolved.length || summary.errors.length ? 1 : 0;
