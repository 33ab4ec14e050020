// A new handheld tried out: its clock, its scanner, whether it is installed and can work alone.
(() => {
  "use strict";
  const all = (what) => document.querySelectorAll(what);
  const show = (what, yes) => { for (const one of all(what)) one.hidden = !yes; };
  const OFF_MS = 120_000;
  let asks = null; // the browser's own offer to install

  // The page came just now, with the box's own time in it.
  const clock = () => {
    const line = document.getElementById("line");
    const wrong = Math.abs(Date.now() - +line.dataset.now);
    const [, minutes, hours, days] = line.dataset.units.split("|");
    const [unit, n] = wrong < 7_200_000 ? [minutes, wrong / 60_000] : wrong < 172_800_000 ? [hours, wrong / 3_600_000] : [days, wrong / 86_400_000];
    for (const box of all("[data-clock]")) {
      box.textContent = box.textContent.replace("{time}", unit.replace("{n}", Math.round(n)));
      box.hidden = wrong < OFF_MS;
    }
  };
  const install = () => {
    const done = matchMedia("(display-mode: standalone)").matches;
    show("[data-when=done]", done);
    show("[data-when=ask]", !done);
    show("[data-install]", !done && asks);
    show("[data-by-hand]", !done && !asks);
  };
  const alone = () => {
    if (!isSecureContext || !("serviceWorker" in navigator)) { show("[data-alone]", false); return; }
    navigator.serviceWorker.ready.then(() => { show("[data-alone=wait]", false); show("[data-alone=yes]", true); });
  };
  const look = () => {
    if (all("[data-clock]").length) clock();
    install();
    alone();
  };
  look();
  // The pages of a start follow each other without a load: this script is there once.
  if (window.yipan.start) return;
  window.yipan.start = true;
  document.addEventListener("htmx:after:swap", look);
  document.addEventListener("input", ({ target }) => {
    // A whole address that was scanned: the form sends it as it is.
    if (target.id === "code" && /[?&]code=./.test(target.value)) target.form.requestSubmit();
    if (target.id === "tried") { show("[data-unheard]", false); show("[data-heard-it]", true); }
  });
  document.addEventListener("click", async ({ target }) => {
    if (!target.closest("[data-install]")) return;
    await asks?.prompt();
    asks = null;
    install();
  });
  addEventListener("beforeinstallprompt", (event) => { event.preventDefault(); asks = event; install(); });
  addEventListener("appinstalled", () => { show("[data-when=done]", true); show("[data-when=ask]", false); });
})();
