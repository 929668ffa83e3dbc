/**
 * Holds every declaration to Kafka's own definitions, field by field and version by version.
 *
 * The definitions are looked for beside the checkout, in `../shared/kafka-schemas/requests`, or
 * where `DQUEUE_KAFKA_SCHEMAS` says. Without them there is nothing to compare with, and the test
 * says so in one line.
 */

import { assert, assertEquals } from "@std/assert";
import type { Api, Field, Fields, Message } from "../schema.ts";
import { inRange, NO_VERSIONS, type VersionRange, versionRange } from "../version_range.ts";
import { ZERO_UUID } from "../uuid.ts";
import { APIS } from "./mod.ts";

/** A message or struct as Kafka's JSON has it. */
interface KafkaMessage {
  readonly apiKey: number;
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
  readonly default?: string | number | boolean;
  readonly ignorable?: boolean;
  readonly fields?: readonly KafkaField[];
}

/** A field in one version, from either side, in a form that can be compared. */
interface Seen {
  readonly name: string;
  readonly type: string;
  readonly nullable: boolean;
  readonly default: string | number | boolean | null;
  readonly tag: number | null;
  readonly ignorable: boolean;
  readonly fields: readonly Seen[];
}

/** Where our versions differ from Kafka's `validVersions`. */
const VERSION_DEVIATIONS: Record<string, { ours: string; reason: string }> = {
  ApiVersions: { ours: "0-5", reason: "Kafka 4.4 adds version 5 (KIP-1242)" },
  CreateTopics: { ours: "0-7", reason: "old scripts hard-code version 0" },
  DeleteTopics: { ours: "0-6", reason: "old scripts hard-code version 0" },
  InitProducerId: { ours: "0-5", reason: "version 6 is marked unstable (KIP-939)" },
};

/** Fields that Kafka 4.2 does not have. */
const EXTRA_FIELDS: Record<string, string> = {
  "ApiVersionsRequest.clusterId": "version 5, Kafka 4.4 (KIP-1242)",
  "ApiVersionsRequest.nodeId": "version 5, Kafka 4.4 (KIP-1242)",
};

const NO_MESSAGE = "who leaves the message out has none, and Kafka writes null for that";
const UNSAFE = "2^63 - 1 is no safe integer, and a default is never written";

/** Defaults that differ from Kafka's. */
const DEFAULT_DEVIATIONS: Record<string, string> = {
  "AlterConfigsResponse.responses.errorMessage": NO_MESSAGE,
  "CreateTopicsResponse.topics.errorMessage": NO_MESSAGE,
  "DescribeConfigsResponse.results.errorMessage": NO_MESSAGE,
  "FindCoordinatorResponse.coordinators.errorMessage": NO_MESSAGE,
  "FindCoordinatorResponse.errorMessage": NO_MESSAGE,
  "IncrementalAlterConfigsResponse.responses.errorMessage": NO_MESSAGE,
  "CreatePartitionsRequest.topics.assignments":
    "null is automatic placement, and empty is an error",
  "DescribeConfigsRequest.resources.configurationKeys": "older brokers take empty for none",
  "DescribeConfigsResponse.results.configs.documentation": "null is what stands for none",
  "FetchRequest.topics.partitions.highWatermark": UNSAFE,
  "ListOffsetsRequest.replicaId": "0 is a broker, and whoever leaves it out is none",
};

const directory = schemaDirectory();

Deno.test({
  name: "APIS are what Kafka's message definitions say, in every version",
  ignore: directory === undefined,
  fn: async (t) => {
    const deviations = new Set<string>();
    for (const api of APIS) {
      await t.step(api.name, () => {
        for (const message of [api.request, api.response]) {
          const kafka = readKafka(`${directory}/${message.name}.json`);
          assertEquals(message.name, kafka.name);
          assertEquals(api.key, kafka.apiKey);
          checkVersions(api, kafka, deviations);
          checkFields(message, kafka, deviations);
        }
      });
    }
    const known = [VERSION_DEVIATIONS, EXTRA_FIELDS, DEFAULT_DEVIATIONS].flatMap(Object.keys);
    assertEquals([...deviations].sort(), known.sort(), "each known deviation is one");
  },
});

Deno.test("APIS declare a default wherever a version lacks what another has", () => {
  for (const api of APIS) {
    for (const message of [api.request, api.response]) {
      checkDefaults(message.name, message.fields, message.versions);
    }
  }
});

function checkDefaults(path: string, fields: Fields, carried: VersionRange): void {
  for (const [name, field] of Object.entries(fields)) {
    const own = {
      min: Math.max(field.versions.min, carried.min),
      max: Math.min(field.versions.max, carried.max),
    };
    const always = own.min === carried.min && own.max === carried.max;
    assert(own.min <= own.max, `${path}.${name} is in some version`);
    if (!always || field.tag !== undefined) {
      assert(field.hasDefault, `${path}.${name} has a default`);
    }
    const inner = (field.element ?? field).fields;
    if (inner !== undefined) checkDefaults(`${path}.${name}`, inner, own);
  }
}

