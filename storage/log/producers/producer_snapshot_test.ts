import { assertEquals, assertThrows } from "@std/assert";
import { CorruptFileError } from "../../errors.ts";
import { decodeProducerSnapshot, encodeProducerSnapshot } from "./producer_snapshot.ts";

// Written by hand from Kafka's ProducerSnapshot.json; the CRC is computed by a bitwise one in Python.
const GOLDEN = "0001" + // version
  "eac95288" + // crc
  "00000002" + // count
  "000000000000002a" + "0003" + "00000009" + "0000000000000064" + "00000004" +
  "0000018bcfe56800" + "00000007" + "ffffffffffffffff" +
  "0000010000000001" + "0000" + "ffffffff" + "ffffffffffffffff" + "00000000" +
  "ffffffffffffffff" + "ffffffff" + "000000000000000c";

const ENTRIES = [
  {
    producerId: 42,
    producerEpoch: 3,
    lastSequence: 9,
    lastOffset: 100,
    offsetDelta: 4,
    lastTimestamp: 1_700_000_000_000,
    coordinatorEpoch: 7,
    currentTransactionFirstOffset: -1,
  },
  {
    producerId: 2 ** 40 + 1,
    producerEpoch: 0,
    lastSequence: -1,
    lastOffset: -1,
    offsetDelta: 0,
    lastTimestamp: -1,
    coordinatorEpoch: -1,
    currentTransactionFirstOffset: 12,
  },
];

Deno.test("encodeProducerSnapshot() and decodeProducerSnapshot() use Kafka's version 1", () => {
  assertEquals(encodeProducerSnapshot(ENTRIES).toHex(), GOLDEN);
  assertEquals(decodeProducerSnapshot("a", Uint8Array.fromHex(GOLDEN)), ENTRIES);
  assertEquals(decodeProducerSnapshot("a", encodeProducerSnapshot([])), []);
});

Deno.test("decodeProducerSnapshot() rejects any damage", () => {
  const bytes = Uint8Array.fromHex(GOLDEN);
  for (let size = 0; size < bytes.length; size++) {
    assertThrows(() => decodeProducerSnapshot("a", bytes.subarray(0, size)), CorruptFileError);
  }
  for (let position = 0; position < bytes.length; position++) {
    const damaged = bytes.slice();
    damaged[position]! ^= 0x10;
    assertThrows(() => decodeProducerSnapshot("a", damaged), CorruptFileError);
  }
});
