/**
 * Holds the declarations of records, and of the embedded consumer protocol, to Kafka's own definitions.
 *
 * The definitions are looked for beside the checkout, in `../shared/kafka-schemas`, or in the parent of
 * where `DQUEUE_KAFKA_SCHEMAS` says. Without them there is nothing to compare with, and the test says
 * so in one line.
 */

import { assertEquals } from "@std/assert";
import type { Field, Fields, Message } from "../../../protocol/schema.ts";
import { ZERO_UUID } from "../../../protocol/uuid.ts";
import { inRange, NO_VERSIONS, versionRange } from "../../../protocol/version_range.ts";
import { consumerProtocolAssignment, consumerProtocolSubscription } from "../consumer_protocol.ts";
import { RECORD_KINDS, type RecordKind } from "./group_record.ts";

interface KafkaMessage {
  readonly apiKey?: number;
  readonly name: string;
  readonly validVersions: string;
  readonly flexibleVersions: string;
  readonly fields: readonly KafkaField[];
  readonly commonStructs?: readonly { readonly name: string; readonly fields: KafkaField[] }[];
}

interface KafkaField {
  readonly name: string;
  readonly type: string;
  readonly versions: string;
  readonly nullableVersions?: string;
  readonly taggedVersions?: string;
  readonly tag?: number;
  readonly default?: string | number | boolean | null;
  readonly ignorable?: boolean;
  readonly fields?: readonly KafkaField[];
}

type Structs = ReadonlyMap<string, readonly KafkaField[]>;

const directory = schemaDirectory();

Deno.test({
  name: "RECORD_KINDS are what Kafka's record definitions say, in every version",
  ignore: directory === undefined,
  fn: async (t) => {
    for (const kind of Object.keys(RECORD_KINDS) as RecordKind[]) {
      await t.step(kind, () => {
        const { type, key, value } = RECORD_KINDS[kind];
        for (const message of [key, value]) {
          assertEquals(checkAgainst(message, "group-coordinator").apiKey, type);
        }
      });
    }
  },
});

Deno.test({
  name: "the embedded consumer protocol is what Kafka's definitions say, in every version",
  ignore: directory === undefined,
  fn: () => {
    checkAgainst(consumerProtocolSubscription, "requests");
    checkAgainst(consumerProtocolAssignment, "requests");
  },
});

function schemaDirectory(): string | undefined {
  let path = new URL("../../../../shared/kafka-schemas", import.meta.url).pathname;
  try {
    const requests = Deno.env.get("DQUEUE_KAFKA_SCHEMAS");
    if (requests !== undefined) path = `${requests}/..`;
    Deno.statSync(`${path}/group-coordinator`);
    return path;
  } catch (error) {
    const missing = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotCapable;
    if (!missing) throw error;
    console.log(`Skipping the comparison with Kafka's definitions: cannot read ${path}`);
    return undefined;
  }
}

function checkAgainst(message: Message, folder: string): KafkaMessage {
  const kafka: KafkaMessage = JSON.parse(
    Deno.readTextFileSync(`${directory}/${folder}/${message.name}.json`),
  );
  const flexible = kafka.flexibleVersions === "none" ? NO_VERSIONS : kafka.flexibleVersions;
  assertEquals(message.name, kafka.name);
  assertEquals(message.versions, versionRange(kafka.validVersions));
  assertEquals(
    message.flexible,
    typeof flexible === "string" ? versionRange(flexible) : flexible,
  );
  const structs = new Map(kafka.commonStructs?.map(({ name, fields }) => [name, fields]));
  for (let version = message.versions.min; version <= message.versions.max; version++) {
    const isFlexible = inRange(version, message.flexible);
    assertEquals(
      ours(message.fields, version, isFlexible),
      theirs(kafka.fields, version, structs),
      `${message.name} version ${version}`,
    );
  }
  return kafka;
}

function ours(fields: Fields, version: number, isFlexible: boolean): unknown[] {
  return Object.entries(fields)
    .filter(([, field]) => inRange(version, field.versions))
    .map(([name, field]) => {
      const inner = field.element ?? field;
      return {
        name: name.toLowerCase(),
        type: field.element === undefined ? field.type : `[]${field.element.type}`,
        nullable: inRange(version, field.nullable),
        default: ourDefault(field),
        tag: isFlexible && inRange(version, field.tagged) ? field.tag : undefined,
        ignorable: field.ignorable,
        fields: inner.fields === undefined ? [] : ours(inner.fields, version, isFlexible),
      };
    });
}

function ourDefault(field: Field): unknown {
  if (field.default === null) return null;
  return field.type === "array" || field.type === "struct" || field.type === "bytes"
    ? "empty"
    : field.default;
}

function theirs(fields: readonly KafkaField[], version: number, structs: Structs): unknown[] {
  return fields
    .filter((field) => inRange(version, versionRange(field.versions)))
    .map((field) => {
      const isArray = field.type.startsWith("[]");
      const element = isArray ? field.type.slice(2) : field.type;
      const inner = field.fields ?? structs.get(element);
      const type = inner === undefined ? element : "struct";
      const tagged = versionRange(field.taggedVersions ?? "none");
      return {
        name: field.name.toLowerCase(),
        type: isArray ? `[]${type}` : type,
        nullable: inRange(version, versionRange(field.nullableVersions ?? "none")),
        default: theirDefault(field, isArray ? "array" : type),
        tag: inRange(version, tagged) ? field.tag : undefined,
        ignorable: field.ignorable ?? false,
        fields: inner === undefined ? [] : theirs(inner, version, structs),
      };
    });
}

function theirDefault({ default: given }: KafkaField, type: string): unknown {
  if (given === "null" || given === null) return null;
  switch (type) {
    case "array":
    case "struct":
    case "bytes":
      return "empty";
    case "string":
      return given ?? "";
    case "uuid":
      return ZERO_UUID;
    default:
      return Number(given ?? 0);
  }
}
