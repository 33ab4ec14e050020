// What compiled templates and rules stand on: Python's truth, text, order and escaping.
//
// Values are what JSON can carry, plus `Safe` text and functions. A thing that Python would refuse
// is refused here too, loudly: a page that is wrong without saying so is the worst of all pages.
(() => {
  "use strict";
  class Safe { constructor(text) { this.text = text; } toString() { return this.text; } }
  class Refusal extends Error {}
  const NOTHING = new Safe(""); // an inline if without else: no text, and not true
  const refuse = (why) => { throw new Refusal(why); };

  const isDict = (x) => x !== null && typeof x === "object" && !Array.isArray(x) && !(x instanceof Safe);
  const truth = (x) => {
    if (x === undefined) refuse("a value that is not there");
    if (x === null || x === false || x === 0 || x === "") return false;
    if (Array.isArray(x)) return x.length > 0;
    if (x instanceof Safe) return x.text !== "";
    if (typeof x === "object") return Object.keys(x).length > 0;
    return true;
  };
  const str = (x) => {
    switch (typeof x) {
      case "string": return x;
      case "number": return Number.isSafeInteger(x) ? String(x) : refuse(`the number ${x}`);
      case "boolean": return x ? "True" : "False";
    }
    if (x === null) return "None";
    if (x instanceof Safe) return x.text;
    return refuse(`text of ${x === undefined ? "a value that is not there" : JSON.stringify(x)}`);
  };
  const SIGNS = { "&": "&amp;", "<": "&lt;", ">": "&gt;", "'": "&#39;", '"': "&#34;" };
  const escape = (text) => text.replace(/[&<>'"]/g, (sign) => SIGNS[sign]);
  const out = (x) => (x instanceof Safe ? x.text : escape(str(x)));

  const eq = (a, b) => {
    if (a instanceof Safe) a = a.text;
    if (b instanceof Safe) b = b.text;
    if (a === b) return true;
    if (typeof a === "boolean") a = +a;
    if (typeof b === "boolean") b = +b;
    if (a === b) return true;
    if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((one, i) => eq(one, b[i]));
    if (isDict(a) && isDict(b)) {
      const keys = Object.keys(a);
      return keys.length === Object.keys(b).length && keys.every((key) => key in b && eq(a[key], b[key]));
    }
    return false;
  };
  // Python orders text by code points, JavaScript by halves of them.
  const cmpText = (a, b) => {
    if (a === b) return 0;
    const left = [...a], right = [...b];
    for (let i = 0; i < left.length && i < right.length; i++) {
      const d = left[i].codePointAt(0) - right[i].codePointAt(0);
      if (d) return d;
    }
    return left.length - right.length;
  };
  const cmp = (a, b) => {
    if (typeof a === "boolean") a = +a;
    if (typeof b === "boolean") b = +b;
    if (typeof a === "number" && typeof b === "number") return a - b;
    if (typeof a === "string" && typeof b === "string") return cmpText(a, b);
    if (Array.isArray(a) && Array.isArray(b)) {
      for (let i = 0; i < a.length && i < b.length; i++) { const d = eq(a[i], b[i]) ? 0 : cmp(a[i], b[i]); if (d) return d; }
      return a.length - b.length;
    }
    return refuse(`an order of ${JSON.stringify(a)} and ${JSON.stringify(b)}`);
  };
  // Greater, at least, less, at most.
  const ORDER = [(a, b) => cmp(a, b) > 0, (a, b) => cmp(a, b) >= 0, (a, b) => cmp(a, b) < 0, (a, b) => cmp(a, b) <= 0];
  const has = (box, x) => {
    if (Array.isArray(box)) return box.some((one) => eq(one, x));
    if (typeof box === "string") return typeof x === "string" ? box.includes(x) : refuse("in");
    if (isDict(box)) return Object.hasOwn(box, str(x));
    return refuse("in");
  };
  const own = (thing, key) => (isDict(thing) && key in thing ? thing[key] : undefined);
  const get = (thing, key) => {
    const found = own(thing, key);
    return found === undefined ? refuse(`.${key} of ${JSON.stringify(thing)?.slice(0, 80)}`) : found;
  };
  const item = (thing, key) => {
    if (isDict(thing)) return get(thing, str(key));
    if (typeof key === "number" && (Array.isArray(thing) || typeof thing === "string")) {
      const list = typeof thing === "string" ? [...thing] : thing;
      const found = list[key < 0 ? list.length + key : key];
      if (found !== undefined) return found;
    }
    return refuse(`[${key}]`);
  };
  const slice = (thing, from, to) => {
    if (thing instanceof Safe) return refuse("a slice of markup");
    const list = typeof thing === "string" ? [...thing] : Array.isArray(thing) ? thing : refuse("a slice");
    const cut = list.slice(from ?? 0, to ?? undefined);
    return typeof thing === "string" ? cut.join("") : cut;
  };
  const rows = (x) => {
    if (Array.isArray(x)) return x;
    if (typeof x === "string") return [...x];
    if (isDict(x)) return keys(x);
    return refuse("a loop over something else");
  };
  // An object's whole-number keys would come first and sorted; Python keeps the order of writing.
  const keys = (dict) => {
    const found = Object.keys(dict);
    if (found.some((key) => /^(0|[1-9]\d*)$/.test(key))) refuse("a loop over numbered keys");
    return found;
  };
  const concat = (parts) => {
    if (parts.some((part) => part instanceof Safe && part !== NOTHING)) return new Safe(parts.map(out).join(""));
    return parts.map(str).join("");
  };
  const numbers = (a, b) => typeof a === "number" && typeof b === "number";
  const add = (a, b) => {
    if (numbers(a, b)) return a + b;
    if (Array.isArray(a) && Array.isArray(b)) return [...a, ...b];
    if (a instanceof Safe || b instanceof Safe) return concat([a, b]);
    return typeof a === "string" && typeof b === "string" ? a + b : refuse("+");
  };
  const sub = (a, b) => (numbers(a, b) ? a - b : refuse("-"));
  const mod = (a, b) => {
    if (numbers(a, b)) return ((a % b) + b) % b;
    if (typeof a !== "string") return refuse("%");
    const values = Array.isArray(b) ? [...b] : [b];
    const made = a.replace(/%([ds%])/g, (_, kind) => {
      if (kind === "%") return "%";
      const value = values.shift();
      return kind === "d" && typeof value !== "number" ? refuse("%d of no number") : str(value);
    });
    return values.length ? refuse("% with too many values") : made;
  };

  // --- JSON and addresses as Python writes them
  const ascii = (text) => text.replace(/[\u007f-\uffff]/g, (sign) => "\\u" + sign.charCodeAt(0).toString(16).padStart(4, "0"));
  const dumps = (x) => {
    if (Array.isArray(x)) return `[${x.map(dumps).join(", ")}]`;
    if (x instanceof Safe) return dumps(x.text);
    if (isDict(x)) return `{${Object.keys(x).sort(cmpText).map((key) => `${dumps(key)}: ${dumps(x[key])}`).join(", ")}}`;
    if (typeof x === "number" && !Number.isSafeInteger(x)) return refuse(`the number ${x}`);
    return ascii(JSON.stringify(x));
  };
  const filters = {
    length: (x) => (typeof x === "string" ? [...x].length : rows(x).length),
    join: (x, by = "") => concat(rows(x).flatMap((one, i) => (i ? [by, one] : [one]))),
    max: (x) => rows(x).reduce((a, b) => (cmp(b, a) > 0 ? b : a)),
    forceescape: (x) => new Safe(escape(str(x))),
    tojson: (x) => new Safe(dumps(x).replace(/[<>&']/g, (sign) => "\\u" + sign.charCodeAt(0).toString(16).padStart(4, "0"))),
    urlencode: (x) => encodeURIComponent(str(x)).replace(/%2F/g, "/").replace(/[!'()*]/g, (sign) => "%" + sign.charCodeAt(0).toString(16).toUpperCase()),
  };
  const strip = (text, signs, left, right) => {
    const gone = signs === undefined ? (sign) => /\s/.test(sign) : (sign) => signs.includes(sign);
    let from = 0, to = text.length;
    if (left) while (from < to && gone(text[from])) from++;
    if (right) while (to > from && gone(text[to - 1])) to--;
    return text.slice(from, to);
  };
  // --- what rules need beyond pages
  class No extends Error { constructor(reason, facts) { super(reason); this.reason = reason; this.facts = facts; } }
  const key = (x) => (typeof x === "string" ? x : typeof x === "number" ? x : refuse("a key that is no text"));
  const sort = (list, by, back) => {
    const made = list.map((one, i) => [by ? by(one) : one, i, one]);
    made.sort((a, b) => (back ? cmp(b[0], a[0]) : cmp(a[0], b[0])) || a[1] - b[1]);
    return made.map((one) => one[2]);
  };
  const best = (sign) => (args, by, other) => {
    const list = args.length === 1 ? rows(args[0]) : args;
    if (!list.length) return other === undefined ? refuse("the best of nothing") : other;
    return list.reduce((a, b) => (sign * cmp(by ? by(b) : b, by ? by(a) : a) > 0 ? b : a));
  };
  const rules = {
    No, key,
    mul: (a, b) => (numbers(a, b) ? a * b : refuse("*")),
    floor: (a, b) => (numbers(a, b) && b ? Math.floor(a / b) : refuse("//")),
    drop: (box, at) => { if (Array.isArray(box)) box.splice(at, 1); else { item(box, at); delete box[key(at)]; } },
    abs: Math.abs, all: (list) => rows(list).every(truth), any: (list) => rows(list).some(truth), bool: truth, str,
    dict: (pairs) => (Array.isArray(pairs) ? Object.fromEntries(pairs) : { ...pairs }),
    enumerate: (list) => rows(list).map((one, i) => [i, one]),
    int: (x) => (typeof x === "number" ? Math.trunc(x) : /^\s*[+-]?\d+\s*$/.test(str(x)) ? parseInt(x, 10) : typeof x === "boolean" ? +x : refuse(`int(${x})`)),
    len: (x) => (isDict(x) ? Object.keys(x).length : filters.length(x)),
    list: (x) => [...rows(x)], range: (...ends) => GLOBALS.range(ends),
    max: best(1), min: best(-1), sorted: ([list], by, back) => sort([...rows(list)], by, back && truth(back)),
    sum: (list) => rows(list).reduce((a, b) => a + b, 0),
    zip: (a, b) => rows(a).slice(0, rows(b).length).map((one, i) => [one, b[i]]),
  };
  const doings = {
    append: (list, [x]) => { list.push(x); return null; },
    extend: (list, [more]) => { list.push(...rows(more)); return null; },
    remove: (list, [x]) => { const at = list.findIndex((one) => eq(one, x)); if (at < 0) refuse(".remove"); list.splice(at, 1); return null; },
    pop: (box, [at, other]) => {
      if (Array.isArray(box)) return box.length ? box.splice(at ?? box.length - 1, 1)[0] : refuse(".pop");
      if (!Object.hasOwn(box, at)) return other === undefined ? refuse(".pop") : other;
      const found = box[at];
      delete box[at];
      return found;
    },
    setdefault: (dict, [at, other = null]) => { if (!Object.hasOwn(dict, at)) dict[at] = other; return dict[at]; },
    update: (dict, [more]) => { Object.assign(dict, more); return null; },
    isdigit: (text) => /^\d+$/.test(text),
    endswith: (text, [tail]) => text.endsWith(tail),
    replace: (text, [from, to]) => text.replaceAll(from, to),
    split: (text, [by]) => (by === undefined ? text.trim().split(/\s+/).filter(Boolean) : text.split(by)),
    join: (by, [list]) => rows(list).map((one) => (typeof one === "string" ? one : refuse(".join"))).join(by),
  };
  const does = (thing, name, ...args) => {
    if (thing === null || thing === undefined) refuse(`.${name}() of nothing`);
    return (doings[name] ?? methods[name])(thing, args);
  };
  const methods = {
    get: (dict, [key, other = null]) => (isDict(dict) ? own(dict, str(key)) ?? (Object.hasOwn(dict, str(key)) ? dict[key] : other) : refuse(".get")),
    items: (dict) => keys(dict).map((key) => [key, dict[key]]),
    keys: (dict) => keys(dict),
    values: (dict) => keys(dict).map((key) => dict[key]),
    strip: (text, [signs]) => strip(str(text), signs, true, true),
    lstrip: (text, [signs]) => strip(str(text), signs, true, false),
    rstrip: (text, [signs]) => strip(str(text), signs, false, true),
    upper: (text) => str(text).toUpperCase(),
    lower: (text) => str(text).toLowerCase(),
    startswith: (text, [head]) => str(text).startsWith(head),
  };
  const method = (thing, name, args = [], named = {}) => {
    const found = isDict(thing) ? own(thing, name) : undefined;
    if (typeof found === "function") return found(args, named);
    return methods[name] ? methods[name](thing, args) : refuse(`.${name}()`);
  };

  // --- scopes: the page is drawn in one at a time, so it stands here instead of going from hand to hand
  let scope = null, blocks = null, pages = null;
  const within = (next, draw) => {
    const before = scope;
    scope = next;
    const made = draw();
    scope = before;
    return made;
  };
  const inside = () => Object.create(scope);
  const name = (key) => (key in scope ? scope[key] : refuse(`the name ${key}`));
  const split = new Map(); // dotted paths, as their parts
  const walk = (dotted) => {
    let parts = split.get(dotted);
    if (!parts) split.set(dotted, (parts = dotted.split(".")));
    let found = name(parts[0]);
    for (let i = 1; i < parts.length; i++) found = get(found, parts[i]);
    return found;
  };
  const path = ([dotted]) => walk(dotted);
  const call = (dotted, args = [], named = {}) => {
    const at = dotted.lastIndexOf(".");
    if (at > 0) return method(walk(dotted.slice(0, at)), dotted.slice(at + 1), args, named);
    const found = name(dotted);
    return typeof found === "function" ? found(args, named) : refuse(`a call of ${dotted}`);
  };
  const lazily = { and: (a, b) => (truth(a) ? b() : a), or: (a, b) => (truth(a) ? a : b()) };

  // --- pieces of a page: H`text ^d.card.url ${value}`. Behind a mark stands a path or a message's number.
  const read = new Map(); // each text of the made code, as [text, mark, text, mark, …, text]
  const parse = (text) => text.split(/\^(\w[\w.]*)\^?/);
  const piece = (texts, ...values) => {
    let parts = read.get(texts);
    if (!parts) read.set(texts, (parts = texts.map(parse)));
    let made = "";
    for (let i = 0; i < parts.length; i++) {
      if (i) made += out(values[i - 1]);
      const part = parts[i];
      made += part[0];
      for (let n = 1; n < part.length; n += 2) {
        const mark = part[n];
        made += out(mark < ":" ? call("_", [+mark]) : walk(mark)) + part[n + 1];
      }
    }
    return new Safe(made);
  };
  const GLOBALS = { range: ([a, b]) => Array.from({ length: Math.max(0, b === undefined ? a : b - a) }, (_, i) => (b === undefined ? i : a + i)) };
  const each = (list, targets, draw, none, test) => {
    const bind = (row) => {
      const made = inside();
      if (typeof targets === "string") made[targets] = row;
      else targets.forEach((target, i) => { made[target] = row[i]; });
      return made;
    };
    let found = rows(list);
    if (test) found = found.filter((row) => within(bind(row), test));
    if (!found.length && none) return none();
    return new Safe(found.map((row, i) => {
      const inner = bind(row);
      inner.loop = { index: i + 1, index0: i, first: i === 0, last: i === found.length - 1, length: found.length };
      return within(inner, draw).text;
    }).join(""));
  };
  const macro = (names, draw, defaults = []) => {
    const outer = scope;
    const wanted = names ? names.split(" ") : [];
    return (args, named = {}) => within(outer, () => {
      const inner = inside();
      if (args.length > wanted.length) refuse("a macro with too many values");
      wanted.forEach((key, i) => {
        const late = defaults[i - wanted.length + defaults.length];
        inner[key] = i < args.length ? args[i] : key in named ? named[key] : late ? late() : refuse(`a macro without ${key}`);
      });
      return within(inner, draw);
    });
  };
  // A page is its parent's name, its top level and its blocks; a child's blocks stand before its parent's.
  const run = (file) => {
    const before = blocks;
    blocks = {};
    let made;
    for (let at = file; at; ) {
      const [parent, draw, mine] = pages[at] ?? refuse(`the template ${at}`);
      blocks = { ...mine, ...blocks };
      made = draw();
      at = parent;
    }
    blocks = before;
    return made;
  };
  const OPERATIONS = [
    piece, path, (at) => truth(path(at)), truth, eq, call, method, macro,
    (key, value) => { scope[key] = value; return ""; },
    each, (values, draw) => within(Object.assign(inside(), values), draw),
    (key) => within(inside(), blocks[key]), (file) => within(inside(), () => run(file)),
    (file) => { const inner = inside(); within(inner, () => run(file)); return inner; },
    (key) => key in scope, lazily.or, lazily.and, get, item, slice, has,
    ...ORDER, add, sub, mod, concat, filters, NOTHING,
  ];
  // Branches were left out because this is so on every page; where it is not, the page would be another one.
  const certain = (dotted, is) => {
    let found = scope;
    for (const part of dotted.split(".")) {
      if (found === null || typeof found !== "object" || !(part in found)) return;
      found = found[part];
    }
    if (truth(found) !== Boolean(is)) refuse(`${dotted} is otherwise here`);
  };
  const engine = (make) => {
    const { "": facts = {}, ...mine } = make(OPERATIONS);
    return (file, values) => {
      pages = mine;
      return within(Object.assign(Object.create(null), GLOBALS, values), () => {
        for (const dotted of Object.keys(facts)) certain(dotted, facts[dotted]);
        return run(file);
      }).text;
    };
  };
  const RULES = [
    truth, eq, has, ...ORDER, item, slice, add, sub, rules.mul, rules.floor, mod, lazily.or, lazily.and, rows,
    (texts, ...values) => texts.reduce((made, text, i) => made + str(values[i - 1]) + text),
    rules.drop, key, does, (reason, facts) => { throw new No(reason, facts); },
  ];
  const compiled = (make) => make(RULES, rules);
  const twin = { engine, compiled, No, Safe, Refusal, escape, str, truth, eq, cmp, has, dumps };
  if (typeof module === "object") module.exports = twin;
  else globalThis.twin = twin;
})();
