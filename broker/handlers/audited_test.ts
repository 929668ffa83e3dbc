import { assertEquals } from "@std/assert";
import { createPartitions } from "../../protocol/messages/topics/create_partitions.ts";
import { createTopics } from "../../protocol/messages/topics/create_topics.ts";
import { deleteTopics } from "../../protocol/messages/topics/delete_topics.ts";
import { metadata } from "../../protocol/messages/topics/metadata.ts";
import { incrementalAlterConfigs } from "../../protocol/messages/configs/incremental_alter_configs.ts";
import { alterConfigs } from "../../protocol/messages/configs/alter_configs.ts";
import { alterUserScramCredentials } from "../../protocol/messages/security/alter_user_scram_credentials.ts";
import { describeAcls } from "../../protocol/messages/security/describe_acls.ts";
import { createAcls } from "../../protocol/messages/security/create_acls.ts";
import type { Api, RequestTo } from "../../protocol/schema/schema.ts";
import { RawConnection } from "../../tests/support/protocol/raw_connection.ts";
import { Broker } from "../broker.ts";
import { createLogger } from "../logger.ts";

const TOPIC = 2;
const BROKER = 4;

/** A broker, and the audit lines that requests leave. */
async function start() {
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger({
    sink: (line) => {
      const json = / INFO {2}Audit (\{.*\})$/.exec(line)?.[1];
      if (json !== undefined) lines.push(JSON.parse(json));
    },
  });
  const broker = await Broker.start({
    storage: "memory",
    listen: "127.0.0.1:0",
    logger,
    config: { "super.users": "User:ANONYMOUS" },
  });
  const { host, port } = broker.addresses[0]!;
  const connection = await RawConnection.connect(`${host}:${port}`, "admin-tool");
  return {
    /** Sends a request, and returns the resource and the state after it of each line. */
    async after<A extends Api>(api: A, version: number, request: RequestTo<A>) {
      await connection.request(api, version, request);
      return lines.splice(0).map((line) => {
        assertEquals([line.event, line.principal, line.clientId, line.api, line.host], [
          "change",
          "User:ANONYMOUS",
          "admin-tool",
          api.name,
          "127.0.0.1",
        ]);
        return [line.resourceType, line.resource, line.after];
      });
    },
    async [Symbol.asyncDispose]() {
      connection.close();
      await broker.close();
    },
  };
}

function topicsOf(names: readonly string[], validateOnly = false): RequestTo<typeof createTopics> {
  return {
    topics: names.map((name) => ({
      name,
      numPartitions: 2,
      replicationFactor: 1,
      assignments: [],
      configs: name === "b" ? [{ name: "retention.ms", value: "1000" }] : [],
    })),
    timeoutMs: 10_000,
    validateOnly,
  };
}

Deno.test("Audit has a line for each topic that is created, grown or deleted, and none for those that are not", async () => {
  await using audit = await start();
  const created = { partitions: 2, replicationFactor: 1 };
  assertEquals(await audit.after(createTopics, 7, topicsOf(["a", "b"], true)), []);
  assertEquals(await audit.after(createTopics, 7, topicsOf(["a", "b", "not/valid"])), [
    ["TOPIC", "a", created],
    ["TOPIC", "b", { ...created, configs: { "retention.ms": "1000" } }],
  ]);
  assertEquals(await audit.after(createTopics, 7, topicsOf(["a"])), []);
  const grown = (count: number) => ({
    topics: [{ name: "a", count, assignments: null }],
    timeoutMs: 10_000,
    validateOnly: false,
  });
  assertEquals(await audit.after(createPartitions, 3, grown(3)), [["TOPIC", "a", {
    partitions: 3,
  }]]);
  assertEquals(await audit.after(createPartitions, 3, grown(1)), []);
  const deletion = { topicNames: ["a", "unknown"], timeoutMs: 10_000 };
  assertEquals(await audit.after(deleteTopics, 5, deletion), [["TOPIC", "a", null]]);
  const asked = (name: string) => ({ topics: [{ name }], allowAutoTopicCreation: true });
  assertEquals(await audit.after(metadata, 9, asked("auto")), [["TOPIC", "auto", {
    partitions: 1,
  }]]);
  assertEquals(await audit.after(metadata, 9, asked("auto")), []);
});

Deno.test("Audit has a line for each resource whose configs are altered, without secrets", async () => {
  await using audit = await start();
  await audit.after(createTopics, 7, topicsOf(["a"]));
  const incremental = await audit.after(incrementalAlterConfigs, 1, {
    resources: [
      {
        resourceType: TOPIC,
        resourceName: "a",
        configs: [
          { name: "retention.ms", configOperation: 0, value: "1" },
          { name: "cleanup.policy", configOperation: 2, value: "compact" },
        ],
      },
      {
        resourceType: TOPIC,
        resourceName: "unknown",
        configs: [{ name: "retention.ms", configOperation: 0, value: "1" }],
      },
    ],
  });
  assertEquals(incremental, [
    ["TOPIC", "a", { configs: { "retention.ms": "1", "cleanup.policy": { append: "compact" } } }],
  ]);
  const resource = (type: number, name: string, config: string, value: string) => ({
    resources: [{
      resourceType: type,
      resourceName: name,
      configs: [{ name: config, value }],
    }],
  });
  assertEquals(
    await audit.after(alterConfigs, 2, resource(BROKER, "", "log.retention.ms", "5")),
    [["BROKER", "", { configs: { "log.retention.ms": "5" } }]],
  );
  const secret = resource(BROKER, "", "ssl.keystore.key", "canary");
  assertEquals(
    JSON.stringify(await audit.after(alterConfigs, 2, secret)).includes("canary"),
    false,
  );
});

Deno.test("Audit has a line for each user that is altered, without credentials, and for each ACL", async () => {
  await using audit = await start();
  const scram = (iterations: number): RequestTo<typeof alterUserScramCredentials> => ({
    deletions: [],
    upsertions: [{
      name: "alice",
      mechanism: 1,
      iterations,
      salt: new TextEncoder().encode("canary-salt"),
      saltedPassword: new Uint8Array(32).fill(0x63),
    }],
  });
  assertEquals(await audit.after(alterUserScramCredentials, 0, scram(1)), []);
  assertEquals(await audit.after(alterUserScramCredentials, 0, scram(4096)), [
    ["USER", "alice", { credential: "[hidden]" }],
  ]);
  const deletion = { deletions: [{ name: "alice", mechanism: 1 }], upsertions: [] };
  assertEquals(await audit.after(alterUserScramCredentials, 0, deletion), [[
    "USER",
    "alice",
    null,
  ]]);
  const rule = {
    resourceType: TOPIC,
    resourceName: "a",
    principal: "User:alice",
    host: "*",
    operation: 3,
    permissionType: 3,
  };
  const [line] = await audit.after(createAcls, 3, { creations: [rule] });
  assertEquals(line!.slice(0, 2), ["TOPIC", "a"]);
  const any = {
    resourceTypeFilter: 1,
    resourceNameFilter: null,
    principalFilter: null,
    hostFilter: null,
    operation: 1,
    permissionType: 1,
  };
  assertEquals(await audit.after(describeAcls, 3, any), []);
});
