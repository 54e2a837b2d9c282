// Draw each explorable in place of its picture. A print keeps the picture.
const NARROW = 600; // pixels: two panels then stand one below the other

function fitted(spec) {
  if (!spec.hconcat || innerWidth >= NARROW) return spec;
  const { hconcat, ...rest } = spec;
  return { ...rest, vconcat: hconcat };
}

async function play(figure) {
  const spec = JSON.parse(figure.querySelector("script").textContent);
  const view = document.createElement("div");
  figure.append(view);
  // Compiled by the Vega-Lite that the specification is for, drawn by a newer Vega.
  const { $schema, ...drawn } = vegaLite.compile(fitted(spec)).spec;
  const options = { actions: false, mode: "vega", renderer: "svg" };
  await vegaEmbed(view, drawn, options);
  figure.classList.add("playing");
}

window.explorables = Promise.all(
  location.search.includes("print-pdf")
    ? []
    : [...document.querySelectorAll("figure.play")].map(play),
);