function schemaDirectory(): string | undefined {
  let path = new URL("../../../shared/kafka-schemas/requests", import.meta.url).pathname;
  try {
    path = Deno.env.get("DQUEUE_KAFKA_SCHEMAS") ?? path;
    Deno.statSync(path);
    return path;
  } catch (error) {
    const missing = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotCapable;
    if (!missing) throw error;
    console.log(`Skipping the comparison with Kafka's definitions: cannot read ${path}`);
    return undefined;
  }
}

function readKafka(path: string): KafkaMessage {
  return JSON.parse(Deno.readTextFileSync(path));
}

function checkVersions(api: Api, kafka: KafkaMessage, deviations: Set<string>): void {
  const flexible = kafka.flexibleVersions === "none"
    ? NO_VERSIONS
    : versionRange(kafka.flexibleVersions);
  assertEquals(api.request.flexible, flexible);
  assertEquals(api.response.flexible, flexible);
  const deviation = VERSION_DEVIATIONS[api.name];
  if (deviation !== undefined) deviations.add(api.name);
  const expected = versionRange(deviation?.ours ?? kafka.validVersions);
  if (deviation !== undefined) assert(deviation.ours !== kafka.validVersions, "is a deviation");
  for (const range of [api.versions, api.request.versions, api.response.versions]) {
    assertEquals(range, expected);
  }
}

function checkFields(message: Message, kafka: KafkaMessage, deviations: Set<string>): void {
  const shared = new Map(kafka.commonStructs?.map((struct) => [struct.name, struct.fields]));
  for (let version = message.versions.min; version <= message.versions.max; version++) {
    const flexible = inRange(version, message.flexible);
    const ours = ourFields(message.fields, version, flexible);
    const theirs = kafkaFields(kafka.fields, version, shared);
    compare(`${message.name}`, ours, theirs, version, deviations);
  }
}

function compare(
  path: string,
  ours: readonly Seen[],
  theirs: readonly Seen[],
  version: number,
  deviations: Set<string>,
): void {
  const kept = ours.filter((field) => {
    const extra = `${path}.${field.name}` in EXTRA_FIELDS &&
      !theirs.some((their) => their.name === field.name);
    if (extra) deviations.add(`${path}.${field.name}`);
    return !extra;
  });
  const at = `${path} version ${version}`;
  assertEquals(kept.map(({ name }) => name), theirs.map(({ name }) => name), `fields of ${at}`);
  kept.forEach((our, i) => {
    const their = theirs[i]!;
    const inner = `${path}.${our.name}`;
    const differs = our.default !== their.default && inner in DEFAULT_DEVIATIONS;
    if (differs) deviations.add(inner);
    assertEquals(
      { ...our, fields: [] },
      { ...their, ...(differs ? { default: our.default } : {}), fields: [] },
      `${our.name} of ${at}`,
    );
    compare(inner, our.fields, their.fields, version, deviations);
  });
}

function ourFields(fields: Fields, version: number, flexible: boolean): Seen[] {
  return Object.entries(fields)
    .filter(([, field]) => inRange(version, field.versions))
    .map(([name, field]) => {
      const inner = field.element ?? field;
      return {
        name,
        type: field.element === undefined ? field.type : `[]${field.element.type}`,
        nullable: inRange(version, field.nullable),
        default: ourDefault(field),
        tag: flexible && inRange(version, field.tagged) ? field.tag! : null,
        ignorable: field.ignorable,
        fields: inner.fields === undefined ? [] : ourFields(inner.fields, version, flexible),
      };
    });
}

function ourDefault(field: Field): Seen["default"] {
  if (field.default === null) return null;
  switch (field.type) {
    case "array":
      assertEquals(field.default, []);
      return "empty";
    case "struct":
      assertEquals(field.default ?? {}, {});
      return "empty";
    case "bytes":
      assertEquals((field.default as Uint8Array).length, 0);
      return "empty";
    default:
      return field.default as string | number | boolean;
  }
}

function kafkaFields(
  fields: readonly KafkaField[],
  version: number,
  shared: ReadonlyMap<string, readonly KafkaField[]>,
): Seen[] {
  return fields
    .filter((field) => inRange(version, versionRange(field.versions)))
    .map((field) => {
      const array = field.type.startsWith("[]");
      const element = array ? field.type.slice(2) : field.type;
      const inner = field.fields ?? shared.get(element);
      const type = inner === undefined ? element : "struct";
      const tagged = versionRange(field.taggedVersions ?? "none");
      return {
        name: field.name[0]!.toLowerCase() + field.name.slice(1),
        type: array ? `[]${type}` : type,
        nullable: inRange(version, versionRange(field.nullableVersions ?? "none")),
        default: kafkaDefault(field, array ? "array" : type),
        tag: inRange(version, tagged) ? field.tag! : null,
        ignorable: field.ignorable ?? false,
        fields: inner === undefined ? [] : kafkaFields(inner, version, shared),
      };
    });
}

function kafkaDefault(field: KafkaField, type: string): Seen["default"] {
  const given = field.default;
  if (given === "null") return null;
  switch (type) {
    case "array":
    case "struct":
    case "bytes":
      assertEquals(given, undefined);
      return "empty";
    case "records":
      assertEquals(given, undefined);
      return null;
    case "string":
      return given ?? "";
    case "uuid":
      assertEquals(given, undefined);
      return ZERO_UUID;
    case "bool":
      return String(given ?? "false") === "true";
    default:
      return Number(given ?? 0);
  }
}
