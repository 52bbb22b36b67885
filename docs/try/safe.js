// What comes out of the interpreter is text, and whoever wrote the program may have made it: only what is listed here
// becomes an element. No script, no style, no handler, nothing that is loaded from elsewhere.

const SVG_ELEMENTS = new Set("svg g title desc path polygon polyline line rect circle ellipse text tspan a".split(" "));
const SVG_ATTRIBUTES = new Set(
  ("id class width height viewBox transform d points x y x1 y1 x2 y2 cx cy r rx ry dx dy fill fill-opacity stroke stroke-width " +
    "stroke-opacity stroke-dasharray stroke-linejoin stroke-linecap pathLength opacity font-family font-size font-weight font-style " +
    "text-anchor paint-order role display visibility data-step")
    .split(" "),
);
const HTML_ELEMENTS = new Set(
  ("p div span br hr h1 h2 h3 h4 ul ol li dl dt dd table thead tbody tr th td pre code em strong b i sub sup blockquote details summary " +
    "a img section body")
    .split(" "),
);
const HTML_ATTRIBUTES = new Set("class alt title open start colspan rowspan scope".split(" "));
const PICTURE = /^data:image\/(png|svg\+xml|jpeg);base64,[A-Za-z0-9+/=\s]*$/;
const OURS = /^#lesson=[\w-]+$/;

// Return a picture that was made by the package as an element, or null if it is none.
function picture(text) {
  const root = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
  if (root.nodeName !== "svg") return null;
  const clean = kept(root, SVG_ELEMENTS, SVG_ATTRIBUTES); // in a document of its own, where nothing is loaded
  return clean && document.importNode(clean, true);
}

// Return the same as text, for the scripts of the package, which read a picture themselves.
function pictureText(text) {
  const found = picture(text);
  return found ? new XMLSerializer().serializeToString(found) : '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>';
}

// Return HTML as elements, in a fragment.
function words(text) {
  const body = kept(new DOMParser().parseFromString(text, "text/html").body, HTML_ELEMENTS, HTML_ATTRIBUTES); // likewise
  const made = document.createDocumentFragment();
  made.append(...[...body.childNodes].map((node) => document.importNode(node, true)));
  return made;
}

// Take out of an element what is not listed; return it, or null if itself is not.
function kept(element, elements, attributes) {
  if (!elements.has(element.localName)) return null;
  for (const { name, value } of [...element.attributes]) {
    const address = element.localName === "img" && name === "src" ? PICTURE : element.localName === "a" && name === "href" ? OURS : null;
    if (!(address ? address.test(value) : attributes.has(name))) element.removeAttribute(name);
  }
  for (const child of [...element.childNodes]) {
    if (child.nodeType === Node.ELEMENT_NODE) kept(child, elements, attributes) ?? child.remove();
    else if (child.nodeType !== Node.TEXT_NODE) child.remove();
  }
  return element;
}
