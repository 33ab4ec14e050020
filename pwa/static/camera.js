// The camera as a scanner: what it reads goes the way of every other scan (window.yipan.scan.got).
//
// Fetched when somebody opens it. The browser's own reader is taken where it knows the codes we need, else
// ours (reader.js), which is kept on the device from then on. Nothing leaves this address: pictures stay here.
const PARTS = ["static:reader.js", "static:lib/zxing.js", "static:lib/zxing.wasm"];
const NEEDED = ["ean_13", "ean_8", "upc_a", "code_128", "data_matrix", "qr_code"];
const MATRIX = ["data_matrix", "qr_code"];
const KEPT = "camera"; // the cache that the worker looks into as well, whatever its own version
const PAUSE_MS = 60; // between two pictures, so that the device stays cool
const AWAY_MS = 900; // a code has left the view when it was not read for so long,
const AWAY_PICTURES = 3; // nor in so many pictures: a shaking hand misses one or two
const UNUSED_MS = 120_000;
const WIDEST = 1280;

// --- what a picture counts for: the same code in view counts once, until it has left or the person says so
const counter = () => {
  const counted = new Map(); // what was counted and has not left the view since
  let doubtful = "", newest = "";
  return {
    // Of the codes in one picture ({text, sure, x, y}, the middle being 0.5) the one to take now, or "".
    picture(codes, now) {
      const seen = new Set(codes.map((one) => one.text));
      for (const [text, was] of counted) {
        if (seen.has(text)) Object.assign(was, { at: now, missed: 0 });
        else if (++was.missed >= AWAY_PICTURES && now - was.at > AWAY_MS) counted.delete(text);
      }
      const off = (one) => Math.max(Math.abs(one.x - 0.5), Math.abs(one.y - 0.5));
      const aimed = codes.filter((one) => off(one) < 0.35).sort((a, b) => off(a) - off(b))[0];
      if (!aimed || counted.has(aimed.text)) return "";
      // Bars are misread now and then where they blur; twice the same is no accident.
      if (!aimed.sure && doubtful !== aimed.text) { doubtful = aimed.text; return ""; }
      counted.set(aimed.text, { at: now, missed: 0 });
      newest = aimed.text;
      doubtful = "";
      return newest;
    },
    // The code that was counted last, while it is still in view: it may be counted once more.
    held: () => (counted.has(newest) ? newest : ""),
  };
};

// --- readers: a picture to [{text, sure, x, y}]
const native = async () => {
  try {
    const there = await BarcodeDetector.getSupportedFormats();
    return NEEDED.every((format) => there.includes(format)) ? new BarcodeDetector({ formats: [...NEEDED, ...there.filter((f) => f === "itf")] }) : null;
  } catch { return null; }
};
const byBrowser = (detector) => ({
  read: async (picture) => {
    const found = await detector.detect(picture);
    const { width, height } = picture;
    picture.close();
    return found.map(({ rawValue, format, boundingBox: box }) => ({
      text: rawValue, sure: MATRIX.includes(format), x: (box.x + box.width / 2) / width, y: (box.y + box.height / 2) / height,
    }));
  },
  end() {},
});
const byUs = () => {
  const worker = new Worker(PARTS[0]);
  let number = 0, asked = null;
  worker.onmessage = ({ data }) => {
    if (data.number !== number) return;
    if (data.error) asked?.no(new Trouble("reader", data.error));
    else asked?.yes(data.codes);
  };
  worker.onerror = (event) => { event.preventDefault(); asked?.no(new Trouble("reader", event.message)); };
  return {
    read: (picture) => new Promise((yes, no) => {
      asked = { yes, no };
      worker.postMessage({ number: ++number, picture }, [picture]);
    }),
    end: () => worker.terminate(),
  };
};
class Trouble extends Error { constructor(why, more) { super(more); this.why = why; } }

// --- kept on this device
const keep = async (parts) => {
  const cache = await caches.open(KEPT);
  const there = (await cache.keys()).map((one) => one.url);
  const wanted = parts.map((part) => new URL(part, location.href).href);
  await Promise.all(wanted.filter((url) => !there.includes(url)).map((url) => cache.add(url)));
  await Promise.all(there.filter((url) => !wanted.includes(url)).map((url) => cache.delete(url)));
};
const all = async () => [import.meta.url, ...((await native()) ? [] : PARTS)];
// In idle time, so that the camera opens also where the store box is not reached.
const prepare = async () => {
  const devices = await navigator.mediaDevices.enumerateDevices();
  if (devices.some((one) => one.kind === "videoinput") && !navigator.connection?.saveData) await keep(await all());
};

// --- the panel over the page
const WORDS = "texts:here"; // by language: what this script says, from the catalogues
const _ = (text) => WORDS[document.documentElement.lang.slice(0, 2)]?.[text] ?? text;
const reasons = () => ({
  refused: _("The browser may not use the camera. Touch the sign beside the address, or the app's entry in the device's settings, allow the camera, and try again."),
  none: _("This handheld has no camera. Scan with the trigger, or type the code."),
  busy: _("Another app holds the camera. Close it, and try again."),
  insecure: _("The browser gives the camera to pages of a secure address only."),
  reader: _("What reads the codes could not be fetched. Go where the store box is reached, and try again once; afterwards it stays on this handheld."),
});
const whyOf = (error) => error.why ?? ({ NotAllowedError: "refused", SecurityError: "refused", NotFoundError: "none", OverconstrainedError: "none", NotReadableError: "busy", AbortError: "busy" }[error.name] ?? "reader");

