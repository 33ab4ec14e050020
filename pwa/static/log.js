// What went wrong on this device lately, for the page "What now?": kinds and pages, no names and no figures.
(() => {
  "use strict";
  const KEY = "yipan-log", MOST = 20;
  const note = (kind, text) => {
    try {
      const rows = JSON.parse(localStorage.getItem(KEY)) ?? [], last = rows.at(-1);
      if (last?.[1] === kind && last[2] === text) { last[0] = Date.now(); last[3] += 1; } else rows.push([Date.now(), kind, text, 1]);
      localStorage.setItem(KEY, JSON.stringify(rows.slice(-MOST)));
    } catch { /* no room, or storage is off: the page itself goes on */ }
  };
  // Order numbers and goods in an address are nobody's business; which page it was is.
  const page = (url) => new URL(url, location.href).pathname.replace(/\/[^/]*\d[^/]*/g, "/*");
  const asked = (ctx) => `${ctx?.request?.method ?? ""} ${page(ctx?.request?.action ?? location.href)}`;
  const fault = (text) => note("error", String(text).slice(0, 100));
  addEventListener("error", (event) => fault(`${event.message} ${page(event.filename || location.href)}:${event.lineno}`));
  addEventListener("unhandledrejection", (event) => fault(event.reason?.message ?? event.reason));
  let leaving = false; // what a page asked for ends with it
  addEventListener("beforeunload", () => { leaving = true; });
  document.addEventListener("htmx:error", ({ detail }) => {
    const text = asked(detail?.ctx);
    if (!leaving && !text.endsWith("/changes")) note("lost", text);
  });
  document.addEventListener("htmx:after:request", ({ detail }) => {
    const reply = detail?.ctx?.response;
    const refused = reply?.headers?.get?.("X-Outcome")?.match(/^refused (\w+)/);
    if (refused) note("refused", `${refused[1]} ${asked(detail.ctx)}`);
    else if (reply?.status >= 400) note("page", `${reply.status} ${asked(detail.ctx)}`);
  });
  const [load] = performance.getEntriesByType("navigation");
  if (load?.responseStatus >= 400) note("page", `${load.responseStatus} ${page(location.href)}`);
  navigator.serviceWorker?.addEventListener("message", ({ data }) => {
    if (data.kind !== "standing" || data.alone === log.alone) return;
    if (data.alone || log.alone) note("line", data.alone ? "away" : "back");
    log.alone = data.alone;
  });
  const log = { alone: undefined, read: () => { try { return JSON.parse(localStorage.getItem(KEY)) ?? []; } catch { return []; } } };
  window.yipan = { ...(window.yipan || {}), log };
})();
