// Ids of commands, made before the first try: UUIDv7 in Crockford's base 32, as sync.ids makes them.
// The page makes them for scans, the worker for the forms that it draws.
(() => {
  "use strict";
  const LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  const newId = () => {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    let number = BigInt(Date.now()) << 80n;
    bytes[6] = 0x70 | (bytes[6] & 0x0f);
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    for (let i = 6; i < 16; i++) number |= BigInt(bytes[i]) << BigInt(8 * (15 - i));
    return Array.from({ length: 26 }, (_, i) => LETTERS[Number((number >> BigInt(125 - 5 * i)) & 31n)]).join("");
  };
  globalThis.yipan = { ...globalThis.yipan, newId };
})();
