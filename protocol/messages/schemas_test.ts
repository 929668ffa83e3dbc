/** Compares every declaration with Kafka's own definition, field by field and version by version. */

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import type { Api, Fields, Message } from "../schema/schema.ts";
import { inRange, type VersionRange, versionRange } from "../schema/version_range.ts";
import {
  declaredFields,
  type FieldInVersion,
  type KafkaDefinition,
  kafkaDefinition,
  kafkaFields,
} from "./kafka_definitions/kafka_definition_testing.ts";
import { APIS } from "./mod.ts";

/** Versions that differ from Kafka's `validVersions`. */
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
  "EnvelopeRequest.carriesConnections":
    "a tag that Kafka does not use, for brokers of this program",
  "EnvelopeRequest.controllerEpoch": "a tag that Kafka does not use, for brokers of this program",
  "EnvelopeResponse.revision": "a tag that Kafka does not use, for brokers of this program",
};

const NO_MESSAGE = "an omitted message is null, as in Kafka's responses";

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
  "DescribeConfigsRequest.resources.configurationKeys": "older brokers treat empty as none",
  "DescribeConfigsResponse.results.configs.documentation": "null means none",
  "ListOffsetsRequest.replicaId": "0 is a broker id, and consumers omit the field",
};

Deno.test("APIS match Kafka's message definitions, in every version", async (t) => {
  const deviations = new Set<string>();
  for (const api of APIS) {
    await t.step(api.name, () => {
      for (const message of [api.request, api.response]) {
        const kafka = kafkaDefinition(message.name);
        assertEquals(api.key, kafka.apiKey);
        checkVersions(api, kafka, deviations);
        checkFields(message, kafka, deviations);
      }
    });
  }
  const known = [VERSION_DEVIATIONS, EXTRA_FIELDS, DEFAULT_DEVIATIONS].flatMap(Object.keys);
  assertEquals([...deviations].sort(), known.sort(), "every listed deviation exists");
});

Deno.test("APIS declare a default for every field that some version lacks", () => {
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

function checkVersions(api: Api, kafka: KafkaDefinition, deviations: Set<string>): void {
  assertEquals(api.request.flexible, kafka.flexibleVersions);
  assertEquals(api.response.flexible, kafka.flexibleVersions);
  let expected = kafka.validVersions;
  const deviation = VERSION_DEVIATIONS[api.name];
  if (deviation !== undefined) {
    deviations.add(api.name);
    expected = versionRange(deviation.ours);
    assertNotEquals(expected, kafka.validVersions, "is a deviation");
  }
  for (const range of [api.versions, api.request.versions, api.response.versions]) {
    assertEquals(range, expected);
  }
}

function checkFields(message: Message, kafka: KafkaDefinition, deviations: Set<string>): void {
  for (let version = message.versions.min; version <= message.versions.max; version++) {
    const ours = declaredFields(message.fields, version, inRange(version, message.flexible));
    const theirs = kafkaFields(kafka.fields, version);
    compare(message.name, ours, theirs, version, deviations);
  }
}

function compare(
  path: string,
  ours: readonly FieldInVersion[],
  theirs: readonly FieldInVersion[],
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
