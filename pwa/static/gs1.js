// What a scanned code carries: a twin of sync/rules/codes.py, kept to what the page must answer by itself.
// tests/e2e/test_gs1_twin.py holds the two together over thousands of codes.
(() => {
  "use strict";
  const GROUP = "\u001d";
  const LONGEST = 512;
  // Application identifiers and what each may hold (GS1 General Specifications, section 3.2; as biip 5.2
  // has them). T is a sign of GS1's character set 82, H an escaped one, DD month and day.
  const TABLE = [
    "00|801[78] \\d{18}",
    "0[1-3] \\d{14}",
    "10|420|7240|2[12]|243|254|4318|702[0-2]|71[0-7]|8002|8012 T{1,20}",
    "1[123567] \\d{2}DD",
    "20|7241 \\d{2}",
    "235 T{1,28}",
    "24[01]|25[01]|40[013]|4308|4319|7002|7023|8004|90 T{1,30}",
    "242 \\d{1,6}",
    "253 (?:\\d{13})(?:T{0,17})",
    "255 (?:\\d{13})(?:\\d{0,12})",
    "30 \\d{0,8}",
    "31[0-6][0-5]|32\\d[0-5]|33[0-7][0-5]|34\\d[0-5]|35[0-7][0-5]|36\\d[0-5]|395[0-5]|4326|7006|8005 \\d{6}",
    "37 \\d{1,8}",
    "390\\d|392\\d \\d{1,15}",
    "391\\d|393\\d (?:\\d{3})(?:\\d{1,15})",
    "394[0-3]|8111 \\d{4}",
    "402 \\d{17}",
    "41[0-7]|7001 \\d{13}",
    "421 (?:\\d{3})(?:T{1,9})",
    "42[246] \\d{3}",
    "42[35] (?:(?:\\d{3}){1,5})",
    "427|7008 T{1,3}",
    "430[01]|431[01]|4320 (?:(?:T|HH){1,35})",
    "430[2-6]|431[2-6]|7257 (?:(?:T|HH){1,70})",
    "4307|4317 [A-Z0-9]{2}",
    "4309 \\d{20}",
    "432[1-3] [01]",
    "432[45]|7003 \\d{10}",
    "433[0-3] \\d{6}[-]?",
    "7004 \\d{0,4}",
    "7005 T{1,12}",
    "7007 (?:\\d{6})(?:\\d{6})?",
    "7009 T{1,10}",
    "7010 T{1,2}",
    "7011 (?:\\d{6})(?:\\d{4})?",
    "703\\d (?:\\d{3})(?:T{1,27})",
    "7040 (?:\\d)(?:T)(?:T)(?:T)",
    "7041 T{1,4}",
    "723\\d T{3,30}",
    "7242|801[34]|8020 T{1,25}",
    "7250 \\d{4}DD",
    "7251 (?:\\d{4}DD(?:[01]\\d|2[0-3])(?:[0-5]\\d))",
    "7252 \\d{1}",
    "725[349] (?:(?:T|HH){1,40})",
    "7255 (?:(?:T|HH){1,10})",
    "7256 (?:(?:T|HH){1,90})",
    "7258 \\d[/]\\d",
    "8001 (?:\\d{4})(?:\\d{5})(?:\\d{3})(?:\\d{1})(?:\\d{1})",
    "8003 (?:0)(?:\\d{13})(?:T{0,16})",
    "8006|8026 (?:\\d{14})(?:\\d{4})",
    "8007 T{1,34}",
    "8008 (?:\\d{2}DD(?:[01]\\d|2[0-3]))(?:(?:[0-5]\\d)(?:[0-5]\\d)?)?",
    "8009 T{1,50}",
    "8010 [A-Z0-9/#-]{5,30}",
    "8011 \\d{1,12}",
    "8019 \\d{1,10}",
    "8030 [0-9A-Za-z_-]{1,90}",
    "804[01] \\d{15}",
    "8042 \\d{32}",
    "8043 \\d{18,20}",
    "811[02]|8200 T{1,70}",
    "9[1-9] T{1,90}",
  ];
  const SHORT = { T: "[!%-?A-Z_a-z\\x22]", H: "%[0-9A-Fa-f]{2}", DD: "(?:0\\d|1[0-2])(?:[0-2]\\d|3[01])" };
  let kinds = null; // made at the first code that needs them
  const kindOf = (text) => {
    kinds ??= TABLE.map((row) => {
      const [ai, data] = row.split(" ");
      const full = data.replace(/DD|T|H/g, (name) => SHORT[name]);
      return { ai: new RegExp(`^(?:${ai})`), data: new RegExp(`^${full}`), all: new RegExp(`^(?:${full})$`) };
    });
    for (const kind of kinds) {
      const found = text.match(kind.ai);
      if (found) return { ...kind, ai: found[0] };
    }
    return null;
  };

  const checkDigit = (digits) => (10 - [...digits].reverse().reduce((sum, d, i) => sum + d * (i % 2 ? 1 : 3), 0) % 10) % 10;
  const checked = (code) => checkDigit(code.slice(0, -1)) === +code.at(-1);
  const gtin14 = (code) => (/^(\d{8}|\d{12,14})$/.test(code) && checked(code) ? code.padStart(14, "0") : "");

  // Element strings one after the other; null where one of them is not sound.
  const elements = (text) => {
    const found = {};
    let rest = text;
    while (rest) {
      const kind = kindOf(rest);
      const value = kind && rest.slice(kind.ai.length).split(GROUP, 1)[0].match(kind.data);
      if (!value) return null;
      found[kind.ai] = value[0];
      rest = rest.slice(kind.ai.length + value[0].length).replace(/^\u001d+/, "");
    }
    return found;
  };

  const PRIMARY = "01 8006 8013 8010 414 415 417 8017 8018 255 00 253 401 402 8003 8004".split(" ");
  const QUALIFIERS = { "01": ["22", "10", "21", "235"], "8006": ["22", "10", "21"], "8010": ["8011"], "414": ["254", "7040"], "415": ["8020"], "417": ["7040"], "8017": ["8019"], "8018": ["8019"], "8004": ["7040"] };
  const plainText = (text) => text.replace(/(?:%[0-9a-f]{2})+/gi, (part) => { try { return decodeURIComponent(part); } catch { return "\ufffd"; } });
  const link = (text) => {
    const [, path, query] = text.match(/^https?:\/\/[^/?#]*([^?#]*)(?:\?([^#]*))?/i);
    const parts = path.split("/");
    const at = parts.findIndex((part) => PRIMARY.includes(part));
    const pairs = parts.slice(at);
    if (at < 0 || pairs.length % 2) return null;
    const found = {};
    const put = (ai, value) => {
      const kind = kindOf(ai);
      if (!kind || kind.ai !== ai || !kind.all.test(value)) return false;
      found[ai] = value;
      return true;
    };
    const key = pairs[0];
    let expected = QUALIFIERS[key] || [];
    if (!put(key, key === "01" ? plainText(pairs[1]).padStart(14, "0") : plainText(pairs[1]))) return null;
    for (let i = 2; i < pairs.length; i += 2) {
      const place = expected.indexOf(plainText(pairs[i]));
      if (place < 0 || !put(expected[place], plainText(pairs[i + 1]))) return null;
      expected = expected.slice(place + 1);
    }
    const asked = {};
    for (const part of (query || "").split("&")) {
      const [name, ...value] = part.split("=").map((side) => side.replace(/\+/g, " "));
      if (value.join("=")) asked[plainText(name)] = plainText(value.join("="));
    }
    for (const [ai, value] of Object.entries(asked)) if (kindOf(ai)?.ai === ai && !put(ai, value)) return null;
    return found;
  };

  // Two digits for the year: between 49 years past and 50 ahead (section 7.12). Day 00 is the month's last.
  const dateOf = (text) => {
    const [year2, month, day] = [0, 2, 4].map((i) => +text.slice(i, i + 2));
    const now = new Date().getUTCFullYear();
    const away = year2 - (now % 100);
    const year = now - (now % 100) + year2 + (away >= 51 ? -100 : away <= -50 ? 100 : 0);
    const most = new Date(Date.UTC(year, month, 0)).getUTCDate();
    if (!month || day > most) return "";
    return `${year}-${text.slice(2, 4)}-${String(day || most).padStart(2, "0")}`;
  };

  // {raw, gtin, serial, lot, expiry, sscc}; "" for what the code does not carry.
  const read = (scanned) => {
    const raw = scanned.replace(/^[\s\x1c-\x1f]+|[\s\x1c-\x1f]+$/g, "").slice(0, LONGEST).replace(/^\][A-Za-z][0-9A-Fa-f]/, "");
    const nothing = { raw, gtin: "", serial: "", lot: "", expiry: "", sscc: "" };
    if (/[^\x00-\x7f]/.test(raw)) return nothing;
    const plain = gtin14(raw);
    if (plain) return { ...nothing, gtin: plain };
    let text = raw.replace(/~|\{GS\}|<GS>/g, GROUP);
    if (text.startsWith("(") && text.includes(")")) text = text.split("(").filter(Boolean).map((part) => part.replace(")", "")).join(GROUP);
    const found = /^https?:\/\//i.test(text) ? link(text) : elements(text.replace(/^[\s\x1c-\x1f]+|[\s\x1c-\x1f]+$/g, ""));
    if (!found) return nothing;
    const sscc = found["00"] && checked(found["00"]) ? found["00"] : "";
    const gtin = gtin14(found["01"] || "");
    if (!gtin) return { ...nothing, sscc };
    return { raw, gtin, serial: found["21"] || "", lot: found["10"] || "", expiry: found["17"] ? dateOf(found["17"]) : "", sscc };
  };
  window.yipan = { ...(window.yipan || {}), gs1: { read, gtin14 } };
})();
