// The page's side of working alone: registers the worker, wakes it, and says what it has to say.
(() => {
  "use strict";
  if (!("serviceWorker" in navigator) || !isSecureContext) return;
  const registered = () => navigator.serviceWorker.register("/worker.js", { scope: "/" });
  // Once the page is there and has a moment: what comes now takes its turn from a thumb that waits.
  const calm = (then) => addEventListener("load", () => (globalThis.requestIdleCallback ?? setTimeout)(then, { timeout: 1500 }));
  // A page that nobody has signed in on has no work to keep. Whoever is about to finds the worker there: it lets them
  // come back without the store box.
  if (!document.getElementById("kept")) {
    if (/^\/(sign-in|start)$/.test(location.pathname)) calm(() => registered().catch(() => null));
    return;
  }
  const csrf = () => { try { return JSON.parse(document.body.getAttribute("hx-headers:inherited"))["x-csrftoken"]; } catch { return ""; } };
  const send = (message) => navigator.serviceWorker.controller?.postMessage(message);
  let state = { alone: false, waiting: 0, others: 0, refused: 0 }, lost = 0;

  const bar = () => document.getElementById("kept");
  // The stream of the store node says how its line stands; what waits on this device is ours to say.
  const line = () => {
    const place = document.getElementById("line");
    if (!place || !(state.alone || state.waiting)) return;
    place.classList.add("down", "alone");
    place.querySelector(".what").textContent = place.dataset.alone;
    place.querySelector(".left").textContent = place.dataset.kept.replace("{n}", state.waiting);
  };
  const show = () => {
    line();
    const place = bar();
    if (!place) return;
    const [count, why] = lost ? [lost, "lost"] : state.refused ? [state.refused, "refused"] : [state.others, "others"];
    place.hidden = !count;
    place.querySelector("b").textContent = count;
    place.querySelector("span").textContent = place.querySelector("span").dataset[why];
  };
  const here = () => location.pathname + location.search;
  const again = () => htmx.ajax("GET", here(), { target: "#page", swap: "innerMorph", headers: { "X-By-Itself": "1" } });

  navigator.serviceWorker.addEventListener("message", ({ data }) => {
    if (data.kind === "standing") {
      // What waited is gone and nobody took it: the browser has thrown it away, and somebody must know.
      if (data.empty) lost += state.waiting;
      state = data;
      show();
    }
    if (data.kind === "back") { again(); show(); }
    if (data.kind === "sign_in" && location.pathname !== "/sign-in") location.assign(`/sign-in?${data.person ? `person=${encodeURIComponent(data.person)}&` : ""}next=${encodeURIComponent(location.pathname)}`);
    if (data.kind === "list") list(data.rows);
  });
  // What was refused stays until somebody has read it and says so.
  const list = (rows) => {
    const place = document.getElementById("kept-list");
    if (!place) return;
    place.replaceChildren(...rows.map((row) => {
      const item = place.parentElement.querySelector("template").content.firstElementChild.cloneNode(true);
      item.querySelector(".what").textContent = row.state === "refused" ? `${row.mine ? "" : `${row.name_of}: `}${row.sentence} ${row.next_step}`
        : row.mine ? item.dataset.waits : item.dataset[row.goes ? "sealed" : "person"].replace("{name}", row.name_of);
      item.querySelector(".id").textContent = row.about;
      const button = item.querySelector("button");
      button.hidden = row.state !== "refused";
      button.addEventListener("click", () => { send({ kind: "dealt", seq: row.seq }); item.remove(); });
      return item;
    }));
  };
  document.addEventListener("htmx:after:swap", () => { show(); if (document.getElementById("kept-list")) send({ kind: "list" }); });

  let last = 0;
  const wake = (kind) => { last = performance.now(); send({ kind, csrf: csrf() }); };
  const started = async () => {
    const registration = await registered();
    registration.addEventListener("updatefound", () => wake("tick"));
    await navigator.serviceWorker.ready;
    navigator.storage?.persist?.();
    if (!navigator.serviceWorker.controller) await new Promise((done) => {
      navigator.serviceWorker.addEventListener("controllerchange", done, { once: true });
      // Its own claim may have come while this page was still loading, and passed it by.
      registration.active?.postMessage({ kind: "claim" });
    });
    wake("hello");
    if (document.getElementById("kept-list")) send({ kind: "list" });
    setInterval(() => {
      if (state.alone || state.waiting) wake("tick");
      registration.waiting?.postMessage({ kind: "update" });
    }, 2000);
  };
  addEventListener("online", () => wake("tick"));
  document.addEventListener("visibilitychange", () => { if (!document.hidden) wake("tick"); });
  // The store node tells of changes: the extract follows, but not for each of a burst.
  document.getElementById("changes")?.addEventListener("work", () => { if (performance.now() - last > 2000) wake("refresh"); else setTimeout(() => wake("refresh"), 2000); });
  calm(() => started().catch((error) => console.warn("no work without the store box on this device:", error.message)));
})();
