// Where scripts run, links to FHIR open in the viewer; without, they open the JSON itself.
"use strict";
for (const link of document.querySelectorAll("a[data-fhir]")) {
  const url = new URL(link.href);
  for (const name of ["_pretty", "_format"]) url.searchParams.delete(name);
  const path = url.pathname.replace(/^\/api\/fhir\//, "") + url.search;
  link.href = "/view?lang=" + document.documentElement.lang + "#" + path;
}
