import { assertEquals } from "@std/assert";
import { KeyHasher } from "./key_hasher.ts";

// From OpenSSL 3: openssl mac -macopt hexkey:000102030405060708090a0b0c0d0e0f -macopt size:16
// -macopt c-rounds:1 -macopt d-rounds:3 -in FILE SIPHASH, for files of bytes 0, 1, 2, …
const HASHES: readonly (readonly [size: number, hash: string])[] = [
  [0, "e77ebcb22788a5befd62db6add303001"],
  [1, "fc6f370460d3eda85e0573cc2b2ff063"],
  [7, "1084b923f2aae0c3a62f2ec80848ab77"],
  [8, "aa12fee1d5e3dab4724f16ab35f9c799"],
  [15, "c17e5505b2bd526c2921cdec1e7e0109"],
  [16, "d0a8d95715518eebb513b0f83d9e1793"],
  [33, "c5f57bae1320fcf4b4e868e71d56c66b"],
];

Deno.test("KeyHasher agrees with OpenSSL's SipHash-1-3 of 128 bits", () => {
  const key = new Uint32Array(Uint8Array.from({ length: 16 }, (_, i) => i).buffer);
  const hasher = new KeyHasher(key);
  for (const [size, expected] of HASHES) {
    const bytes = Uint8Array.from({ length: size + 3 }, (_, i) => i - 2);
    hasher.update(bytes, 2, size + 2);
    const hash = new Uint8Array(hasher.hash.buffer);
    assertEquals(Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join(""), expected);
  }
});

Deno.test("KeyHasher has a random key", () => {
  const [one, other] = [new KeyHasher(), new KeyHasher()];
  one.update(new Uint8Array(4), 0, 4);
  other.update(new Uint8Array(4), 0, 4);
  assertEquals(one.hash.every((word, i) => word === other.hash[i]), false);
});
