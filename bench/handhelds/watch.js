// Put into every page of the bench before its own scripts: when was something asked for, when was it to be seen.
(() => {
  "use strict";
  const bench = (globalThis.bench = { scanned: 0, clicked: 0, marks: [], long: [] });
  if (!globalThis.PerformanceObserver) return;
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) bench.long.push(Math.round(one.duration));
  }).observe({ type: "longtask", buffered: true });

  // A task that follows the next frame: what was changed has been drawn.
  const drawn = (kind, since) => requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => { bench.marks.push([kind, performance.now() - since]); bench.noted?.(); };
    port2.postMessage(0);
  });
  addEventListener("keydown", (event) => { if (event.key === "Enter") bench.scanned = event.timeStamp; }, true);
  addEventListener("click", (event) => { bench.clicked = event.timeStamp; }, true);
  new MutationObserver((changes) => {
    if (!bench.scanned || !changes.some((one) => one.target.id === "said" || one.target.closest?.("#said"))) return;
    drawn("feedback", bench.scanned);
    bench.scanned = 0;
  }).observe(document, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-mood", "class"] });
  document.addEventListener("htmx:after:swap", () => {
    if (!bench.clicked) return;
    drawn("swapped", bench.clicked);
    bench.clicked = 0;
  });

  // What the bench asks.
  // Not asked again and again: whoever asks a slow page often makes it slower.
  bench.taken = (kind) => new Promise((done) => {
    bench.noted = () => {
      const at = bench.marks.findIndex((one) => one[0] === kind);
      if (at < 0) return;
      bench.noted = null;
      done(bench.marks.splice(at, 1)[0][1]);
    };
    bench.noted();
  });
  const lines = () => JSON.parse(document.getElementById("scan").dataset.task).lines;
  bench.wanted = () => lines().find((one) => one.have < one.want).codes.find((code) => /^\d{12,14}$/.test(code));
  bench.record = async (wave, count) => {
    const open = lines().flatMap((one) => Array(Math.max(0, one.want - one.have - 1)).fill(one.key.split(":")));
    const taken = [];
    for (const [fence, line] of open.slice(0, count)) {
      const began = performance.now();
      const body = new URLSearchParams({ fence, line, qty: 1, command: globalThis.yipan.scan.newId() });
      const reply = await fetch(`/waves/${wave}/pick`, { method: "POST", headers: { "HX-Request": "true" }, body });
      const text = await reply.text();
      if (reply.headers.get("X-Outcome") !== "ok") throw new Error(text);
      taken.push(performance.now() - began);
    }
    return taken;
  };
  bench.usable = () => new Promise((done) => {
    const ready = () => {
      if (!globalThis.yipan?.scan || !document.querySelector("#page h1")) setTimeout(ready, 5);
      else requestAnimationFrame(() => setTimeout(() => done(performance.now()), 0));
    };
    ready();
  });
})();
