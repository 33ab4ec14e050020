// Scans, from wherever they come, to the one form on the page that takes them.
//
// A scanner types: fast keys anywhere on the page, or text put into the focused field by an
// input method. The page answers at once from the task that it holds (colour, sign, words,
// sound, vibration), then sends. A scan's command id is made before the first try, so a
// retry applies once; answers come in order and never take back what was scanned since.
(() => {
  "use strict";
  const { feel, gs1, capture, newId } = window.yipan;
  const sink = document.getElementById("sink");
  // What this device's scanner is like, over what the policy `scan_gap_ms` says of all of them.
  const settings = () => ({ ...capture.PLAIN, gap: +sink?.dataset.gap || capture.PLAIN.gap, ...capture.profile() });
  const tell = (what) => {
    const trouble = document.getElementById("trouble");
    if (!trouble) return;
    if (what) trouble.textContent = trouble.dataset[what];
    trouble.hidden = !what;
  };

  // --- the task that the page holds
  const form = () => document.getElementById("scan");
  const task = () => {
    const text = form()?.dataset.task;
    return text ? JSON.parse(text) : null;
  };
  let waiting = []; // scans that the store node has not answered yet: {command, code, key}
  let had = 0; // how often the page answered by itself, for tests

  const words = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");

  // The page's own answer to a code: mood, text and the line it counts for.
  const judge = (held, code, counted) => {
    const read = gs1.read(code);
    const codes = new Set([read.raw, read.raw.toUpperCase()]);
    if (read.gtin) codes.add(read.gtin);
    const fits = held.lines.filter((line) => line.codes.some((c) => codes.has(c)));
    const have = (line) => line.have + (counted[line.key] || 0);
    const open = fits.find((line) => have(line) < line.want);
    if (open) {
      const left = open.want - have(open) - 1;
      return { mood: "good", text: words(left > 0 ? held.say.more : held.say.last, { left, tote: open.tote }), key: open.key };
    }
    if (fits.length) return { mood: "again", text: words(held.say.again, { want: fits[0].want }), key: "" };
    if (held.say.other) return { mood: "good", text: held.say.other, key: "" }; // on to the next goods
    return { mood: "bad", text: held.say.wrong, key: "" };
  };

  const SIGNS = { good: "m4 13 6 6L20 6", bad: "m6 6 12 12M18 6 6 18", again: "M8 6v12M16 6v12" };
  const say = (mood, text) => {
    const place = document.getElementById("said");
    if (!place) return;
    const box = document.createElement("div");
    box.className = `fb ${mood}${mood === "good" && alone() && form() ? " kept" : ""}`;
    box.dataset.mood = mood;
    box.innerHTML = `<svg class="sign" viewBox="0 0 24 24" aria-hidden="true"><path d="${SIGNS[mood]}"/></svg><p><b></b></p>`;
    box.querySelector("b").textContent = text;
    place.replaceChildren(box);
  };
  // The store box is away: what is right is kept on this device, and sounds and looks so.
  const alone = () => Boolean(document.querySelector("#line.alone"));
  // Scans that the page does not have in it yet: not answered, and not among the facts it was made from.
  // A page can come for another reason than our scan, with our scan in it or without.
  const unseen = () => {
    const seen = (form()?.dataset.seen || "").split(" ");
    return waiting.filter((scan) => scan.key && !scan.answered && !seen.includes(scan.command));
  };
  const counted = () => {
    const sums = {};
    for (const scan of unseen()) sums[scan.key] = (sums[scan.key] || 0) + 1;
    return sums;
  };
  // The page's figures with the unseen scans on top. May run any number of times for one page.
  const draw = (held) => {
    const sums = counted();
    for (const line of held?.lines || []) {
      const places = document.querySelectorAll(`[data-have="${CSS.escape(line.key)}"]`);
      for (const place of places) place.textContent = line.have + (sums[line.key] || 0);
    }
  };

  // --- a code has come
  const take = (code) => {
    const target = form();
    if (!target) return into(code);
    const held = task();
    const scan = { command: newId(), code, key: "", mood: "", tries: 0 };
    if (held) {
      const answer = judge(held, code, counted());
      if (held.adds && answer.key) return add(held, answer);
      Object.assign(scan, answer);
      say(answer.mood, answer.text);
      scan.kept = answer.mood === "good" && alone();
      feel.play(scan.kept ? "kept" : answer.mood);
      had += 1;
    }
    waiting.push(scan);
    draw(held);
    send(scan);
  };

  // Pages that count into a number on the page: nothing is sent before the person says so.
  const add = (held, answer) => {
    const field = document.getElementById(held.adds);
    field.value = (parseInt(field.value, 10) || 0) + 1;
    say("good", `${answer.text} (${field.value})`);
    feel.play("good");
    had += 1;
  };
  // Pages with a field that a scan fills.
  const into = (code) => {
    const field = document.querySelector("[data-scans-into]");
    if (!field) return;
    field.value = code;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    feel.play("good");
  };

  // --- sending: one after the other, again under the same id when no answer came
  let chain = Promise.resolve();
  const send = (scan) => { chain = chain.then(() => attempt(scan)); };
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  const attempt = async (scan) => {
    const target = form();
    if (!target) { waiting = waiting.filter((other) => other !== scan); return; }
    for (scan.tries = 1; scan.tries <= 5; scan.tries++) {
      let failed = false;
      const notice = (event) => { if (event.detail?.ctx?.values?.command === scan.command) failed = true; };
      document.addEventListener("htmx:error", notice);
      const first = scan.tries === 1;
      answering = scan;
      await htmx.ajax("POST", target.getAttribute("action"), {
        source: target, target: "#page", swap: "innerMorph", values: { code: scan.code, command: scan.command },
      });
      document.removeEventListener("htmx:error", notice);
      if (!failed) { settle(scan); return; }
      if (first) tell("lost");
      await pause(Math.min(500 * 2 ** scan.tries, 4000));
    }
    settle(scan);
    tell("kept");
    feel.play("bad");
  };
  let answering = null;
  const settle = (scan) => {
    waiting = waiting.filter((other) => other !== scan);
    answering = null;
    if (!waiting.length) tell("");
  };

  // After the store node's answer: its word stands, and scans that still wait are counted on top.
  document.addEventListener("htmx:after:swap", (event) => {
    const byDevice = event.detail?.ctx?.response?.headers?.get?.("X-Drawn-By") === "device";
    const box = document.querySelector("#said .fb[data-command]");
    const scan = answering;
    if (scan && box && box.dataset.command === scan.command) {
      scan.answered = true;
      const mood = box.dataset.mood;
      if (byDevice && mood === "good") { box.classList.add("kept"); if (!scan.kept) feel.play("kept"); }
      else if (mood !== scan.mood && !(mood === "bad" && scan.mood === "again")) feel.play(mood);
      else if (mood === "bad" && scan.mood === "again") {
        // Its colour and its sign: a duplicate is never told by colour alone.
        box.className = "fb again";
        box.querySelector("path").setAttribute("d", SIGNS.again);
      }
      answering = null;
    } else if (scan && box && !scan.mood) {
      feel.play(box.dataset.mood);
      answering = null;
    }
    draw(task());
    // The last word is about the last scan, unless an earlier one has just been refused.
    const newest = waiting.filter((other) => !other.answered).at(-1);
    if (newest?.mood && box?.dataset.mood !== "bad") say(newest.mood, newest.text);
    afterwards(focus);
  });

  // --- printed commands: the page's own buttons, without putting the scanner away
  const COMMAND = /^(?:\][A-Za-z][0-9A-Fa-f])?YIPAN-(NEXT|UNDO|SHORT|PRINT)$/i;
  const press = (name) => {
    const within = document.querySelector("dialog[open]") || document;
    const button = within.querySelector(`[data-command~="${name}"]:not([disabled])`);
    feel.play(button ? "good" : "bad");
    if (button) button.click();
    else tell("none");
  };

  // --- capture: what the browser says, told to the machine of capture.js
  const got = (codes) => { for (const code of codes) { const name = code.match(COMMAND); if (name) press(name[1].toLowerCase()); else take(code); } };
  const expected = (code) => {
    const read = gs1.read(code);
    return Boolean(read.gtin || read.sscc) || Boolean(task()?.lines.some((line) => line.codes.includes(code)));
  };
  // Read once for each burst, not for each key.
  let set = settings();
  const machine = capture.machine(() => set, expected, (code) => COMMAND.test(code));
  let quiet = 0;
  const wait = () => {
    clearTimeout(quiet);
    const ms = machine.waits();
    if (ms) quiet = setTimeout(() => act(machine.tick(performance.now())), ms + 5);
  };
  const act = (out) => {
    if (out.back) out.back.field.value = out.back.value;
    if (sink && !machine.waits()) sink.value = "";
    if (out.torn) { tell("torn"); feel.play("bad"); }
    got(out.codes);
    wait();
    return out.hold;
  };
  const feed = (event, ...more) => {
    if (!machine.waits()) set = settings();
    return act(machine.feed(Object.assign({ time: event.timeStamp }, ...more)));
  };

  const typing = (element) =>
    element && element !== sink && (element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName)) &&
    !/^(radio|checkbox|button|submit)$/.test(element.type || "");
  const place = (event) => (typing(event.target) ? { field: event.target, wanted: event.target.dataset.typed !== undefined } : {});
  let typed = ""; // a key that the field will tell of once more
  addEventListener("keydown", (event) => {
    typed = "";
    if (event.isComposing || event.keyCode === 229) return; // an input method's: its text follows
    const group = event.ctrlKey && event.key === "]"; // how keyboards say FNC1
    if ((event.ctrlKey && !group) || event.altKey || event.metaKey) return;
    if (event.repeat) { machine.feed({ kind: "break", time: event.timeStamp }); return; } // a key held down
    const at = place(event);
    if (event.key.length === 1) {
      if (event.key === " " && !at.field && !machine.waits()) return; // presses the button that has the focus
      if (at.field) typed = event.key;
      if (feed(event, { kind: "key", text: group ? "\u001d" : event.key, before: event.target.value }, at) || group) event.preventDefault();
    } else if (event.key === "Enter" || event.key === "Tab") {
      if (feed(event, { kind: "end", text: event.key.toLowerCase() }, at)) { event.preventDefault(); event.stopPropagation(); }
    }
  }, true);

  // An input method writes: into the sink, or into the field that has the focus.
  let before = "";
  let since = null; // when the composition began
  addEventListener("beforeinput", (event) => {
    if (since === null) before = event.target.value;
    if (!typed && /^insert(LineBreak|Paragraph)$/.test(event.inputType) && feed(event, { kind: "end", text: "enter" }, place(event))) event.preventDefault();
  }, true);
  addEventListener("compositionstart", (event) => { since = event.timeStamp; before = event.target.value; }, true);
  addEventListener("compositionend", (event) => {
    const from = since ?? event.timeStamp;
    since = null;
    if (event.data) feed(event, { kind: "text", text: event.data, from, before }, place(event));
  }, true);
  addEventListener("input", (event) => {
    const key = typed;
    typed = "";
    if (event.isComposing || since !== null || !/^insert(Text|FromPaste)?$/.test(event.inputType || "")) return;
    const at = place(event);
    if (event.inputType === "insertFromPaste" && at.field) return;
    const text = event.data ?? (at.field ? "" : sink?.value);
    if (text && text !== key) feed(event, { kind: "text", text, before }, at);
  }, true);

  const afterwards = (then) => requestAnimationFrame(() => setTimeout(then));
  // The sink keeps the focus while nobody types, so that input methods have somewhere to write.
  const focus = () => {
    const active = document.activeElement;
    const open = document.querySelector("dialog[open]");
    if (!open && (!active || active === document.body)) sink?.focus({ preventScroll: true });
  };
  addEventListener("pointerup", () => setTimeout(focus, 50));
  // After the page has been drawn: asked for before, the focus costs a layout of its own.
  addEventListener("load", () => afterwards(focus));

  // --- the camera: a module of its own, fetched when somebody wants it, or once when there is time
  const camera = () => import("static:camera.js").then(() => window.yipan.camera);
  document.addEventListener("click", (event) => { if (event.target.closest(".cam")) camera().then((its) => its.open()).catch(() => tell("camera")); });
  if (isSecureContext && navigator.mediaDevices && sink && document.documentElement.dataset.camera !== "off") {
    globalThis.requestIdleCallback?.(() => camera().then((its) => its.prepare()).catch(() => null), { timeout: 30000 });
  }
  window.yipan = { ...window.yipan, scan: { take, got, judge, newId, settings, tick: (now) => act(machine.tick(now)), waiting: () => waiting.length, answered: () => had } };
})();
