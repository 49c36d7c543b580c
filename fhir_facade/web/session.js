// Who is signed in at this tab. These pages are a public SMART app of their own server: code flow with PKCE,
// https://hl7.org/fhir/smart-app-launch/app-launch.html. The token is in sessionStorage and nowhere else.
const place = document.getElementById("account");
const ORIGIN = place?.dataset.origin;
const CLIENT = place?.dataset.client;
const ISSUER = ORIGIN + "/api/auth";
const BACK = ORIGIN + place?.dataset.back;
const KEPT = place?.dataset.kept; // each client has a token of its own

/** Whether one can (and has to) sign in here. */
export const offered = place !== null;
/** What stands in the page for scripts to say, in its language. */
export const texts = JSON.parse(document.body.dataset.texts);

/** {token, name, roles} of who is signed in, or null. */
export function current() {
  return JSON.parse(sessionStorage.getItem(KEPT));
}

/** The headers of a request in the user's name. */
export function authorization() {
  const session = current();
  return session ? { Authorization: "Bearer " + session.token } : {};
}

/** Forgets the token; whether there was one. */
export function forget() {
  const was = current() !== null;
  sessionStorage.removeItem(KEPT);
  return was;
}

const base64url = (bytes) =>
  btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");

const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));

const form = (values) => ({ method: "POST", body: new URLSearchParams(values) });

/** Leads the browser to the sign-in; it comes back to the client's page, which leads on to `back`. `launch`:
 * the EHR's, if it began this. */
export async function begin(back, launch) {
  if (location.origin !== ORIGIN) return location.assign(ORIGIN + back); // tokens are for the public address
  const [state, nonce, verifier] = [random(), random(), random()];
  sessionStorage.setItem("sign-in", JSON.stringify({ state, nonce, verifier, back }));
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  location.assign(ISSUER + "/authorize?" + new URLSearchParams({
    response_type: "code",
    client_id: CLIENT,
    redirect_uri: BACK,
    scope: place.dataset.scope,
    aud: ORIGIN + "/api/fhir",
    state,
    nonce,
    ...(launch ? { launch } : {}),
    code_challenge: base64url(new Uint8Array(digest)),
    code_challenge_method: "S256",
    ui_locales: document.documentElement.lang,
  }));
}

/** What came back with the browser, if it comes from a sign-in; taken out of the address bar at once. */
export function returned() {
  const answer = new URLSearchParams(location.search);
  if (!answer.has("state") || !(answer.has("code") || answer.has("error"))) return null;
  history.replaceState(null, "", place.dataset.back + "?lang=" + document.documentElement.lang);
  return answer;
}

/** Ends a sign-in with a session, and returns where to go on; throws "refused" or "failed". */
export async function finish(answer) {
  const { told, asked } = await exchanged(answer);
  keep(told, asked.nonce);
  return asked.back;
}

/** What the token endpoint told for a code, and what had been asked; throws "refused" or "failed". */
export async function exchanged(answer) {
  const asked = JSON.parse(sessionStorage.getItem("sign-in"));
  sessionStorage.removeItem("sign-in");
  if (!asked || answer.get("state") !== asked.state || answer.get("iss") !== ISSUER) throw new Error("failed");
  if (answer.has("error")) throw new Error(answer.get("error") === "access_denied" ? "refused" : "failed");
  const response = await fetch(ISSUER + "/token", form({
    grant_type: "authorization_code",
    code: answer.get("code"),
    redirect_uri: BACK,
    client_id: CLIENT,
    code_verifier: asked.verifier,
  }));
  if (!response.ok) throw new Error("failed");
  return { told: await response.json(), asked };
}

function keep({ access_token: token, id_token: idToken }, nonce) {
  const claims = idToken ? claimsOf(idToken) : {};
  if (idToken && (claims.nonce !== nonce || claims.aud !== CLIENT)) throw new Error("failed");
  const session = { token, name: claims.name ?? "", roles: claims.roles ?? [] };
  sessionStorage.setItem(KEPT, JSON.stringify(session));
}

// It came from the token endpoint itself, which stands for its signature (OpenID Connect Core, 3.1.3.7).
function claimsOf(idToken) {
  const text = atob(idToken.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"));
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(text, (c) => c.charCodeAt(0))));
}

/** Revokes the token and ends the login session; whether the server confirmed both. */
export async function end() {
  const { token } = current();
  forget();
  try {
    const revoked = await fetch(ISSUER + "/revoke", form({ token, client_id: CLIENT }));
    const ended = await fetch(ISSUER + "/session", { method: "DELETE" });
    return revoked.ok && ended.ok;
  } catch {
    return false;
  }
}
