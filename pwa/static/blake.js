// BLAKE2b (RFC 7693) for the two hashes that a handheld and the store node must both make: pickup codes
// (sync/rules/secrets.py) and the codes of things that a command makes (sync/ids.py).
(() => {
  "use strict";
  const IV = [
    0x6a09e667f3bcc908n, 0xbb67ae8584caa73bn, 0x3c6ef372fe94f82bn, 0xa54ff53a5f1d36f1n,
    0x510e527fade682d1n, 0x9b05688c2b3e6c1fn, 0x1f83d9abfb41bd6bn, 0x5be0cd19137e2179n,
  ];
  const ORDER = [
    "0123456789abcdef", "ea489fd61c02b753", "b8c052fdae367194", "7931dcbe265a40f8", "905724afe1bc683d",
    "2c6a0b834d75fe19", "c51fed4a0763928b", "db7ec13950f4862a", "6fe9b308c2d714a5", "a2847615fb9e3cd0",
    "0123456789abcdef", "ea489fd61c02b753",
  ];
  const MASK = (1n << 64n) - 1n;
  const turn = (x, by) => ((x >> BigInt(by)) | (x << BigInt(64 - by))) & MASK;
  const word = (bytes, at) => { let x = 0n; for (let i = 7; i >= 0; i--) x = (x << 8n) | BigInt(bytes[at + i]); return x; };

  const squeeze = (h, block, count, last) => {
    const v = [...h, ...IV];
    v[12] ^= BigInt(count);
    if (last) v[14] ^= MASK;
    const m = Array.from({ length: 16 }, (_, i) => word(block, i * 8));
    const mix = (a, b, c, d, x, y) => {
      v[a] = (v[a] + v[b] + x) & MASK; v[d] = turn(v[d] ^ v[a], 32);
      v[c] = (v[c] + v[d]) & MASK; v[b] = turn(v[b] ^ v[c], 24);
      v[a] = (v[a] + v[b] + y) & MASK; v[d] = turn(v[d] ^ v[a], 16);
      v[c] = (v[c] + v[d]) & MASK; v[b] = turn(v[b] ^ v[c], 63);
    };
    const PLACES = [[0, 4, 8, 12], [1, 5, 9, 13], [2, 6, 10, 14], [3, 7, 11, 15], [0, 5, 10, 15], [1, 6, 11, 12], [2, 7, 8, 13], [3, 4, 9, 14]];
    for (const order of ORDER) PLACES.forEach((place, i) => mix(...place, m[parseInt(order[2 * i], 16)], m[parseInt(order[2 * i + 1], 16)]));
    for (let i = 0; i < 8; i++) h[i] ^= v[i] ^ v[i + 8];
  };

  // Bytes of the digest of `text`, keyed with `key` where one is given.
  const blake2b = (text, size, key = "") => {
    const secret = new TextEncoder().encode(key).slice(0, 64);
    let data = new TextEncoder().encode(text);
    if (secret.length) {
      const keyed = new Uint8Array(128 + data.length);
      keyed.set(secret);
      keyed.set(data, 128);
      data = keyed;
    }
    const h = [...IV];
    h[0] ^= 0x01010000n ^ BigInt(secret.length << 8) ^ BigInt(size);
    const blocks = Math.max(1, Math.ceil(data.length / 128));
    for (let n = 0; n < blocks; n++) {
      const block = new Uint8Array(128);
      block.set(data.subarray(n * 128, n * 128 + 128));
      squeeze(h, block, Math.min((n + 1) * 128, data.length), n === blocks - 1);
    }
    return Uint8Array.from({ length: size }, (_, i) => Number((h[i >> 3] >> BigInt(8 * (i & 7))) & 255n));
  };
  const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  // sync.ids.made_of: a code of `letters` letters for the n-th thing that a command makes.
  const madeOf = (command, letters, n = 0) => {
    let number = 0n;
    for (const byte of blake2b(`${command}/${n}`, 10)) number = (number << 8n) | BigInt(byte);
    return Array.from({ length: letters }, (_, i) => LETTERS[Number((number >> BigInt(75 - 5 * i)) & 31n)]).join("");
  };
  // sync.rules.secrets.code_matches
  const codeFits = (code, salt, hash) => {
    const plain = [...code.toUpperCase()].filter((sign) => /[\p{L}\p{N}]/u.test(sign)).join("");
    return Boolean(hash) && hex(blake2b(plain, 20, salt)) === hash;
  };
  const blake = { blake2b, hex, madeOf, codeFits };
  if (typeof module === "object") module.exports = blake;
  else globalThis.blake = blake;
})();
