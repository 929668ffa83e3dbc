/**
 * Compares the record declarations, and the embedded consumer protocol, with Kafka's definitions.
 */

import { assertEquals } from "@std/assert";
import type { Message } from "../../../protocol/schema/schema.ts";
import { inRange } from "../../../protocol/schema/version_range.ts";
import {
  declaredFields,
  type KafkaDefinition,
  kafkaDefinition,
  kafkaFields,
} from "../../../protocol/messages/kafka_definitions/kafka_definition_testing.ts";
import {
  consumerProtocolAssignment,
  consumerProtocolSubscription,
} from "../../../protocol/consumer_protocol.ts";
import { RECORD_KINDS, type RecordKind } from "./group_record.ts";

Deno.test("RECORD_KINDS match Kafka's record definitions in every version", async (t) => {
  for (const kind of Object.keys(RECORD_KINDS) as RecordKind[]) {
    await t.step(kind, () => {
      const { type, key, value } = RECORD_KINDS[kind];
      for (const message of [key, value]) assertEquals(check(message).apiKey, type);
    });
  }
});

Deno.test("ConsumerProtocol messages match Kafka's definitions in every version", () => {
  check(consumerProtocolSubscription);
  check(consumerProtocolAssignment);
});

function check(message: Message): KafkaDefinition {
  const kafka = kafkaDefinition(message.name);
  assertEquals(message.versions, kafka.validVersions);
  assertEquals(message.flexible, kafka.flexibleVersions);
  for (let version = message.versions.min; version <= message.versions.max; version++) {
    assertEquals(
      declaredFields(message.fields, version, inRange(version, message.flexible)),
      kafkaFields(kafka.fields, version),
      `${message.name} version ${version}`,
    );
  }
  return kafka;
}
