import { assert, assertEquals } from "@std/assert";
import { ErrorCode } from "../protocol/errors.ts";
import {
  ClosedError,
  ConnectionError,
  DqueueError,
  isRetriable,
  KafkaError,
  ProtocolError,
  refreshesMetadata,
  SerializationError,
  TimeoutError,
  UnsupportedVersionError,
  UsageError,
} from "./errors.ts";

Deno.test("KafkaError takes code, kind and advice from Kafka's table", () => {
  const error = new KafkaError('append to "a-0"', ErrorCode.NOT_LEADER_OR_FOLLOWER);
  assertEquals(error.message, 'Cannot append to "a-0": NOT_LEADER_OR_FOLLOWER');
  assertEquals([error.name, error.code, error.errorCode], [
    "KafkaError",
    "NOT_LEADER_OR_FOLLOWER",
    6,
  ]);
  assert(error.retriable && error.refreshesMetadata);
  assert(error.advice.includes("leader"));
});

Deno.test("KafkaError includes the broker's message and accepts unknown codes", () => {
  const error = new KafkaError("do it", 9999, "it is forbidden");
  assertEquals(error.message, "Cannot do it: it is forbidden (UNKNOWN_ERROR_CODE)");
  assertEquals([error.code, error.errorCode, error.retriable], ["UNKNOWN_ERROR_CODE", 9999, false]);
});

Deno.test("DqueueError is the base class of all errors", () => {
  const errors: [DqueueError, string, boolean][] = [
    [new ConnectionError("m"), "CONNECTION", true],
    [new ConnectionError("m", { retriable: false }), "CONNECTION", false],
    [new TimeoutError("m"), "TIMEOUT", true],
    [new ClosedError("m"), "CLOSED", false],
    [new UsageError("m"), "USAGE", false],
    [new SerializationError("m"), "SERIALIZATION", false],
    [new UnsupportedVersionError("m"), "UNSUPPORTED_VERSION", false],
    [new ProtocolError("m"), "PROTOCOL", false],
  ];
  for (const [error, code, retriable] of errors) {
    assert(error instanceof DqueueError);
    assertEquals([error.code, error.retriable, error.name], [
      code,
      retriable,
      error.constructor.name,
    ]);
    assert(error.advice.length > 20);
    assertEquals(isRetriable(error), retriable);
  }
});

Deno.test("DqueueError keeps its cause", () => {
  const cause = new Error("cause");
  assertEquals(new TimeoutError("m", { cause }).cause, cause);
  assert(!("cause" in new TimeoutError("m")));
});

Deno.test("refreshesMetadata() is true for lost connections and the codes that Kafka marks", () => {
  assert(refreshesMetadata(new ConnectionError("m")));
  assert(refreshesMetadata(new KafkaError("m", ErrorCode.NOT_CONTROLLER)));
  assert(!refreshesMetadata(new KafkaError("m", ErrorCode.MESSAGE_TOO_LARGE)));
  assert(!refreshesMetadata(new Error("m")));
});
