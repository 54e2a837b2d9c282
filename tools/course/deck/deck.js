// Typeset, fit every slide into 1280 x 720, then start reveal.js.
const WIDTH = 1280, HEIGHT = 720, SMALLEST_IMAGE = 260, SMALLEST_TEXT = 0.7;
const PICTURES = "img, .vega-embed svg", LEGIBLE_DRAWING = 380;
const WORDED = "img[src$='.svg'], figure.play"; // pictures with words of their own
const TO_TURN_PAGES = ["PageDown", "PageUp", " "];

window.MathJax = {
  tex: {
    inlineMath: [["$", "$"], ["\\(", "\\)"]],
    displayMath: [["$$", "$$"], ["\\[", "\\]"]],
    processEscapes: true,
  },
  options: { enableMenu: false },
  startup: {
    pageReady: () => MathJax.startup.defaultPageReady().then(loaded).then(start),
  },
};

function loaded() {
  const images = [...document.images].map((image) => image.decode());
  return Promise.all([...images, document.fonts.ready, window.explorables]);
}

// What gives way, in this order: code, pictures (in equal parts), everything. What still
// does not fit goes on a slide of its own, from the last prose that appears by itself.
// Such prose goes before a drawing's words become too small to be read at the back.
function fit(slide) {
  slide.classList.add("measured");
  const over = () => slide.scrollHeight - HEIGHT;
  const parts = slide.querySelectorAll(":scope > * ~ .fragment:has(> .jp-MarkdownCell)");
  if (over() > 0) slide.classList.add("crowded");
  const worded = slide.querySelector(WORDED) && parts.length;
  shrink(slide, over(), worded ? LEGIBLE_DRAWING : SMALLEST_IMAGE);
  for (let scale = 0.98; !worded && over() > 0 && scale >= SMALLEST_TEXT; scale -= 0.02) {
    slide.style.fontSize = `${scale}em`;
  }
  if (over() > 0 && parts.length) {
    split(slide, parts[parts.length - 1]);
  } else {
    slide.dataset.height = slide.scrollHeight;
    slide.dataset.width = slide.scrollWidth;
  }
  slide.classList.remove("measured");
}

function shrink(slide, excess, smallest) {
  const drawn = [...slide.querySelectorAll(PICTURES)];
  const images = drawn.filter((image) => image.getClientRects().length);
  for (const image of excess > 0 ? images : []) {
    const { height } = image.getBoundingClientRect();
    const least = Math.max(smallest, height - excess / images.length);
    image.style.maxHeight = `${Math.floor(least)}px`;
  }
}

function split(slide, part) {
  const [rest, range] = [document.createElement("section"), document.createRange()];
  range.setStartBefore(part);
  range.setEndAfter(slide.lastChild);
  rest.append(range.extractContents());
  slide.after(rest);
  for (const half of [slide, rest]) {
    for (const image of half.querySelectorAll(PICTURES)) image.style.maxHeight = "";
    half.style.fontSize = "";
    fit(half);
  }
}

// A slider that was moved keeps the arrow keys; a presenter's remote turns pages still:
// without the focus on a slider, reveal.js sees to it.
document.addEventListener("keydown", (event) => {
  const slider = event.target.matches("input[type=range]");
  if (!slider || !TO_TURN_PAGES.includes(event.key)) return;
  event.preventDefault();
  event.target.blur();
});

async function start() {
  document.querySelectorAll(".slides section:not(:has(> section))").forEach(fit);
  await Reveal.initialize({
    width: WIDTH,
    height: HEIGHT,
    margin: 0.02,
    hash: true,
    slideNumber: "c/t",
    transition: "none",
    pdfSeparateFragments: false,
    pdfMaxPagesPerSlide: 1,
    plugins: [RevealNotes, RevealZoom, RevealSearch],
  });
  document.body.dataset.ready = "true";
}
