// The corner of a page that says who is signed in, and its buttons.
import { begin, current, end, finish, offered, returned, texts } from "./session.js";

const at = (id) => document.getElementById(id);

/** Says something above the page's content; nothing takes it away. */
export function notice(name) {
  at("notice").textContent = texts[name] ?? "";
  at("notice").hidden = !texts[name];
}

/** Shows who is signed in now. */
export function show() {
  if (!offered) return;
  const session = current();
  const roles = session?.roles.map((role) => texts.roles[role] ?? role).join(", ");
  at("who").textContent = session ? words(session, roles) : "";
  at("sign-in").hidden = session !== null;
  at("sign-out").hidden = session === null;
}

function words({ name }, role) {
  return texts.who.replace("{name}", () => name || "?").replace(" ({role})", () => (role ? ` (${role})` : ""));
}

async function signOut() {
  dispatchEvent(new Event("signing-out"));
  const confirmed = await end();
  show();
  notice(confirmed ? "gone" : "half_gone");
}

async function signedIn(answer) {
  try {
    location.replace(await finish(answer));
  } catch (error) {
    notice(error.message in texts ? error.message : "failed");
  }
}

if (offered) {
  const here = () => location.pathname + location.search + location.hash;
  at("sign-in").addEventListener("click", () => begin(here()).catch(() => notice("failed")));
  at("sign-out").addEventListener("click", signOut);
  const answer = returned();
  if (answer) await signedIn(answer);
  show();
}
