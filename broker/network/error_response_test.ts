import { assert, assertEquals } from "@std/assert";
import { alterClientQuotas } from "../../protocol/messages/security/alter_client_quotas.ts";
import { alterUserScramCredentials } from "../../protocol/messages/security/alter_user_scram_credentials.ts";
import { codec } from "../../protocol/schema/codec.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { APIS } from "../../protocol/messages/mod.ts";
import { createTopics } from "../../protocol/messages/topics/create_topics.ts";
import { consumerGroupHeartbeat } from "../../protocol/messages/groups/consumer_group_heartbeat.ts";
import { endTxn } from "../../protocol/messages/transactions/end_txn.ts";
import { joinGroup } from "../../protocol/messages/groups/join_group.ts";
import { describeGroups } from "../../protocol/messages/groups/describe_groups.ts";
import { fetch } from "../../protocol/messages/records/fetch.ts";
import { findCoordinator } from "../../protocol/messages/groups/find_coordinator.ts";
import { offsetFetch } from "../../protocol/messages/groups/offset_fetch.ts";
import { produce } from "../../protocol/messages/records/produce.ts";
import { sampleMessage, seededRandom } from "../../protocol/messages/sample_message_testing.ts";
import { Reader } from "../../protocol/primitives/reader.ts";
import type { Api } from "../../protocol/schema/schema.ts";
import { Writer } from "../../protocol/primitives/writer.ts";
import { errorResponse } from "./error_response.ts";
import { HandlerTable } from "../handlers/mod.ts";

const ERROR = { errorCode: ErrorCode.INVALID_REQUEST, errorMessage: "because" };

/** The response as the client decodes it. */
// deno-lint-ignore no-explicit-any
function answered(api: Api, version: number, request: object | undefined): any {
  const steps = errorResponse(api, version, request, ERROR);
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  const writer = new Writer();
  codec(api.response, version).encode(writer, step.value);
  return codec(api.response, version).decode(new Reader(writer.takeBytes()));
}

function hasError(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).some(([name, inner]) =>
    (/errorCode$/i.test(name) && inner === ERROR.errorCode) || hasError(inner)
  );
}

/** APIs whose response items do not correspond to request items, so that none are answered. */
const WITHOUT_CODES: ReadonlySet<string> = new Set(["AlterReplicaLogDirs", "DescribeLogDirs"]);

Deno.test("errorResponse() answers every API in every version with the error", () => {
  const random = seededRandom(1);
  const served = new HandlerTable();
  const withoutError = new Set<string>();
  for (const api of APIS.filter(({ key }) => served.get(key) !== undefined)) {
    for (let version = api.versions.min; version <= api.versions.max; version++) {
      const { decoded } = sampleMessage(api.request, version, "full", random);
      const answer = answered(api, version, decoded);
      if (!hasError(answer)) withoutError.add(api.name);
      answered(api, version, undefined);
    }
  }
  assertEquals(withoutError, WITHOUT_CODES);
});

Deno.test("errorResponse() answers each item of a request in the form of its API", () => {
  const { errorCode } = ERROR;
  const partition = { index: 3, records: null };
  const topicData = [{ name: "a", partitionData: [partition] }];
  const produced = answered(produce, 9, { acks: 1, timeoutMs: 0, topicData });
  assertEquals(produced.responses[0].name, "a");
  const [{ index, baseOffset, ...of }] = produced.responses[0].partitionResponses;
  assertEquals([index, baseOffset, of.errorCode], [3, -1, errorCode]);

  const topics = [{ topic: "a", partitions: [{ partition: 2 }] }];
  assertEquals(answered(fetch, 12, { topics }).errorCode, errorCode);
  const old = answered(fetch, 4, { topics }).responses[0].partitions[0];
  assertEquals([old.partitionIndex, old.errorCode], [2, errorCode]);

  const found = answered(findCoordinator, 4, { coordinatorKeys: ["a", "b"] }).coordinators;
  assertEquals(found.map(({ key, host }: { key: string; host: string }) => [key, host]), [
    ["a", ""],
    ["b", ""],
  ]);
  const described = answered(describeGroups, 5, { groups: ["a", "b"] }).groups;
  assertEquals(described.map(({ groupId }: { groupId: string }) => groupId), ["a", "b"]);
  const groups = [{ groupId: "g", topics: [{ name: "a", partitionIndexes: [1] }] }];
  const [offsets] = answered(offsetFetch, 8, { groups }).groups;
  assertEquals([offsets.groupId, offsets.topics, offsets.errorCode], ["g", [], errorCode]);
});

