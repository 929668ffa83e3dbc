import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  createTopics,
  fetch,
  listOffsets,
  metadata,
  produce,
} from "../../protocol/messages/mod.ts";
import { ApiVersionTable, clientThrottles } from "./api_version_table.ts";
import { UnsupportedVersionError } from "../errors.ts";

const table = new ApiVersionTable("kafka:9092", [
  { apiKey: produce.key, minVersion: 0, maxVersion: 9 },
  { apiKey: fetch.key, minVersion: 4, maxVersion: 99 },
  { apiKey: listOffsets.key, minVersion: 0, maxVersion: 0 },
]);

Deno.test("ApiVersionTable.pick() returns the highest version both sides support", () => {
  assertEquals(table.pick(produce), 9);
  assertEquals(table.pick(fetch), fetch.versions.max);
  assertEquals(table.pick(fetch, 12), 12);
  assertEquals(table.pick(fetch, 12, 12), 12);
});

Deno.test("ApiVersionTable.pick() throws for unsupported requests and versions", () => {
  assertThrows(
    () => table.pick(metadata),
    UnsupportedVersionError,
    "Cannot send Metadata to kafka:9092: the broker does not support this request",
  );
  assertThrows(
    () => table.pick(listOffsets),
    UnsupportedVersionError,
    "it supports versions 0 to 0, the request needs 1 to 11",
  );
  assertThrows(() => table.pick(fetch, 3), UnsupportedVersionError, "the request needs 4 to 3");
  assertThrows(
    () => table.pick(produce, 13, 10),
    UnsupportedVersionError,
    "the request needs 10 to 13",
  );
});

Deno.test("clientThrottles() follows KIP-219", () => {
  assert(!clientThrottles(produce, 5));
  assert(clientThrottles(produce, 6));
  assert(!clientThrottles(fetch, 7));
  assert(clientThrottles(fetch, 8));
  assert(!clientThrottles(createTopics, 2));
  assert(clientThrottles(createTopics, 3));
});
