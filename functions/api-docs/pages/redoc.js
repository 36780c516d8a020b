// Shows the document by ReDoc, in the machine's own fonts: the usual ones are another host's.
const font = "system-ui, sans-serif";
Redoc.init(
  "openapi.json",
  { nativeScrollbars: true, theme: { typography: { fontFamily: font, headings: { fontFamily: font } } } },
  document.getElementById("page"),
);
