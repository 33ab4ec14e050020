// Words, times and counts in the reader's language: the twin of pwa/texts.py.
//
// `catalogue` has what compiled pages and rules say by number, `texts`, and what comes with the work `by` its English.
// Functions take (args, named), as templates call.
(() => {
  "use strict";
  const zones = new Map();
  const parts = (ms, zone) => {
    if (!zones.has(zone)) {
      const wanted = { hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" };
      let format;
      try { format = new Intl.DateTimeFormat("en-GB", { ...wanted, timeZone: zone }); }
      catch { format = new Intl.DateTimeFormat("en-GB", { ...wanted, timeZone: "UTC" }); }
      zones.set(zone, format);
    }
    return Object.fromEntries(zones.get(zone).formatToParts(ms).map((part) => [part.type, part.value]));
  };
  const two = (n) => String(n).padStart(2, "0");
  const fill = (text, values, str) => text.replace(/\{\{|\}\}|\{(\w+)\}/g, (all, name) => {
    if (!name) return all[0];
    if (!(name in values)) throw new Error(`the words “${text}” want ${name}`);
    return str(values[name]);
  });

  const missing = (number) => { throw new Error(`no text ${number} in this language's words`); };

  const words = ({ language, zone, catalogue, str = String }) => {
    const translate = (message) => (typeof message === "number" ? catalogue.texts[message - 1] ?? missing(message) : catalogue.by[message] || message);
    const say = (message, values = {}) => (Object.keys(values).length ? fill(translate(message), values, str) : translate(message));
    const _ = ([message], values) => say(message, values);
    const n_ = ([one, many, n], values = {}) => fill(translate(n === 1 ? one : many), { ...values, n }, str);
    const clock = (ms) => { const at = parts(ms, zone); return `${at.hour}:${at.minute}`; };
    const day = (at) => Date.UTC(+at.year, +at.month - 1, +at.day) / 86_400_000;
    const when = (ms, now) => {
      const then = parts(ms, zone);
      const days = day(then) - day(parts(now, zone));
      const time = `${then.hour}:${then.minute}`;
      if (days === 0) return say("today {time}", { time });
      if (days === -1) return say("yesterday {time}", { time });
      if (days === 1) return say("tomorrow {time}", { time });
      return `${then.month}-${then.day} ${time}`;
    };
    const age = (ms) => {
      const seconds = Math.floor(Math.max(ms, 0) / 1000);
      if (seconds < 60) return say("{n} s", { n: seconds });
      if (seconds < 3600) return say("{n} min", { n: Math.floor(seconds / 60) });
      if (seconds < 48 * 3600) return say("{n} h", { n: Math.floor(seconds / 3600) });
      return say("{n} days", { n: Math.floor(seconds / 86400) });
    };
    const countdown = (ms) => {
      const late = ms < 0;
      // Python's `-ms // 1000` of a late one rounds down as well.
      let seconds = Math.floor((late ? -ms : ms) / 1000);
      const hours = Math.floor(seconds / 3600);
      const minutes = Math.floor((seconds % 3600) / 60);
      seconds %= 60;
      const sign = late ? "-" : "";
      return hours ? `${sign}${hours}:${two(minutes)}:${two(seconds)}` : `${sign}${two(minutes)}:${two(seconds)}`;
    };
    const name = (row, field = "name") => {
      const [mine, other] = language === "zh" ? ["zh", "en"] : ["en", "zh"];
      return row[`${field}_${mine}`] || row[`${field}_${other}`] || "";
    };
    const t = {
      language,
      clock: ([ms]) => clock(ms),
      when: ([ms, now]) => when(ms, now),
      age: ([ms]) => age(ms),
      countdown: ([ms]) => countdown(ms),
      name: ([row, field]) => name(row, field),
    };
    return { _, n_, t, say };
  };
  if (typeof module === "object") module.exports = words;
  else globalThis.words = words;
})();
