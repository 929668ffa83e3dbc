/**
 * Feeds invalid bytes to every decoder.
 *
 * Invariants: a decoder returns a value or throws `MalformedMessageError`, reads nothing outside
 * its bytes, and creates at most one array element per byte.
 */

import { assert } from "@std/assert";
import { codec } from "../schema/codec.ts";
import { toHex } from "../hex_testing.ts";
import { MalformedMessageError, Reader } from "../primitives/reader.ts";
import { eachSeed } from "../seeds_testing.ts";
import type { Message } from "../schema/schema.ts";
import { APIS } from "./mod.ts";
import { encodeReference } from "./reference_encoder_testing.ts";
import { type Draw, sampleMessage, seededRandom } from "./sample_message_testing.ts";

Deno.test("codec() decodes or rejects random and mutated messages", async (t) => {
  await eachSeed(t, 1, (seed) => {
    const random = seededRandom(seed);
    for (const api of APIS) {
      for (const message of [api.request, api.response]) {
        for (let v = message.versions.min; v <= message.versions.max; v++) {
          for (let i = 0; i < 20; i++) attempt(message, v, noise(random));
          const { value } = sampleMessage(message, v, "random", random);
          const bytes = encodeReference(message, v, value);
          for (let i = 0; i < 40; i++) attempt(message, v, mutated(bytes, random));
        }
      }
    }
  });
});

function attempt(message: Message, version: number, bytes: Uint8Array): void {
  // Surrounded by bytes that would read as huge lengths.
  const around = new Uint8Array(bytes.length + 16).fill(0xff);
  around.set(bytes, 8);
  const reader = new Reader(around.subarray(8, 8 + bytes.length));
  try {
    const value = codec(message, version).decode(reader);
    assert(reader.position <= bytes.length);
    assert(elementCount(value) <= bytes.length, "more elements than bytes");
  } catch (error) {
    if (error instanceof MalformedMessageError) return;
    throw new Error(`${message.name} version ${version}: ${toHex(bytes)}`, {
      cause: error,
    });
  }
}

/** Number of elements in all arrays of a decoded value. */
function elementCount(value: unknown): number {
  if (value === null || typeof value !== "object" || value instanceof Uint8Array) return 0;
  let count = Array.isArray(value) ? value.length : 0;
  for (const inner of Object.values(value)) count += elementCount(inner);
  return count;
}

/** Random bytes, mostly small ones half of the time, which decode further as lengths and counts. */
function noise(random: Draw): Uint8Array {
  const limit = random(2) === 0 ? 256 : 4;
  return Uint8Array.from({ length: random(120) }, () => random(limit));
}

const EDGES = [0x00, 0x01, 0x7f, 0x80, 0xff];

/** A message with a few bytes changed, removed, repeated or inserted. */
function mutated(bytes: Uint8Array, random: Draw): Uint8Array {
  let mutant = Array.from(bytes);
  for (let changes = 1 + random(3); changes > 0; changes--) {
    const at = random(mutant.length + 1);
    const size = random(5);
    switch (random(5)) {
      case 0:
        mutant[at] = random(256);
        break;
      case 1:
        mutant[at] = EDGES[random(EDGES.length)]!;
        break;
      case 2:
        mutant.splice(at, size);
        break;
      case 3:
        mutant.splice(at, 0, ...mutant.slice(at, at + size));
        break;
      default:
        mutant = mutant.slice(0, at);
    }
  }
  return Uint8Array.from(mutant);
}
