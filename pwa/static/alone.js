// The handheld at work by itself: its extract, its outbox, and pages drawn from both. Runs in the worker.
//
// What a person has done here is in the outbox before they are told so. While anything waits there,
// whatever is new joins it: nothing overtakes. The store node does every command once, by its id.
(() => {
  "use strict";
  const { twin, words, gs1, blake, persons, built, yipan: { newId } } = globalThis;
  const rules = twin.compiled(built.rules);
  const draw = twin.engine(built.templates);

  // --- what outlives the worker and the browser
  let opened = null;
  const open = () => (opened ??= new Promise((done, fail) => {
    const asked = indexedDB.open("yipan", 1);
    asked.onupgradeneeded = () => {
      asked.result.createObjectStore("kept"); // bag, person, alone, csrf, seal, known … by name
      asked.result.createObjectStore("outbox", { keyPath: "seq", autoIncrement: true });
    };
    asked.onsuccess = () => { const db = asked.result; db.onclose = () => { opened = null; }; db.onversionchange = () => { db.close(); opened = null; }; done(db); };
    asked.onerror = () => { opened = null; fail(asked.error); };
  }));
  const done = (asked) => new Promise((ok, fail) => { asked.onsuccess = () => ok(asked.result); asked.onerror = () => fail(asked.error); });
  const kept = async (name) => done((await open()).transaction("kept").objectStore("kept").get(name));
  // The work and the outbox as read last. A day's work takes longer to read than to draw, so it is read again only
  // when its mark on the disk, new with every write, is another.
  let held = null;
  const current = async () => {
    const mark = await kept("mark");
    if (!mark || held?.mark !== mark) held = { mark };
    return held;
  };
  const bagOf = async () => { const at = await current(); return (at.bag ??= await kept("bag")); };
  const readRows = async () => done((await open()).transaction("outbox").objectStore("outbox").getAll());
  const rowsOf = async () => { const at = await current(); return (at.rows ??= await readRows()); };
  // One transaction on disk: `put` by name into `kept`, `add` to the outbox, `change` and `drop` rows of it.
  const write = async ({ put = {}, add = [], change = [], drop = [] }) => {
    const tx = (await open()).transaction(["kept", "outbox"], "readwrite", { durability: "strict" });
    const mark = newId(), was = held, place = tx.objectStore("kept");
    let same = false;
    held = null; // until it is on disk
    place.get("mark").onsuccess = ({ target }) => { same = Boolean(was?.mark) && was.mark === target.result; };
    for (const [name, value] of Object.entries({ ...put, mark })) place.put(value, name);
    for (const row of add) tx.objectStore("outbox").add(row);
    for (const row of change) tx.objectStore("outbox").put(row);
    for (const seq of drop) tx.objectStore("outbox").delete(seq);
    await new Promise((ok, fail) => { tx.oncomplete = ok; tx.onabort = () => fail(tx.error); });
    const moved = add.length || change.length || drop.length;
    held = { mark, bag: put.bag ?? (same ? was.bag : null), rows: same && !moved ? was.rows : null };
  };
  // The extract is read, changed and written again: one at a time, whatever tabs and scans ask for at once.
  let last = Promise.resolve();
  const inTurn = (work) => {
    const mine = last.then(work, work);
    last = mine.catch(() => null);
    return mine;
  };
  // Whose extract this is, as the store node last said who is signed in. Another person's work is not theirs to see or send.
  const mine = async () => {
    const [bag, person] = await Promise.all([bagOf(), kept("person")]);
    return bag && (person ?? bag.who.person) === bag.who.person ? bag : null;
  };
  const signedIn = async () => (await kept("person")) ?? (await bagOf())?.who.person ?? "";
  // What can be handed in: this person's own work, and others' that carries their seal.
  const goes = (row, person) => row.state === "waiting" && (row.person === person || Boolean(row.seal));
  const counts = async () => {
    const [rows, person] = await Promise.all([rowsOf(), signedIn()]);
    const waits = rows.filter((row) => row.state === "waiting");
    const waiting = waits.filter((row) => goes(row, person)).length;
    return { waiting, others: waits.length - waiting, refused: rows.filter((row) => row.state === "refused").length };
  };

  // --- who, when and under which command
  // The centre's time as the store node last knew it, run on by this device's clock; in doubt it is later.
  const timeOf = (bag) => {
    const gone = Math.max(0, Date.now() - bag.fetched);
    return { now: bag.moment.now + gone, earliest: bag.moment.earliest + gone, latest: bag.moment.latest + Math.ceil(gone * 1.01) };
  };
  // Words come with the shell, as data; they are read once in a worker's life.
  const catalogues = {};
  const learn = async (language) => {
    catalogues[language] ??= await ((await caches.match(built.words[language])) ?? (await fetch(built.words[language]))).json();
  };
  const say = (bag) => words({ language: bag.who.language, zone: bag.zone, catalogue: catalogues[bag.who.language], str: twin.str });
  const contextOf = (bag, deed, command) => {
    const code = deed.args.code || deed.args.sku || "";
    const read = gs1.read(code || "x");
    const turn = bag.extract.turns.find((one) => one.fence === deed.args.fence);
    return {
      ...timeOf(bag), person: bag.who.person,
      fresh: Array.from({ length: 12 }, (_, n) => blake.madeOf(command, 10, n)),
      read: { gtin: read.gtin, serial: read.serial, raw: code && read.raw },
      code_fits: Boolean(turn && blake.codeFits(code, turn.code_salt, turn.code_hash)),
    };
  };
  // A command on the extract, whole or not at all; a wrong pickup code counts as a try all the same.
  const perform = (bag, deed, command) => {
    const before = structuredClone(bag.extract);
    held = null; // what is changed here counts when it is on disk
    try {
      return { ok: true, result: rules[deed.name](bag.extract, deed.args, contextOf(bag, deed, command)) ?? {} };
    } catch (error) {
      if (!(error instanceof twin.No)) { bag.extract = before; throw error; }
      const tries = new Map(bag.extract.turns.map((turn) => [turn.fence, turn.code_tries]));
      for (const turn of before.turns) turn.code_tries = tries.get(turn.fence);
      bag.extract = before;
      return { ok: false, reason: error.reason, facts: error.facts };
    }
  };

  // --- pages
  const render = (bag, view, said, { whole, csrf, count }) => {
    const w = say(bag);
    const now = timeOf(bag).now;
    return draw(view.template, {
      _: w._, n_: w.n_, t: w.t, d: view.data, view, now, csrf, fb: said, gap_ms: bag.gap_ms, mark: "",
      who: bag.who, layout: whole ? "base.html" : "inside.html",
      line: { ...bag.line, now, alone: true, waiting: count.waiting },
      desk: { args: {}, store: bag.store, store_name: bag.store_name, seen: () => [] },
      new_id: newId, static: ([name]) => built.statics[name],
    });
  };
  const answer = (html, status, headers = {}) => new Response(html, {
    status,
    headers: { "Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store", "X-Drawn-By": "device", "Content-Security-Policy": built.policy, ...headers },
  });

  // A request answered by this device. Whatever it records is on disk before it answers.
  const local = (...asked) => inTurn(() => drawn(...asked));
  const drawn = async (method, address, fields, whole) => {
    const url = new URL(address);
    const people = await others();
    const bag = /^\/(sign-in|language|theme)$/.test(url.pathname) && people.length ? await bagOf() : await mine();
    if (!bag && people.length) return moved("/sign-in", whole);
    try { await learn(bag.who.language); } catch { return answer(built.nothing, 503); } // nothing to draw, or no words for it
    const csrf = (await kept("csrf")) || "";
    const w = say(bag);
    const t = (text, values) => w._([text], values ?? {});
    const ask = { method, path: url.pathname, args: Object.fromEntries(url.searchParams), fields };
    // Language and light: at once for what is drawn here, and told to the store node when it is back.
    const choice = method === "POST" && /^\/(language|theme)$/.exec(url.pathname)?.[1];
    if (choice) {
      const value = fields[choice]?.at(-1);
      const look = { ...(await kept("look")), [choice]: { value, person: bag.who.person } };
      await write({ put: { look, alone: true, bag: { ...bag, who: { ...bag.who, [choice]: value } } } });
      return moved(goal(fields.next?.at(-1)), whole);
    }
    const planned = rules.plan(bag.extract, method, url.pathname, fields);
    const clock = (ms) => w.t.when([ms, timeOf(bag).now]);
    const show = async (view, said, extra = {}) => answer(
      render(bag, view, said, { whole, csrf, count: await counts() }), view.status === 200 || whole ? 200 : view.status,
      { ...(method === "POST" && !whole ? { "HX-Push-Url": view.url } : {}), ...extra },
    );
    if (!planned.known) {
      if (url.pathname === "/sign-in") return signIn(bag, people, ask, whole, csrf, t);
      if (url.pathname === "/sign-out" && people.some((who) => who.person !== bag.who.person)) return moved("/sign-in", whole);
      const { waiting } = await counts();
      if (url.pathname === "/sign-out" && waiting) return show(rules.stay_signed_in(waiting, t), null, { "HX-Push-Url": "false" });
      return show(rules.only_with_the_node(t, "/orders"), null, { "HX-Push-Url": "false" });
    }
    if (planned.bad) {
      if (whole) return show(rules.view("gone.html", t("Not done"), "/orders", { text: t(planned.bad) }, "/orders", 422), null);
      return answer(draw("said.html", { _: w._, text: t(planned.bad) }), 422, { "HX-Push-Url": "false", "HX-Reswap": "none" });
    }
    const base = fields.command?.at(-1) || newId();
    const outcomes = [], add = [];
    for (const deed of planned.deeds) {
      const id = deed.part ? `${base}.${deed.part}` : base;
      const before = (await rowsOf()).find((row) => row.id === id);
      // The store node may have done it and its answer be lost, while an extract with it in came by another way.
      const there = Object.hasOwn(bag.recent, id) ? { ok: true, result: bag.recent[id] } : null;
      const outcome = before?.outcome ?? there ?? perform(bag, deed, id);
      outcomes.push(outcome);
      if (!outcome.ok || before || there) continue;
      const row = { id, name: deed.name, args: deed.args, person: bag.who.person, name_of: bag.who.name, about: about(bag, deed, outcome), at: timeOf(bag).now, state: "waiting", outcome };
      add.push({ ...row, seal: await persons.seal(await kept("seal"), row) });
    }
    if (planned.deeds.length) await write({ put: { bag, alone: true }, add });
    const ctx = { ...timeOf(bag), clock, person: bag.who.person };
    const { view, say: said } = rules.shown(bag.extract, ask, outcomes, bag.who, ctx, t);
    if (said) said.command = base;
    return show(view, said, { "X-Outcome": outcomes.length && outcomes.every((one) => !one.ok) ? `refused ${outcomes[0].reason}` : "ok" });
  };

  // --- another person, without the store node
  const others = async () => Object.values((await kept("known")) ?? {}).filter((one) => persons.fresh(one, Date.now())).map((one) => one.who);
  const goal = (next) => (/^\/(?![/\\]|sign-)/.test(next) ? next : "/orders");
  const moved = (to, whole) => (whole ? Response.redirect(to, 303) : answer("", 200, { "HX-Redirect": to }));
  const signIn = async (bag, people, { method, args, fields }, whole, csrf, t) => {
    const nobody = { ...bag, who: { ...bag.who, person: "", name: "", role: "" } };
    const page = async (view, said = null, status = 200) => answer(render(nobody, view, said, { whole, csrf, count: await counts() }), status);
    const next = fields.next?.at(-1) ?? args.next ?? "";
    const on = goal(next);
    const who = people.find((one) => one.person === (fields.person?.at(-1) ?? args.person));
    if (!who) return page(rules.who_page(people, on, t));
    if (method !== "POST") return page(rules.pin_page(who, on, t));
    const known = await kept("known");
    const entry = known[who.person];
    entry.tries += 1; // on disk before it is tried: a handheld switched off in between has no try more
    await write({ put: { known } });
    const seal = await persons.unlock(fields.pin?.at(-1) ?? "", entry, await kept("pepper"));
    if (seal) {
      entry.tries = 0;
      await write({ put: { known, seal, person: who.person, away: true, alone: true, bag: { ...bag, who } } });
      return moved(on, whole);
    }
    const left = persons.TRIES - entry.tries;
    if (!left) await write({ put: { known: { ...known, [who.person]: undefined } } });
    const said = rules.refusal(bag.extract, { reason: left ? "wrong_pin" : "pin_needs_node", facts: { person: who.name, left } }, who, { clock: String }, t);
    return page(left ? rules.pin_page(who, on, t) : rules.who_page(await others(), on, t), said, whole ? 200 : 401);
  };
  // Somebody has signed in at the store node with this PIN: so they can come back to this handheld without it.
  let given = null; // the newest key as the store node sent it; kept only locked, or so that no script can read it
  const remember = async (person, pin) => {
    const bag = await mine();
    if (!pin || bag?.who.person !== person || given?.person !== person || bag.who.role !== "associate") return;
    const pepper = (await kept("pepper")) ?? await persons.newPepper();
    const entry = await persons.lock(pin, bag.who, given, pepper, Date.now());
    await inTurn(async () => {
      const known = Object.entries((await kept("known")) ?? {}).filter(([, one]) => persons.fresh(one, Date.now()));
      await write({ put: { pepper, known: { ...Object.fromEntries(known), [person]: entry } } });
    });
  };

  // The orders that a command is about, for whoever has to read of it later.
  const about = (bag, deed, outcome) => {
    const fences = deed.args.fences ?? outcome.result.fences ?? [deed.args.fence || outcome.result.fence];
    return bag.extract.turns.filter((turn) => fences.includes(turn.fence)).map((turn) => turn.order_no).join(" ") || deed.args.order || deed.args.courier || deed.args.code || "";
  };

  // The store node has done what this form asked for: the extract follows at once, not at its next fetch.
  let followed = 0;
  const follow = (method, address, fields) => inTurn(async () => {
    const bag = await mine();
    if (!bag) return;
    const planned = rules.plan(bag.extract, method, new URL(address).pathname, fields);
    followed += 1;
    for (const deed of planned.deeds) {
      const id = `${fields.command?.at(-1)}${deed.part ? `.${deed.part}` : ""}`;
      // An extract that came in between has it already.
      if (!Object.hasOwn(bag.recent, id)) perform(bag, deed, id);
    }
    if (planned.deeds.length) await write({ put: { bag } });
  });

  // --- handing in
  const LIMIT = 100;
  const within = (ms, ask) => {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), ms);
    return ask(stop.signal).finally(() => clearTimeout(timer));
  };
  const asked = (path, more = {}) => within(8000, async (signal) => {
    const reply = await fetch(path, { signal, redirect: "manual", ...more });
    const signIn = reply.status === 401 || reply.type === "opaqueredirect";
    return { signIn, status: reply.status, ok: reply.ok, body: reply.ok ? await reply.json() : null };
  });
  // The newest extract, for the person who is signed in, and whether work of theirs is still to be handed in before it counts.
  const fetchBag = async () => {
    const before = followed;
    const reply = await asked("/twin/extract", { headers: { "X-By-Itself": "1" } });
    if (!reply.ok) return reply;
    const { seal: theirs, ...body } = reply.body;
    const bag = { ...body, fetched: Date.now() };
    const person = bag.who.person, seal = theirs && await persons.sealOf(theirs);
    given = theirs;
    const more = await inTurn(async () => {
      if (followed !== before) return "again";
      const waits = (await rowsOf()).some((row) => goes(row, person));
      await write({ put: { person, seal, csrf: bag.csrf, ...(waits ? {} : { bag }) } });
      return waits;
    });
    return more === "again" ? fetchBag() : { ok: true, more };
  };
  // Hand in what waits, in order; `{back, signIn, refused}`. Safe to repeat at any moment.
  const handIn = (options = { ifAvailable: true }) => navigator.locks.request("yipan-hand-in", options, async (lock) => {
    if (!lock) return { busy: true };
    let refused = 0, stale = false;
    try {
      // Whoever changed over here has no session yet, and the browser still has the other's: nothing goes by that one.
      if (await kept("away")) return { back: false, signIn: (await asked("/health")).ok, person: await signedIn() };
      for (;;) {
        const person = await signedIn();
        const waiting = (await rowsOf()).filter((row) => goes(row, person)).slice(0, LIMIT);
        if (!waiting.length) {
          const fresh = await fetchBag();
          if (!fresh.ok) return { back: false, signIn: fresh.signIn };
          if (fresh.more) continue; // somebody else has signed in, with work of their own
          const look = await kept("look");
          if (look) {
            for (const [choice, { value, person: whose }] of Object.entries(look)) {
              if (choice === "language" && whose !== person) continue; // somebody else's, who reads as they did
              await asked(`/${choice}`, {
                method: "POST", body: new URLSearchParams({ [choice]: value }),
                headers: { "x-csrftoken": await kept("csrf") },
              });
            }
            await write({ put: { look: null } });
            continue;
          }
          await write({ put: { alone: false } });
          return { back: true, refused };
        }
        const commands = waiting.map((row) => persons.sent(row));
        const reply = await asked("/twin/commands", {
          method: "POST", body: JSON.stringify({ commands }),
          headers: { "Content-Type": "application/json", "x-csrftoken": (await kept("csrf")) || "" },
        });
        if (reply.status === 403 && !stale) { // the token of another sign-in: a fresh one comes with the extract
          stale = true;
          const fresh = await fetchBag();
          if (!fresh.ok) return { back: false, signIn: fresh.signIn };
          continue;
        }
        if (!reply.ok) return { back: false, signIn: reply.signIn };
        if (reply.body.person !== person) { await write({ put: { person: reply.body.person } }); continue; }
        const told = new Map(reply.body.outcomes.map((one) => [one.id, one]));
        const drop = [], change = [];
        for (const row of waiting) {
          const one = told.get(row.id);
          if (!one) continue;
          if (one.ok) drop.push(row.seq);
          else if (one.held) change.push({ ...row, seal: null }); // it waits for its person now
          else { refused += 1; change.push({ ...row, state: "refused", sentence: one.sentence, next_step: one.next_step }); }
        }
        if (!drop.length && !change.length) return { back: false };
        await write({ drop, change });
      }
    } catch {
      return { back: false };
    }
  });
  // Somebody signed in or out: until the store node has said who, nobody's work may be drawn or recorded.
  const changed = async (someone) => {
    await inTurn(() => write({ put: { person: "", seal: null, away: false } }));
    if (someone) await handIn({});
  };

  // For the page that lists what is kept here.
  const list = async () => {
    const person = await signedIn();
    return (await readRows()).map((row) => ({ ...row, mine: row.person === person, goes: goes(row, person) }));
  };

  globalThis.alone = { list, local, follow, handIn, fetchBag, changed, remember, kept, bagOf, mine, write, counts, within };
})();
