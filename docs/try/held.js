// Where the page is a single file, what it needs stands in it: the files, compressed, as text that no browser runs.

const INSTALL = null;
const HELD = {
  worker: WORKER,
  // Promise the files, as bytes by name.
  async files() {
    const found = [...document.querySelectorAll("script[data-file]")].map(async (script) => {
      const bytes = Uint8Array.from(atob(script.textContent), (letter) => letter.charCodeAt(0));
      const whole = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
      return [script.dataset.file, new Uint8Array(await new Response(whole).arrayBuffer())];
    });
    return Object.fromEntries(await Promise.all(found));
  },
};
