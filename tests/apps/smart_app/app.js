// Back from the sign-in: whose record it is, what is in it, and the next token when the button is pressed.
async function show(client) {
  const patient = await client.patient.read();
  const laboratory = await client.request(
    `Observation?patient=${client.patient.id}&category=laboratory`, { pageLimit: 0, flat: true });
  const others = await client.request("Patient?_summary=count");
  const { scope, access_token: token, refresh_token: refresh, need_patient_banner: banner } = client.state.tokenResponse;
  document.getElementById("patient").textContent = patient.name[0].text;
  document.getElementById("told").textContent = JSON.stringify({
    patient: client.patient.id, encounter: client.encounter.id, user: client.user.fhirUser, laboratory: laboratory.length,
    patients: others.total, scope, token, refresh, banner,
  });
}

FHIR.oauth2.ready().then(async (client) => {
  document.getElementById("refresh").addEventListener("click", async () => {
    document.getElementById("told").textContent = "";
    await show(await client.refresh().then(() => client));
  });
  await show(client);
}).catch((error) => { document.getElementById("told").textContent = JSON.stringify({ error: String(error) }); });
