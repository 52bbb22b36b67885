// Where the page is served, its files are asked for by name, and kept for the next time.

const HELD = null;
function INSTALL() {
  if ("serviceWorker" in navigator && location.protocol.startsWith("http")) navigator.serviceWorker.register("sw.js").catch(() => {}); // then it needs the network
}
