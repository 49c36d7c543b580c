// Signs in for the images of one patient, leaves the token in a cookie that no script can read, and goes on to
// the viewer. It is begun by an EHR launch (`iss`, `launch`), or alone, and then a patient is chosen.
import { begin, exchanged, returned, texts } from "./session.js";

const at = (id) => document.getElementById(id);
const UID = /^[0-9]+(\.[0-9]+)*$/;

/** Where to go on: a study's images if one was asked for, else the patient's studies. */
function place(study) {
  return UID.test(study ?? "") ? "/pacs-viewer/viewer?StudyInstanceUIDs=" + study : "/pacs-viewer/";
}

async function opened(answer) {
  const { told, asked } = await exchanged(answer);
  const headers = { Authorization: "Bearer " + told.access_token };
  const session = await fetch("/api/dicom-web/session", { method: "POST", headers });
  if (!session.ok) throw new Error("failed");
  location.replace(asked.back);
}

function failed(error) {
  at("state").textContent = texts[error.message] ?? texts.failed;
  at("again").hidden = false;
}

const asked = new URLSearchParams(location.search);
const answer = returned();
const anew = () => begin(place(asked.get("study")), asked.get("launch")).catch(failed);
at("retry").addEventListener("click", () => begin(place(asked.get("study"))).catch(failed));
if (answer) {
  opened(answer).catch(failed);
} else {
  anew();
}
