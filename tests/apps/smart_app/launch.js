// From here to the sign-in. An EHR hands over a `launch` beside `iss`; without one, the user chooses a patient,
// and with `visit` one of the patient's visits.
const asked = new URLSearchParams(location.search);
const chosen = "launch/patient" + (asked.has("visit") ? " launch/encounter" : "");
FHIR.oauth2.authorize({
  clientId: "first-app",
  scope: (asked.has("launch") ? "launch" : chosen) + " openid fhirUser offline_access patient/*.rs",
  redirectUri: "/",
});
