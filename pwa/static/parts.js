// Small behaviours of single elements: sheets, steppers, the PIN pad.
(() => {
  "use strict";
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-opens]");
    if (opener) {
      const sheet = document.getElementById(opener.dataset.opens);
      sheet?.showModal();
      sheet?.querySelector("input:not([type=hidden])")?.focus();
      return;
    }
    if (event.target.closest("[data-close]")) { event.target.closest("dialog")?.close(); return; }
    const step = event.target.closest("[data-step]");
    if (step) {
      const field = step.closest("[data-stepper]").querySelector("input");
      const least = +field.dataset.least, most = +field.dataset.most;
      field.value = Math.min(most, Math.max(least, (parseInt(field.value, 10) || 0) + +step.dataset.step));
      return;
    }
    const key = event.target.closest("[data-key]");
    if (key) {
      const field = document.getElementById(key.closest("[data-keys]").dataset.keys);
      const what = key.dataset.key;
      if (what === "clear") field.value = "";
      else if (what === "back") field.value = field.value.slice(0, -1);
      else if (field.value.length < field.maxLength) field.value += what;
    }
  });
  // A link of a long list is given to htmx when it is tapped: to take in and let go of two hundred costs more than the page.
  document.addEventListener("click", (event) => {
    const link = event.target.closest('[hx-boost\\:inherited="false"] a');
    if (!link || link._htmx) return;
    link.setAttribute("hx-boost", "target:#page swap:innerHTML");
    htmx.process(link);
  }, true);
  // A page that follows the stream of changes asks for itself now and then. Three things it may not do:
  // replace a page that the person has gone to meanwhile, close a sheet that somebody is typing in, and
  // wipe "Right item" away a moment after the scan that caused the change.
  let moves = 0; // how often the person's own doing has changed the page
  const itself = (ctx) => Boolean(ctx?.request?.headers?.["X-By-Itself"]);
  document.addEventListener("htmx:before:request", (event) => {
    const ctx = event.detail?.ctx;
    if (itself(ctx)) ctx.askedAt = moves;
  });
  document.addEventListener("htmx:before:swap", (event) => {
    const ctx = event.detail?.ctx;
    const said = document.getElementById("said");
    if (itself(ctx)) {
      if (ctx.askedAt !== moves) {
        event.preventDefault();
        document.getElementById("changes")?.dispatchEvent(new Event("work")); // ask again, for what is shown now
      } else if (document.querySelector("dialog[open]")) event.preventDefault();
    } else if (ctx?.target?.id === "page") moves += 1;
    said?.toggleAttribute("hx-morph-skip", itself(ctx) && said.querySelector(".fb:not(.wait)") !== null);
  });
  // Only the browser knows whether its address counts as secure (a policy may say so): it has the last word.
  const secure = () => { for (const box of document.querySelectorAll("[data-insecure]")) box.hidden = window.isSecureContext; };
  document.addEventListener("htmx:after:swap", secure);
  secure();
  // A word over the page goes away with a touch, or when the page has moved on.
  document.addEventListener("click", (event) => { const box = event.target.closest("#trouble"); if (box) box.hidden = true; });
  document.addEventListener("htmx:before:request", () => { const box = document.getElementById("trouble"); if (box) box.hidden = true; });
  // A form that nobody answered is still on the page, with the same command: it can be sent again.
  document.addEventListener("htmx:error", (event) => {
    const box = document.getElementById("trouble");
    if (!box || event.detail?.ctx?.sourceElement?.id === "scan" || event.detail?.ctx?.request?.method === "GET") return;
    box.textContent = box.dataset.again;
    box.hidden = false;
  });
  // The session ended while the page lay open.
  document.addEventListener("signed_out", () => location.assign("/sign-in?next=" + encodeURIComponent(location.pathname)));
  // A sheet whose form was sent has done its work, also when the page under it was morphed.
  document.addEventListener("htmx:after:request", (event) => event.target.closest?.("dialog")?.close());
})();
