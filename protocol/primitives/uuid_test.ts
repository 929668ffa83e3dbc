import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { hex } from "../hex_testing.ts";
import { randomUuid, uuidToBytes, uuidToString, ZERO_UUID } from "./uuid.ts";

// The text form is that of java.util.Base64's URL encoder without padding, as used by Kafka's Uuid.
const PAIRS: readonly [text: string, bytes: string][] = [
  [ZERO_UUID, "00000000000000000000000000000000"],
  ["AAAAAAAAAAAAAAAAAAAAAQ", "00000000000000000000000000000001"],
  ["_____________________w", "ffffffffffffffffffffffffffffffff"],
  ["-_-_-_-_-_-_-_-_-_-_-w", "fbffbffbffbffbffbffbffbffbffbffb"],
  ["AAECAwQFBgcICQoLDA0ODw", "000102030405060708090a0b0c0d0e0f"],
];

Deno.test("uuidToString() and uuidToBytes() convert Kafka's text form", () => {
  for (const [text, bytes] of PAIRS) {
    assertEquals(uuidToString(hex(bytes)), text);
    const into = new Uint8Array(16);
    uuidToBytes(text, into);
    assertEquals(into, hex(bytes));
  }
});

Deno.test("uuidToString() and uuidToBytes() convert at a position and change nothing around it", () => {
  const bytes = new Uint8Array(20).fill(0xaa);
  uuidToBytes("AAECAwQFBgcICQoLDA0ODw", bytes, 2);
  assertEquals(bytes, hex("aaaa 000102030405060708090a0b0c0d0e0f aaaa"));
  assertEquals(uuidToString(bytes, 2), "AAECAwQFBgcICQoLDA0ODw");
});

Deno.test("uuidToBytes() rejects text other than 22 characters of base64url", () => {
  const bad = [
    "",
    "AAAAAAAAAAAAAAAAAAAAA",
    "AAAAAAAAAAAAAAAAAAAAAAA",
    "AAAAAAAAAAAAAAAAAAAA+A",
    "AAAAAAAAAAAAAAAAAAAA/A",
    "AAAAAAAAAAAAAAAAAAAA==",
    "AAAAAAAAAAAAAAAAAAAAéA",
    // The last character carries two bits of the last byte; the other four must be zero.
    "AAAAAAAAAAAAAAAAAAAAAB",
  ];
  for (const text of bad) {
    assertThrows(() => uuidToBytes(text, new Uint8Array(16)), TypeError, text);
  }
});

Deno.test("randomUuid() returns version 4 UUIDs that do not start with a dash", () => {
  const seen = new Set<string>();
  for (let i = 0; i < 500; i++) {
    const text = randomUuid();
    assertMatch(text, /^[A-Za-z0-9_][A-Za-z0-9_-]{21}$/);
    const bytes = new Uint8Array(16);
    uuidToBytes(text, bytes);
    assertEquals(bytes[6]! >> 4, 4);
    assertEquals(bytes[8]! >> 6, 2);
    seen.add(text);
  }
  assert(seen.size === 500);
});
