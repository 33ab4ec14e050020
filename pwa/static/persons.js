// Who works on this handheld while the store box is away, and how their work stays theirs.
//
// The box gives a key for the person who is signed in. Each command that is kept gets a seal made with it;
// the next person's sign-in replaces the key, so nothing new can be made in the first one's name. To come
// back to a person without the box, their key lies here locked: by their PIN, slowly, and by a key of this
// device that no script can read out. Five wrong PINs throw it away.
(() => {
  "use strict";
  const { subtle } = crypto;
  const ROUNDS = 600_000, TRIES = 5, LATELY_MS = 12 * 3_600_000;
  const MAC = { name: "HMAC", hash: "SHA-256" };
  const bytes = (text) => new TextEncoder().encode(text);
  const hex = (buffer) => Array.from(new Uint8Array(buffer), (one) => one.toString(16).padStart(2, "0")).join("");
  const raw = (text) => Uint8Array.from(text.match(/../g) ?? [], (two) => parseInt(two, 16));

  // What the box sends with an extract, as it is kept: the key can be used, and not read.
  const sealOf = async ({ person, since, key }) => ({ person, since, key: await subtle.importKey("raw", raw(key), MAC, false, ["sign"]) });
  const textOf = ({ id, name, args, at }) => JSON.stringify([id, name, args, at]);
  const seal = async (held, row) => (held?.person === row.person ? { since: held.since, mac: hex(await subtle.sign("HMAC", held.key, bytes(textOf(row)))) } : null);
  // A row as it is handed in: sealed where it can be, else in the name of whoever is signed in.
  const sent = (row) => (row.seal
    ? { id: row.id, person: row.person, since: row.seal.since, text: textOf(row), seal: row.seal.mac }
    : { id: row.id, name: row.name, args: row.args, person: row.person, at: row.at });

  const lockOf = async (pin, salt, pepper) => {
    const typed = await subtle.importKey("raw", bytes(pin), "PBKDF2", false, ["deriveBits"]);
    const slow = await subtle.deriveBits({ name: "PBKDF2", hash: "SHA-256", salt, iterations: ROUNDS }, typed, 256);
    return subtle.importKey("raw", await subtle.sign("HMAC", pepper, slow), "AES-GCM", false, ["encrypt", "decrypt"]);
  };
  const newPepper = () => subtle.generateKey({ ...MAC, length: 256 }, false, ["sign"]);
  // Somebody signed in at the box with this PIN: how they may come back here without it.
  const lock = async (pin, who, given, pepper, now) => {
    const [salt, iv] = [16, 12].map((n) => crypto.getRandomValues(new Uint8Array(n)));
    const box = await subtle.encrypt({ name: "AES-GCM", iv }, await lockOf(pin, salt, pepper), bytes(JSON.stringify(given)));
    return { who, salt, iv, box, tries: 0, at: now };
  };
  const fresh = (entry, now) => Boolean(entry) && entry.tries < TRIES && Math.abs(now - entry.at) < LATELY_MS;
  // The person's key, or null where the PIN is not theirs. The caller has counted the try on disk before.
  const unlock = async (pin, entry, pepper) => {
    const key = await lockOf(pin, entry.salt, pepper);
    const text = await subtle.decrypt({ name: "AES-GCM", iv: entry.iv }, key, entry.box).catch(() => null);
    return text && sealOf(JSON.parse(new TextDecoder().decode(text)));
  };

  globalThis.persons = { sealOf, seal, sent, newPepper, lock, unlock, fresh, TRIES };
})();
