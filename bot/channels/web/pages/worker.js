"use strict";
// Keeps the emergency card in each language, with its numbers and steps, for when there is no connection. It sees no message.
const NAME = "card-@VERSION@";
const KEPT = "@KEPT@".split(" ");
const PATIENCE = 2500;

self.addEventListener("install", (event) => {
  const kept = caches.open(NAME).then((cache) => cache.addAll(KEPT.map((url) => new Request(url, { cache: "reload", credentials: "omit" }))));
  event.waitUntil(kept.then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const old = caches.keys().then((names) => Promise.all(names.filter((n) => n.startsWith("card-") && n !== NAME).map((n) => caches.delete(n))));
  event.waitUntil(old.then(() => self.clients.claim()));
});

const languageOf = (url) => {
  const known = KEPT.filter((kept) => kept.startsWith("/emergency")).map((kept) => kept.split("=")[1]);
  const wanted = [url.searchParams.get("language"), ...navigator.languages.map((code) => code.slice(0, 2)), known[0]];
  return wanted.find((code) => known.includes(code));
};
const card = async (url) => (await caches.open(NAME)).match(`/emergency?language=${languageOf(url)}`);
// A proxy answers for a server that is away.
const sound = (answer) => (answer.status < 500 ? answer : Promise.reject(answer));
const inTime = (request) => Promise.race([fetch(request), new Promise((_, late) => setTimeout(late, PATIENCE))]);

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  // The chat asks for the card too, for its steps.
  if (request.mode === "navigate" || url.pathname === "/emergency") {
    const asked = url.pathname === "/emergency" ? inTime(request) : fetch(request);
    const instead = async (failed) => (await card(url)) || (failed instanceof Response ? failed : Response.error());
    event.respondWith(asked.then(sound).catch(instead));
  } else if (url.pathname.startsWith("/assets/")) {
    event.respondWith(caches.open(NAME).then((cache) => cache.match(request)).then((found) => found || fetch(request)));
  }
});
