// The page that tries a scanner out: every key's gap, what the code means, and the profile of this device.
(() => {
  "use strict";
  if (window.yipan.scanner) return; // the page was swapped in a second time
  const { gs1, capture, scan, feel } = window.yipan;
  const at = (name) => document.querySelector(`[data-heard="${name}"]`);
  const put = (name, text) => { const place = at(name); if (place) place.textContent = text || "–"; };
  const sheet = () => document.getElementById("profile");

  // --- what was heard, whatever the machine makes of it
  let times = [], shape = "key";
  const heard = (event, kind) => {
    if (!at("gaps")) return;
    if (times.length && event.timeStamp - times.at(-1) > 1500) times = [];
    times.push(event.timeStamp);
    shape = kind;
  };
  const ended = (suffix) => {
    if (!at("gaps") || !times.length) return;
    const gaps = times.slice(1).map((time, i) => Math.round(time - times[i]));
    put("gaps", gaps.join(" "));
    put("slowest", gaps.length ? String(Math.max(...gaps)) : "");
    put("suffix", suffix || document.getElementById("heard").dataset.nothing);
    put("shape", document.getElementById("heard").dataset[shape]);
    times = [];
  };
  addEventListener("keydown", (event) => {
    if (event.target.closest?.("#profile")) return;
    if (event.key === "Enter" || event.key === "Tab") ended(event.key);
    else if (event.key.length === 1) heard(event, "key");
  }, true);
  addEventListener("input", (event) => {
    if (event.target.id === "read") {
      const means = gs1.read(event.target.value);
      for (const name of ["gtin", "serial", "lot", "expiry", "sscc"]) put(name, means[name]);
      if (shape === "text") ended("");
    } else if (event.target.id === "sink" && event.data) heard(event, "text");
  }, true);

  // --- the profile
  const show = () => {
    const place = sheet();
    if (!place) return;
    const set = scan.settings();
    for (const field of place.querySelectorAll("[name]")) field.value = set[field.name];
    const own = JSON.stringify(capture.profile());
    place.querySelector("[data-profile]").textContent = own === "{}" ? "" : own;
  };
  const number = (field, least, most) => Math.min(most, Math.max(least, parseInt(field.value, 10) || 0));
  document.addEventListener("click", (event) => {
    const place = sheet();
    if (!place) return;
    if (event.target.closest("[data-forget]")) capture.forget();
    else if (event.target.closest("[data-keep]")) {
      const field = (name) => place.querySelector(`[name="${name}"]`);
      capture.keep({
        gap: number(field("gap"), 20, 1500), field: number(field("field"), 5, 1500), bounce: number(field("bounce"), 0, 2000),
        suffix: field("suffix").value, prefix: field("prefix").value, gs: field("gs").value,
      });
    } else return;
    show();
    place.querySelector("[data-profile]").textContent += ` ${place.dataset.saved}`;
    feel.play("good");
  });
  document.addEventListener("htmx:after:swap", show);
  show();
  window.yipan.scanner = { show };
})();
