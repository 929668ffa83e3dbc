import { assertEquals, assertThrows } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import { ApiError } from "../api_error.ts";
import { checkTopicName, collisionKeyOf, isInternalTopic, isTopicName } from "./topic_name.ts";

Deno.test("checkTopicName() accepts what Kafka accepts", () => {
  for (const name of ["a", "orders.v1", "A-b_c.9", "...", "-", "_", "x".repeat(249)]) {
    checkTopicName(name);
    assertEquals(isTopicName(name), true);
  }
});

Deno.test("checkTopicName() rejects what Kafka rejects with INVALID_TOPIC_EXCEPTION", () => {
  for (const name of ["", ".", "..", "a b", "a/b", "ä", "a:b", "a\n", "x".repeat(250)]) {
    const error = assertThrows(() => checkTopicName(name), ApiError);
    assertEquals(error.code, ErrorCode.INVALID_TOPIC_EXCEPTION, name);
    assertEquals(isTopicName(name), false);
  }
});

Deno.test("collisionKeyOf() is the same for names that metrics cannot distinguish", () => {
  assertEquals(collisionKeyOf("a.b_c"), collisionKeyOf("a_b.c"));
  assertEquals(collisionKeyOf("a.b") === collisionKeyOf("a-b"), false);
});

Deno.test("isInternalTopic() is true for Kafka's internal topics only", () => {
  assertEquals(isInternalTopic("__consumer_offsets"), true);
  assertEquals(isInternalTopic("__transaction_state"), true);
  assertEquals(isInternalTopic("__my_topic"), false);
});
