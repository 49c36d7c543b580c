"use strict";
SwaggerUIBundle({
  url: "/api/schema/",
  dom_id: "#docs",
  docExpansion: "none",
  filter: true,
  deepLinking: true,
  defaultModelsExpandDepth: -1,
  tagsSorter: "alpha",
  validatorUrl: null,
});