const make = (tag, more = {}, ...inside) => {
  const element = Object.assign(document.createElement(tag), more);
  element.append(...inside);
  return element;
};
let opened = null; // the panel, its parts, and the camera behind it

const button = (text, press) => make("button", { type: "button", className: "btn small quiet", textContent: text, onclick: press });
const build = () => {
  const video = make("video", { muted: true, playsInline: true, autoplay: true });
  const say = make("p", { textContent: _("Starting the camera …") });
  const again = button(_("Once more"), () => { const text = opened?.count.held(); if (text) took(text); });
  const torch = button(_("Torch"), () => light(torch.getAttribute("aria-pressed") !== "true"));
  const retry = button(_("Try again"), () => { close(); open(); });
  const shut = button(_("Close"), close);
  again.disabled = true;
  torch.hidden = retry.hidden = true;
  const panel = make("section", { className: "camera" }, make("div", { className: "view" }, video, make("i")), say, make("div", { className: "pair" }, torch, again, retry, shut));
  panel.setAttribute("aria-label", _("Camera"));
  document.querySelector("header.top").append(panel);
  shut.focus();
  return { panel, video, say, torch, again, retry, track: null, reader: null, count: counter(), lastUse: performance.now() };
};
const took = (text) => {
  opened.lastUse = performance.now();
  window.yipan.scan.got([text]);
};
const light = async (on) => {
  await opened.track.applyConstraints({ advanced: [{ torch: on }] }).catch(() => null);
  opened?.torch.setAttribute("aria-pressed", String(on));
};
const failed = (mine, error) => {
  if (mine !== opened) return;
  release(mine);
  const why = whyOf(error);
  console.warn("camera:", why, error.message);
  mine.panel.classList.add("off");
  mine.say.setAttribute("role", "alert");
  mine.say.textContent = reasons()[why];
  if (why === "insecure") mine.say.append(" ", make("a", { href: "/secure", textContent: _("How to get one") }));
  mine.again.hidden = mine.torch.hidden = true;
  mine.retry.hidden = !["refused", "busy", "reader"].includes(why);
};

const start = async (mine) => {
  if (!isSecureContext || !navigator.mediaDevices?.getUserMedia) throw new Trouble("insecure");
  const stream = await navigator.mediaDevices.getUserMedia({
    video: { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 720 } },
  });
  mine.track = stream.getVideoTracks()[0];
  if (mine !== opened || document.hidden) return release(mine);
  mine.track.onended = () => failed(mine, new Trouble("busy"));
  mine.video.srcObject = stream;
  mine.torch.hidden = !mine.track.getCapabilities?.().torch;
  if (!mine.reader) {
    const detector = await native();
    mine.reader = detector ? byBrowser(detector) : byUs();
    all().then(keep).catch(() => null); // for when the store box is away
  }
  await mine.video.play();
  mine.say.textContent = _("Hold the code into the frame.");
  look(mine, mine.track);
};
// While a code is in view, the page's own word about it stands here too: below it may be out of sight.
const told = (mine, held) => {
  const box = held && document.querySelector("#said .fb:not(.wait)");
  const word = box ? box.querySelector("b").textContent : held ? _("Read. Take it out of the frame, or touch “Once more”.") : _("Hold the code into the frame.");
  if (mine.say.textContent !== word) Object.assign(mine.say, { textContent: word, className: box ? box.dataset.mood : "" });
  mine.again.disabled = !held;
};
// What the panel shows of the picture, and nothing beside it: a code that nobody sees is not meant.
const seen = ({ video }) => {
  const { videoWidth: w, videoHeight: h, clientWidth: cw, clientHeight: ch } = video;
  const scale = Math.max(cw / w, ch / h) || 1;
  const [sw, sh] = [Math.min(w, Math.round(cw / scale)), Math.min(h, Math.round(ch / scale))];
  const small = Math.min(1, WIDEST / sw);
  return createImageBitmap(video, Math.round((w - sw) / 2), Math.round((h - sh) / 2), sw, sh, {
    resizeWidth: Math.round(sw * small), resizeHeight: Math.round(sh * small), resizeQuality: "high",
  });
};
const look = async (mine, track) => {
  try {
    while (mine === opened && mine.track === track && track.readyState === "live") {
      if (performance.now() - mine.lastUse > UNUSED_MS) return close();
      // A sheet over the page asks for something else.
      if (mine.video.readyState >= 2 && !document.querySelector("dialog[open]")) {
        const codes = await mine.reader.read(await seen(mine));
        if (mine !== opened) return;
        const text = mine.count.picture(codes, performance.now());
        if (text) took(text);
        told(mine, Boolean(mine.count.held()));
      }
      await new Promise((done) => setTimeout(done, PAUSE_MS));
    }
  } catch (error) { failed(mine, error); }
};
const release = (mine) => {
  if (mine.track) mine.track.onended = null;
  mine.track?.stop();
  mine.track = null;
  mine.video.srcObject = null;
};

const close = () => {
  const mine = opened;
  opened = null;
  if (!mine) return;
  release(mine);
  mine.reader?.end();
  mine.panel.remove();
  document.querySelector(".cam")?.focus();
};
const open = async () => {
  if (opened) return close();
  const mine = (opened = build());
  await start(mine).catch((error) => failed(mine, error));
};
window.yipan.camera = { open, close, prepare, counter };
// Nobody looks: let the camera go, and take it again when somebody does.
document.addEventListener("visibilitychange", () => {
  const mine = opened;
  if (!mine || mine.panel.classList.contains("off")) return;
  if (document.hidden) release(mine);
  else if (!mine.track) start(mine).catch((error) => failed(mine, error));
});
