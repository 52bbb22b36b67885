// Keeps the page's files, so that it opens without a network after the first time. A new version of them is fetched in
// the background, and used from the next visit on. VERSION, the name of their cache, and KEPT, their names, stand before.

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(VERSION).then((cache) => cache.addAll(KEPT)));
});
self.addEventListener("activate", (event) => {
  const others = (names) => names.filter((name) => name.startsWith("autodiff-") && name !== VERSION);
  event.waitUntil(caches.keys().then((names) => Promise.all(others(names).map((name) => caches.delete(name)))));
});
self.addEventListener("fetch", (event) => {
  if (event.request.method !== "GET") return;
  event.respondWith(caches.match(event.request, { cacheName: VERSION, ignoreSearch: true }).then((found) => found ?? fetch(event.request)));
});
