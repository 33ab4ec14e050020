// The worker: the store node answers as long as it does; else this device.
//
// After one failure only a background probe tries the network again, so a hung node costs one
// patience and not one a tap. What is on the network's side of that line is decided here; what the
// device can do by itself is in alone.js.
(() => {
  "use strict";
  const { alone, built } = globalThis;
  const PATIENCE_MS = 1600;
  const SHELL = `yipan-${built.version}`;
  const PASS = /^\/(twin|till|changes|health|root\.crt|app|worker\.js)(\/|$)/;

  addEventListener("install", (event) => event.waitUntil((async () => {
    const shell = await caches.open(SHELL);
    await shell.addAll([...Object.values(built.statics), ...Object.values(built.words)]);
    // A worker with another shell may not take over while commands wait: its outbox is read by both, its pages are not.
    if (!(await alone.counts()).waiting) await skipWaiting();
  })()));
  addEventListener("activate", (event) => event.waitUntil((async () => {
    for (const name of await caches.keys()) if (name.startsWith("yipan-") && name !== SHELL) await caches.delete(name);
    await clients.claim();
  })()));

  const tell = async (what) => { for (const client of await clients.matchAll({ type: "window" })) client.postMessage(what); };
  const standing = async () => ({ kind: "standing", alone: Boolean(await alone.kept("alone")), empty: !(await alone.bagOf()), ...(await alone.counts()) });

  const asset = async (request) => (await caches.match(request)) ?? fetch(request);

  const fieldsOf = async (request) => {
    const fields = {};
    if (request.method !== "POST") return fields;
    const form = await request.formData().catch(() => new FormData()); // a form without a field has no body to read
    for (const [name, value] of form.entries()) if (typeof value === "string") (fields[name] ??= []).push(value);
    return fields;
  };
  // What the store node has just done, as far as this device must know it.
  const noticed = async (copy, pathname, reply, event) => {
    const moved = reply.type === "opaqueredirect" || reply.redirected || reply.headers.has("HX-Redirect");
    if (pathname === "/sign-in" || pathname === "/sign-out") {
      if (!moved) return;
      const { person, pin } = await fieldsOf(copy);
      await alone.changed(pathname === "/sign-in");
      if (pin) event.waitUntil(alone.remember(person?.at(-1), pin.at(-1)).catch(() => null));
    }
    else if (reply.headers.get("X-Outcome") === "ok") await alone.follow("POST", copy.url, await fieldsOf(copy)).catch(() => null);
  };
  const page = async (request, event) => {
    const whole = request.headers.get("HX-Request") !== "true";
    const copy = request.clone();
    const byItself = request.headers.has("X-By-Itself");
    const { pathname } = new URL(copy.url);
    const [isAlone, { waiting }, bag] = await Promise.all([alone.kept("alone"), alone.counts(), alone.mine()]);
    // Who somebody is, only the store node can say; without an extract there is nothing to draw here.
    if ((!isAlone && !waiting) || !bag || pathname === "/sign-in") {
      try {
        const reply = await alone.within(PATIENCE_MS, (signal) => fetch(request, { signal }));
        // A portal or a proxy in the node's place is no node.
        if (![502, 504].includes(reply.status)) {
          if (copy.method === "POST") await noticed(copy, pathname, reply, event);
          return reply;
        }
      } catch { /* no answer: go on alone */ }
      if (!bag && pathname !== "/sign-in") return alone.local("GET", copy.url, {}, whole);
      await alone.write({ put: { alone: true } });
      tell(await standing());
    } else if (byItself) return new Response(null, { status: 204 });
    const reply = await alone.local(copy.method, copy.url, await fieldsOf(copy), whole);
    if (copy.method === "POST") tell(await standing());
    return reply;
  };

  addEventListener("fetch", (event) => {
    const { request } = event;
    const url = new URL(request.url);
    if (url.origin !== location.origin || !["GET", "POST"].includes(request.method)) return;
    if (url.pathname.startsWith("/static/")) { event.respondWith(asset(request)); return; }
    if (PASS.test(url.pathname) || request.headers.get("accept") === "text/event-stream") return;
    event.respondWith(page(request, event));
  });

  // A page that is never loaded anew would not find a new release: asked for when the store node is back, where a
  // new one begins, and now and then.
  let looked = 0;
  const look = (least) => {
    if (Date.now() - looked < least) return;
    looked = Date.now();
    registration.update().catch(() => null);
  };
  // Open pages ask for work to be handed in; a worker has no clock that it could trust to live.
  let busy = false;
  const work = async (probe) => {
    if (busy) return;
    busy = true;
    try {
      const before = await standing();
      if (before.alone || before.waiting) {
        const { back, signIn, refused, person } = await alone.handIn();
        if (signIn) await tell({ kind: "sign_in", person });
        else if (back) { look(0); await tell({ kind: "back", refused: refused ?? 0 }); }
      } else if (probe) await alone.fetchBag().catch(() => null);
      await tell(await standing());
    } finally { busy = false; }
  };
  addEventListener("message", (event) => {
    const { kind, csrf, seq } = event.data ?? {};
    event.waitUntil((async () => {
      if (csrf) await alone.write({ put: { csrf } });
      look(600_000);
      if (kind === "claim") await clients.claim();
      if (kind === "tick") await work(false);
      if (kind === "hello" || kind === "refresh") await work(true);
      if (kind === "dealt") { await alone.write({ drop: [seq] }); await tell(await standing()); }
      if (kind === "list") event.source.postMessage({ kind: "list", rows: await alone.list() });
      if (kind === "update" && !(await alone.counts()).waiting) await skipWaiting();
    })());
  });
})();
