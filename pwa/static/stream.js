// The store box's stream of changes: its word on the line, and that the work has changed. A few lines over the
// browser's own EventSource, because its own way to try again gives up at the first answer that is no stream.
(() => {
  "use strict";
  const place = document.getElementById("changes");
  if (!place) return;
  const SOON_MS = 1000, LATE_MS = 15000;
  let source = null, wait = SOON_MS, again = 0, opened = false;
  const tell = (name) => place.dispatchEvent(new CustomEvent(name, { bubbles: true }));
  const close = () => { clearTimeout(again); source?.close(); source = null; };
  const open = () => {
    close();
    source = new EventSource(`${place.dataset.stream}?mark=${place.dataset.mark}`);
    place.dataset.mark = ""; // said for the page as it was drawn, once
    source.onopen = () => { opened = true; wait = SOON_MS; };
    // What has no name is a piece of page that says itself where it belongs.
    source.onmessage = ({ data }) => htmx.swap({ text: data, sourceElement: place, target: place, swap: "none" });
    for (const name of ["work", "stock"]) source.addEventListener(name, () => tell(name));
    source.addEventListener("signed_out", () => { close(); tell("signed_out"); });
    source.onerror = () => {
      close();
      if (!opened) tell("unheard"); // once more in vain: the box is not reached
      opened = false;
      again = setTimeout(open, wait * (0.8 + Math.random() * 0.4));
      wait = Math.min(wait * 2, LATE_MS);
    };
  };
  // Nobody looks: the box need not talk. What happened meanwhile is asked for when the stream opens.
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  addEventListener("DOMContentLoaded", open);
})();
