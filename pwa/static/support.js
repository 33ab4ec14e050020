// Packs what this device knows of its trouble into a code for the help desk; sync/support.py reads it.
(async () => {
  "use strict";
  const place = document.getElementById("support");
  const script = document.querySelector("script[src*='page.js']") ?? document.currentScript;
  const build = new URL(script.src).searchParams.get("v") ?? "";
  const LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  const MOST_BYTES = 620; // more would be a QR code that cameras of old handhelds cannot tell apart
  const rows = window.yipan?.log?.read() ?? [];
  const now = Date.now();

  const kept = () => new Promise((done) => {
    const worker = navigator.serviceWorker?.controller;
    if (!worker) { done("-"); return; }
    navigator.serviceWorker.addEventListener("message", ({ data }) => {
      if (data.kind === "list") done(`${data.rows.filter((row) => row.state === "waiting").length}w${data.rows.filter((row) => row.state === "refused").length}r`);
    });
    navigator.serviceWorker.startMessages();
    worker.postMessage({ kind: "list" });
    setTimeout(() => done("?"), 1500);
  });
  const packed = async (bytes) => {
    const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  };
  const letters = (bytes) => {
    let text = "", bits = 0, left = 0;
    for (const byte of bytes) {
      bits = (bits << 8) | byte;
      left += 8;
      while (left >= 5) { left -= 5; text += LETTERS[(bits >> left) & 31]; }
      bits &= (1 << left) - 1;
    }
    return left ? text + LETTERS[(bits << (5 - left)) & 31] : text;
  };
  const browser = () => `${(navigator.userAgent.match(/Android [\d.]+/) ?? [navigator.platform])[0]} ${(navigator.userAgent.match(/(?:Chrome|Firefox|Version)\/\d+/) ?? ["?"])[0]}`;
  const state = [
    isSecureContext ? "secure" : "plain", matchMedia("(display-mode: standalone)").matches ? "app" : "tab",
    document.querySelector("#line.alone") ? "alone" : "box", await kept(),
  ].join(" ");
  const code = async (count) => {
    const happened = rows.slice(rows.length - count).map(([at, kind, text, times]) => [Math.round((now - at) / 1000), kind, text, times]);
    const { device, store, version, language } = place.dataset;
    const bytes = new TextEncoder().encode(JSON.stringify([device, store, version, build, language, Math.round(now / 1000), state, browser(), happened]));
    const small = window.CompressionStream ? await packed(bytes) : bytes;
    if (small.length > MOST_BYTES && count > 1) return code(count - 1); // the oldest are left out
    return (window.CompressionStream ? "Y1" : "Y0") + letters(small);
  };

  const made = await code(rows.length);
  const field = place.querySelector("textarea"), picture = place.querySelector("img");
  if (field) field.value = made.match(/.{1,5}/g).join("-");
  if (picture) {
    picture.onload = () => { picture.hidden = false; };
    picture.src = `/support/qr.svg?code=${made}`; // the store box draws it; without the box the letters remain
  } else place.textContent = made.match(/.{1,5}/g).join("-");
  place.querySelector("[data-copy]")?.addEventListener("click", async ({ target }) => {
    field.select();
    await navigator.clipboard?.writeText(field.value).catch(() => null) ?? document.execCommand("copy");
    target.textContent = place.dataset.copied;
  });

  const list = place.querySelector("[data-happened]");
  if (!list) return;
  const age = (ms) => {
    const seconds = ms / 1000, units = place.dataset.units.split("|");
    const [unit, n] = seconds < 60 ? [0, seconds] : seconds < 3600 ? [1, seconds / 60] : seconds < 172800 ? [2, seconds / 3600] : [3, seconds / 86400];
    return units[unit].replace("{n}", Math.floor(n));
  };
  for (const [at, kind, text, times] of rows.slice(-8).reverse()) {
    const item = document.createElement("li"), time = document.createElement("time"), words = document.createElement("span"), more = document.createElement("small");
    time.textContent = age(now - at);
    words.textContent = (place.dataset[kind] ?? kind) + (times > 1 ? ` ×${times}` : "");
    more.textContent = text;
    words.append(more);
    item.append(time, words);
    list.append(item);
  }
  if (!rows.length) list.replaceWith(place.dataset.none);
})();