Deno.test("errorResponse() cuts names that decoding grew beyond a string's limit", () => {
  const name = "\uFFFD".repeat(32767);
  const [topic] = answered(createTopics, 7, { topics: [{ name }] }).topics;
  assert(name.startsWith(topic.name) && topic.name.length > 10_000);
});

Deno.test("errorResponse() names the entity of each quota, which clients find the answer by", () => {
  const entity = [{ entityType: "user", entityName: "a" }, {
    entityType: "client-id",
    entityName: null,
  }];
  const entries = [{ entity, ops: [{ key: "producer_byte_rate", value: 1, remove: false }] }, {
    entity: [],
    ops: [],
  }];
  for (let version = 0; version <= 1; version++) {
    const answer = answered(alterClientQuotas, version, { entries, validateOnly: false });
    // deno-lint-ignore no-explicit-any
    const found = answer.entries.map((of: any) => [of.errorCode, of.entity]);
    assertEquals(found, [[ERROR.errorCode, entity], [ERROR.errorCode, []]]);
  }
  const config = { name: "retention.ms", value: "1" };
  const topics = [{ name: "a", numPartitions: 1, replicationFactor: 1, configs: [config] }];
  // Those of a created topic are others than those that were asked for.
  assertEquals(answered(createTopics, 7, { topics, timeoutMs: 0 }).topics[0].configs, []);
});

Deno.test("errorResponse() repeats nothing of a request that failed as a whole", () => {
  const producer = { transactionalId: "t", producerId: 7, producerEpoch: 3, committed: true };
  const ended = answered(endTxn, 5, producer);
  assertEquals([ended.errorCode, ended.producerId, ended.producerEpoch], [
    ERROR.errorCode,
    -1,
    -1,
  ]);
  const beat = answered(consumerGroupHeartbeat, 1, {
    groupId: "g",
    memberId: "m",
    memberEpoch: 5,
    topicPartitions: [],
  });
  assertEquals([beat.errorCode, beat.memberId, beat.memberEpoch], [ERROR.errorCode, null, 0]);
  const protocols = [{ name: "range", metadata: new Uint8Array(0) }];
  const join = { groupId: "g", memberId: "m", protocolType: "consumer", protocols };
  const joined = answered(joinGroup, 9, { ...join, sessionTimeoutMs: 1, rebalanceTimeoutMs: 1 });
  assertEquals([joined.errorCode, joined.memberId, joined.protocolType], [
    ERROR.errorCode,
    "",
    null,
  ]);
});

Deno.test("errorResponse() answers the items of all lists of a request", () => {
  const deletions = [{ name: "a", mechanism: 1 }, { name: "b", mechanism: 2 }];
  const salt = new Uint8Array(1);
  const upsertions = [{ name: "c", mechanism: 1, iterations: 4096, salt, saltedPassword: salt }];
  const users = (request: object) =>
    // deno-lint-ignore no-explicit-any
    answered(alterUserScramCredentials, 0, request).results.map((of: any) => of.user);
  assertEquals(users({ deletions, upsertions }), ["a", "b", "c"]);
  assertEquals(users({ deletions: [], upsertions }), ["c"]);
  assertEquals(users({ deletions, upsertions: [] }), ["a", "b"]);
});
