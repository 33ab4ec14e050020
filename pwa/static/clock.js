// Countdowns and the age of what was heard, between two words from the store node.
(() => {
  "use strict";
  // The centre's time as the page last knew it, run on by a clock that nobody sets.
  let known = 0;
  let at = 0;
  const learn = () => {
    const now = +document.getElementById("line")?.dataset.now;
    if (now && now !== known) { known = now; at = performance.now(); }
  };
  const now = () => known + performance.now() - at;

  const two = (n) => String(n).padStart(2, "0");
  const clock = (ms) => {
    const seconds = Math.floor(Math.abs(ms) / 1000);
    const hours = Math.floor(seconds / 3600);
    const text = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
    return (ms < 0 ? "-" : "") + (hours ? `${hours}:${text}` : text);
  };
  const age = (ms, units) => {
    const seconds = Math.max(0, Math.floor(ms / 1000));
    const [n, unit] = seconds < 60 ? [seconds, 0] : seconds < 3600 ? [Math.floor(seconds / 60), 1]
      : seconds < 172800 ? [Math.floor(seconds / 3600), 2] : [Math.floor(seconds / 86400), 3];
    return units[unit].replace("{n}", n);
  };

  const tick = () => {
    learn();
    for (const place of document.querySelectorAll("[data-until]")) {
      const text = clock(place.dataset.until - now());
      if (place.textContent !== text) place.textContent = text;
    }
    for (const place of document.querySelectorAll("[data-hide-at]")) place.hidden = now() >= +place.dataset.hideAt;
    const line = document.getElementById("line");
    const heard = +line?.dataset.heard;
    if (heard && !line.classList.contains("alone")) {
      const text = line.dataset.words.replace("{age}", age(now() - heard, line.dataset.units.split("|")));
      const place = line.querySelector(".what");
      if (place.textContent !== text) place.textContent = text;
    }
  };
  setInterval(tick, 1000);
  addEventListener("DOMContentLoaded", tick);
  document.addEventListener("htmx:after:swap", tick);

  // The stream itself is lost: the store box is not reached. Said on the line, calmly.
  const alone = () => {
    const line = document.getElementById("line");
    if (!line || document.hidden) return;
    line.classList.add("down", "alone");
    line.querySelector(".what").textContent = line.dataset.alone;
  };
  document.addEventListener("unheard", alone);
})();
