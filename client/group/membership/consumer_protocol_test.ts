import { assertEquals, assertThrows } from "@std/assert";
import { MalformedMessageError } from "../../../protocol/primitives/reader.ts";
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from "./consumer_protocol.ts";

const PARTITIONS = [{ topic: "a", partition: 0 }, { topic: "a", partition: 2 }];

Deno.test("encodeSubscription() writes version 3, with the owned partitions", () => {
  const subscription = {
    topics: ["a"],
    userData: null,
    ownedPartitions: PARTITIONS,
    generationId: 5,
    rackId: null,
  };
  const bytes = encodeSubscription(subscription);
  assertEquals(
    bytes.toHex(),
    "0003" + "00000001" + "000161" + "ffffffff" +
      "00000001" + "000161" + "00000002" + "00000000" + "00000002" + "00000005" + "ffff",
  );
  assertEquals(decodeSubscription(bytes), subscription);
});

Deno.test("decodeSubscription() accepts all versions, also without the fields they added", () => {
  const none = { ownedPartitions: [], generationId: -1, rackId: null };
  const first = "00000001" + "000161" + "00000002" + "beef";
  const start = { topics: ["a"], userData: new Uint8Array([0xbe, 0xef]) };
  const owned = "00000001" + "000161" + "00000002" + "00000000" + "00000002";
  const cases: readonly [hex: string, expected: unknown][] = [
    ["0000" + first, { ...start, ...none }],
    ["0001" + first, { ...start, ...none }],
    ["0001" + first + owned, { ...start, ...none, ownedPartitions: PARTITIONS }],
    ["0002" + first + owned + "00000007", {
      ...start,
      ...none,
      ownedPartitions: PARTITIONS,
      generationId: 7,
    }],
    ["0003" + first + owned + "00000007" + "000172", {
      ...start,
      ownedPartitions: PARTITIONS,
      generationId: 7,
      rackId: "r",
    }],
    // Fields of future versions are ignored.
    ["0009" + first + owned + "00000007" + "000172" + "cafe", {
      ...start,
      ownedPartitions: PARTITIONS,
      generationId: 7,
      rackId: "r",
    }],
  ];
  for (const [hex, expected] of cases) {
    assertEquals(decodeSubscription(Uint8Array.fromHex(hex)), expected as never, hex);
  }
});

Deno.test("encodeAssignment() writes version 0, which all members accept", () => {
  const bytes = encodeAssignment(PARTITIONS);
  assertEquals(
    bytes.toHex(),
    "0000" + "00000001" + "000161" + "00000002" + "00000000" + "00000002" + "ffffffff",
  );
  assertEquals(decodeAssignment(bytes), { partitions: PARTITIONS, userData: null });
  assertEquals(decodeAssignment(new Uint8Array(0)), { partitions: [], userData: null });
});

Deno.test("decodeSubscription() and decodeAssignment() throw for malformed bytes", () => {
  for (const hex of ["", "00", "ffff00000000", "000000000001", "00007fffffff"]) {
    const bytes = Uint8Array.fromHex(hex);
    assertThrows(() => decodeSubscription(bytes), MalformedMessageError);
    if (hex !== "") assertThrows(() => decodeAssignment(bytes), MalformedMessageError);
  }
});
