// What a scanned code carries: a twin of sync/rules/codes.py, kept to what the page must answer by itself.
// tests/e2e/test_pages_scanning.py holds the two together.
(() => {
  "use strict";
  const GROUP = "\u001d";
  // Fixed lengths of the element strings that need no separator (GS1 General Specifications, figure 7.8.5-2).
  const FIXED = { "00": 18, "01": 14, "02": 14, "03": 14, "04": 16, "11": 6, "12": 6, "13": 6, "14": 6, "15": 6, "16": 6, "17": 6, "18": 6, "19": 6, "20": 2, "31": 8, "32": 8, "33": 8, "34": 8, "35": 8, "36": 8, "41": 14 };
  const LONG = { "31": 4, "32": 4, "33": 4, "34": 4, "35": 4, "36": 4, "39": 4, "37": 2, "41": 3, "42": 3, "24": 3, "25": 3, "40": 3, "70": 4, "71": 3, "80": 4, "81": 4, "82": 4 };

  const checkDigit = (digits) => (10 - [...digits].reverse().reduce((sum, d, i) => sum + d * (i % 2 ? 1 : 3), 0) % 10) % 10;
  const gtin14 = (code) =>
    /^(\d{8}|\d{12,14})$/.test(code) && checkDigit(code.slice(0, -1)) === +code.at(-1) ? code.padStart(14, "0") : "";

  const elements = (text) => {
    const found = {};
    let rest = text;
    while (rest) {
      if (rest[0] === GROUP) { rest = rest.slice(1); continue; }
      const two = rest.slice(0, 2);
      if (!/^\d\d$/.test(two)) return null;
      const width = LONG[two] || 2;
      const ai = rest.slice(0, width);
      if (!/^\d+$/.test(ai) || ai.length < width) return null;
      const fixed = FIXED[two];
      let value;
      if (fixed) {
        const length = two in LONG ? fixed - (width - 2) : fixed;
        value = rest.slice(width, width + length);
        if (value.length < length) return null;
        rest = rest.slice(width + length);
      } else {
        const end = rest.indexOf(GROUP, width);
        value = end < 0 ? rest.slice(width) : rest.slice(width, end);
        rest = end < 0 ? "" : rest.slice(end + 1);
      }
      found[ai] = value;
    }
    return found;
  };

  const link = (text) => {
    const path = text.replace(/^https?:\/\/[^/]+/i, "").split(/[?#]/)[0].split("/");
    const at = path.findIndex((part) => part === "01" || part === "gtin");
    if (at < 0) return null;
    const found = { "01": (path[at + 1] || "").padStart(14, "0") };
    for (let i = at + 2; i + 1 < path.length; i += 2) found[path[i]] = decodeURIComponent(path[i + 1]);
    return found;
  };

  // {raw, gtin, serial}; gtin is "" where the code carries none.
  const read = (raw) => {
    let text = raw.trim();
    const plain = gtin14(text);
    if (plain) return { raw: text, gtin: plain, serial: "" };
    text = text.replace(/~|\{GS\}|<GS>/g, GROUP);
    const aim = text.match(/^\][A-Za-z][0-9A-Fa-f]/);
    if (aim) text = text.slice(3);
    const bare = gtin14(text);
    if (aim && bare) return { raw: raw.trim(), gtin: bare, serial: "" };
    if (text.startsWith("(")) text = text.split("(").filter(Boolean).map((part) => part.replace(")", "")).join(GROUP);
    const found = /^https?:\/\//i.test(text) ? link(text) : elements(text);
    const gtin = found?.["01"] && gtin14(found["01"]) ? found["01"] : "";
    return { raw: raw.trim(), gtin, serial: (gtin && found["21"]) || "" };
  };
  window.yipan = { ...(window.yipan || {}), gs1: { read, gtin14 } };
})();
