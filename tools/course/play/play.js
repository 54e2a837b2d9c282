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
  // Without its schema's address, which names an older Vega-Lite than the bundle's.
  const { $schema, ...drawn } = fitted(spec);
  await vegaEmbed(view, drawn, { mode: "vega-lite" });
  figure.classList.add("playing");
}

window.explorables = Promise.all(
  location.search.includes("print-pdf")
    ? []
    : [...document.querySelectorAll("figure.play")].map((figure) =>
        play(figure).catch(console.error), // the picture stays
      ),
);
