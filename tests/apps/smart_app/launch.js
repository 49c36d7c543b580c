// From here to the sign-in. An EHR hands over a `launch` beside `iss`; without one, the user chooses a patient.
const ehr = new URLSearchParams(location.search).has("launch");
FHIR.oauth2.authorize({
  clientId: "first-app",
  scope: (ehr ? "launch" : "launch/patient") + " openid fhirUser offline_access patient/*.rs",
  redirectUri: "/",
});
