"use strict";
Redoc.init("/api/schema/", {
  disableSearch: false,
  hideDownloadButton: false,
  theme: { colors: { primary: { main: "#0f5c63" } }, typography: { fontFamily: "system-ui, sans-serif", headings: { fontFamily: "system-ui, sans-serif" } } },
}, document.getElementById("docs"));
