// Swagger UI, whose requests are made in the name of who is signed in on this page.
import "/web/account.js";
import { authorization } from "/web/session.js";

function inTheirName(request) {
  if (!new URL(request.url, location.href).href.startsWith(location.origin + "/api/fhir")) return request;
  return { ...request, headers: { ...authorization(), ...request.headers } };
}

SwaggerUIBundle({
  url: "/api/schema/",
  dom_id: "#docs",
  docExpansion: "none",
  filter: true,
  deepLinking: true,
  defaultModelsExpandDepth: -1,
  tagsSorter: "alpha",
  validatorUrl: null,
  requestInterceptor: inTheirName,
});
