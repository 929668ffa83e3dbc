import { assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import { ErrorCode, errorInfo, type ErrorName } from "./errors.ts";

const LOWEST = -1;
const HIGHEST = 136;

Deno.test("ErrorCode has all codes of Kafka 4.4, without gaps", () => {
  const codes = Object.values(ErrorCode).sort((a, b) => a - b);
  assertEquals(codes, Array.from({ length: HIGHEST - LOWEST + 1 }, (_, i) => LOWEST + i));
});

Deno.test("ErrorCode has the numbers of the protocol", () => {
  assertEquals(ErrorCode.UNKNOWN_SERVER_ERROR, -1);
  assertEquals(ErrorCode.NONE, 0);
  assertEquals(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 3);
  assertEquals(ErrorCode.UNSUPPORTED_VERSION, 35);
  assertEquals(ErrorCode.INVALID_RECORD, 87);
  assertEquals(ErrorCode.UNKNOWN_TOPIC_ID, 100);
  assertEquals(ErrorCode.REBOOTSTRAP_REQUIRED, 129);
  assertEquals(ErrorCode.SHARE_SESSION_LIMIT_REACHED, 133);
  assertEquals(ErrorCode.CONTROLLER_ID_NOT_REGISTERED, 136);
});

Deno.test("errorInfo() returns the entry of every name", () => {
  for (const [name, code] of Object.entries(ErrorCode)) {
    const info = errorInfo(code);
    assertEquals(info.name, name as ErrorName);
    assertEquals(info.code, code);
  }
});

Deno.test("errorInfo() describes each error in one sentence without a full stop", () => {
  const descriptions = new Set<string>();
  for (const code of Object.values(ErrorCode)) {
    const { description } = errorInfo(code);
    assertMatch(description, /^[A-Z].{15,}[^.]$/);
    assertNotMatch(description, /\w'(t|re|ll|ve)\b/);
    descriptions.add(description);
  }
  assertEquals(descriptions.size, HIGHEST - LOWEST + 1);
});

Deno.test("errorInfo() refreshes metadata only for retriable errors", () => {
  for (const code of Object.values(ErrorCode)) {
    const { retriable, refreshesMetadata, name } = errorInfo(code);
    if (refreshesMetadata) assertEquals(retriable, true, name);
  }
  const { retriable, refreshesMetadata } = errorInfo(ErrorCode.NOT_LEADER_OR_FOLLOWER);
  assertEquals([retriable, refreshesMetadata], [true, true]);
  assertEquals(errorInfo(ErrorCode.REQUEST_TIMED_OUT).refreshesMetadata, false);
  assertEquals(errorInfo(ErrorCode.MESSAGE_TOO_LARGE).retriable, false);
});

Deno.test("errorInfo() returns a non-retriable entry for unknown codes", () => {
  for (const code of [-2, 137, 32767, -32768]) {
    const info = errorInfo(code);
    assertEquals(info.code, code);
    assertEquals(info.name, "UNKNOWN_ERROR_CODE");
    assertEquals([info.retriable, info.refreshesMetadata], [false, false]);
    assertMatch(info.description, new RegExp(` ${code}\\b`));
  }
});
