// The whole state of the page as the end of its address, and back. A link is data, whoever made it: it is read with
// bounds, by its types, and can do no more than fill in the fields. What it holds runs only if it is made of formulas
// alone (see bench.py); any other program waits for the learner's Run.

const MAX_LINK = 24_000; // characters of the fragment
const MAX_TEXT = 8_000; // of the program, as in bench.py
const VIEWS = ["drawing", "steps", "derivation", "exercise", "training"];

function toLink(state) {
  const bytes = new TextEncoder().encode(JSON.stringify(state));
  const letters = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  return `#s=${letters.replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "")}`;
}

// Return the state that a fragment holds, with nothing in it that was not asked for; or null.
function fromLink(hash) {
  if (!hash.startsWith("#s=") || hash.length > MAX_LINK) return null;
  try {
    const letters = atob(hash.slice(3).replace(/-/g, "+").replace(/_/g, "/"));
    const bytes = Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
    return checked(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)));
  } catch {
    return null;
  }
}

function checked(found) {
  if (typeof found?.text !== "string" || found.text.length > MAX_TEXT) return null;
  const state = { text: found.text.replace(/\r\n?/g, "\n"), view: VIEWS.includes(found.view) ? found.view : VIEWS[0] };
  const name = (text) => typeof text === "string" && text.length <= 100;
  const number = (value, low, high) => typeof value === "number" && value >= low && value <= high;
  if (name(found.wrt)) state.wrt = found.wrt;
  if (name(found.about)) state.about = found.about;
  if (Array.isArray(found.on) && found.on.length <= 20 && found.on.every(name)) state.on = found.on;
  if (number(found.rate, 1e-9, 1e6)) state.rate = found.rate;
  if (number(found.steps, 1, 300)) state.steps = Math.round(found.steps);
  return state;
}
