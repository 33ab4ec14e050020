// Which keys are a scanner's: from key and text events to codes. It knows no page and no clock, so that
// tests play ten thousand scans through it in a minute; scan.js feeds it with what the browser says.
//
// Outside a field nobody types, so whatever is fast enough and ends is a scan. In a field a scan is told
// from typing by one of: its prefix, its tempo (quicker or more even than fingers), or what it says.
(() => {
  "use strict";
  const QUICK_MS = 45; // no fingers type this fast
  const SHORTEST = 3;
  const SURE = 6; // shorter ones are too easily typed
  const EVEN_MS = 20; // and none this evenly, over EVEN keys
  const EVEN = 8;
  const PAUSE_MS = 600; // a busy handheld may hold its scanner's keys back once for so long
  const AIM = /\][A-Za-z][0-9A-Fa-f]/;
  const PLAIN = { gap: 150, field: QUICK_MS, suffix: "auto", prefix: "", gs: "", bounce: 200, commandBounce: 1000 };

  // `settings()` as PLAIN; `known(code)`: is this a sound code, or one that the page waits for?
  // `command(code)`: is it one of the printed commands?
  const machine = (settings, known, command) => {
    let burst = null;
    let swallow = -1; // until then a suffix belongs to a scan that was taken without it
    let last = { code: "", at: -Infinity };

    const give = (out, code, begun, at) => {
      const set = settings();
      const text = set.gs ? code.split(set.gs).join("\u001d") : code;
      if (text.length < SHORTEST) return;
      const bounced = text === last.code && begun - last.at < (command(text) ? set.commandBounce : set.bounce);
      last = { code: text, at };
      if (bounced) out.bounced = true;
      else out.codes.push(text);
    };

    // What a burst says: its text from the prefix on, and whether a prefix removes all doubt.
    const inner = (b) => {
      const { prefix } = settings();
      const own = prefix ? b.text.indexOf(prefix) : -1;
      if (own >= 0) return { text: b.text.slice(own + prefix.length), sure: true };
      const aim = b.text.search(AIM);
      return aim === 0 || (b.field && aim > 0) ? { text: b.text.slice(aim), sure: true } : { text: b.text, sure: false };
    };
    const byTempo = (b, text) => b.high <= settings().field || b.whole || (text.length >= EVEN && b.high - b.low <= EVEN_MS);

    // Somebody typed a number and then scanned, all within the gap: what came after the one long gap.
    const afterTyping = (b) => {
      const long = b.gaps.reduce((most, one) => (one.gap > most.gap ? one : most), { gap: 0 });
      const others = Math.max(0, ...b.gaps.filter((one) => one !== long).map((one) => one.gap));
      const text = long.gap > settings().field && long.gap > 3 * others ? b.text.slice(long.index) : "";
      return text.length >= SURE && (known(text) || others <= settings().field) ? { ...long, text } : null;
    };

    // The burst has ended: with a suffix, or by silence. True where it was taken.
    const close = (out, at, suffix) => {
      const b = burst;
      burst = null;
      if (!b) return false;
      const { text, sure } = inner(b);
      const means = sure || known(text);
      const before = out.codes.length + (out.bounced ? 1 : 0);
      if (command(text)) give(out, text, b.begun, at);
      else if (b.field) {
        const tail = b.wanted || sure ? null : afterTyping(b);
        if (tail) Object.assign(b, { before: tail.before, begun: tail.from });
        else if (b.wanted || text.length < SURE || !(means || (suffix && byTempo(b, text)))) return false;
        give(out, tail?.text || text, b.begun, at);
      } else if (b.cut >= 0 && !means) {
        // Keys stood still in between: one torn code, or two of which the first had no suffix?
        const parts = [b.text.slice(0, b.cut), b.text.slice(b.cut)];
        if (parts.every(known)) for (const part of parts) give(out, part, b.begun, at);
        else if (known(parts[1])) give(out, parts[1], b.begun, at);
        else if (b.text.length >= SURE && parts[0].length >= SHORTEST) out.torn = true; // never half a code
        else return false;
      } else if (suffix || means || (b.sink && text.length >= SHORTEST) || (text.length >= SURE && byTempo(b, text))) {
        give(out, text, b.begun, at);
      }
      const taken = out.torn || out.codes.length + (out.bounced ? 1 : 0) > before;
      if (taken && b.field) out.back = { field: b.field, value: b.before };
      return taken;
    };

    // How long a silence ends a burst without a suffix.
    const patience = () => {
      const { gap, suffix } = settings();
      return suffix === "none" || burst.whole ? gap : Math.max(gap, PAUSE_MS);
    };
    const tick = (now, out = { codes: [] }) => {
      if (burst && now - burst.at > patience()) {
        const { suffix } = settings();
        const at = burst.at;
        if (suffix === "enter" || suffix === "tab") burst = null;
        else if (close(out, at, suffix === "none")) swallow = at + PAUSE_MS + settings().gap;
      }
      return out;
    };

    const begin = (event) => {
      const from = event.from ?? event.time;
      burst = { text: "", begun: from, at: from, low: Infinity, high: 0, cut: -1, gaps: [], whole: false, sink: event.kind === "text" && !event.field, field: event.field || null, before: event.before, wanted: event.wanted };
    };
    const letters = (event, out) => {
      const { gap } = settings();
      const from = event.from ?? event.time;
      const whole = event.text.length >= SURE && event.time - from <= QUICK_MS * event.text.length;
      if (burst && burst.field !== (event.field || null)) close(out, burst.at, false);
      // Two whole codes in a row, each written at once: an input method without a suffix.
      if (burst && burst.whole && whole && (known(burst.text) || burst.text === event.text)) close(out, burst.at, true);
      if (burst && from - burst.at > gap) {
        if (burst.field || burst.cut >= 0 || from - burst.at > PAUSE_MS) burst = null;
        else burst.cut = burst.text.length;
      }
      if (!burst) begin(event);
      else if (burst.cut !== burst.text.length) {
        burst.low = Math.min(burst.low, from - burst.at);
        burst.high = Math.max(burst.high, from - burst.at);
        if (burst.field) burst.gaps.push({ gap: from - burst.at, index: burst.text.length, before: event.before, from });
      }
      if (event.text.length > 1) burst.high = Math.max(burst.high, (event.time - from) / (event.text.length - 1));
      burst.whole = burst.text === "" && whole;
      burst.text += event.text;
      burst.at = event.time;
      out.hold = !event.field;
    };
    const end = (event, out) => {
      const { gap, suffix } = settings();
      if (suffix !== "auto" && suffix !== "none" && suffix !== event.text) { burst = null; return; }
      if (!burst) { out.hold = event.time < swallow; return; }
      const late = event.time - burst.at;
      if (late > gap && (burst.field || burst.cut >= 0 || late > PAUSE_MS)) { burst = null; return; }
      out.hold = close(out, event.time, true);
    };

    // {kind: "key" | "text" | "end" | "break", text, time, from?, field?, before?, wanted?}
    // to {codes, hold: keep it from the page, back: {field, value} to put back, torn, bounced}.
    const feed = (event) => {
      const out = tick(event.time);
      if (event.kind === "break" || (event.kind === "text" && /[^\x1d\x20-\x7e\r\n\t]/.test(event.text))) burst = null;
      else if (event.kind === "end") end(event, out);
      else {
        const parts = event.text.split(/(?:\r\n|[\r\n\t])/);
        parts.forEach((text, i) => {
          if (text) letters({ ...event, text }, out);
          if (i < parts.length - 1) end({ ...event, text: "enter" }, out);
        });
      }
      return out;
    };
    return { feed, tick, waits: () => (burst ? patience() : 0) };
  };

  // What this device's scanner is like, kept on the device: one PDA model differs from the next.
  const KEY = "yipan-scanner";
  const profile = () => {
    try { return JSON.parse(localStorage.getItem(KEY)) || {}; } catch { return {}; }
  };
  const keep = (values) => localStorage.setItem(KEY, JSON.stringify(values));
  const forget = () => localStorage.removeItem(KEY);
  window.yipan = { ...(window.yipan || {}), capture: { machine, profile, keep, forget, PLAIN } };
})();
