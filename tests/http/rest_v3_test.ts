/**
 * Requests to Confluent's REST API, version 3, and what it answers.
 *
 * @module
 */

import { assert, assertEquals, assertObjectMatch } from "@std/assert";
import { Cluster } from "../../broker/mod.ts";
import { Client } from "../../client/mod.ts";
import { HttpBroker } from "../support/http.ts";
import { checkRest, reports } from "../support/rest_cases.ts";

Deno.test("REST v3 describes the cluster and its brokers", async (t) => {
  await using http = await HttpBroker.start();
  const { clusterId } = http.broker;
  const clusters = await http.get("/v3/clusters");
  const self = `${http.url}${http.cluster}`;
  assertObjectMatch(clusters.json, {
    kind: "KafkaClusterList",
    metadata: { self: `${http.url}/v3/clusters`, next: null },
  });
  assertObjectMatch(clusters.json.data[0], {
    kind: "KafkaCluster",
    metadata: { self, resource_name: `crn:///kafka=${clusterId}` },
    cluster_id: clusterId,
    controller: { related: `${self}/brokers/1` },
    topics: { related: `${self}/topics` },
    consumer_groups: { related: `${self}/consumer-groups` },
  });
  const underKafka = await http.get(`/kafka${http.cluster}`);
  assertEquals(underKafka.json.metadata.self, `${http.url}/kafka${http.cluster}`);
  assertEquals((await http.get("/v3/clusters/another")).status, 404);
  await checkRest(http, t, [
    ["GET", "/brokers", undefined, 200, { kind: "KafkaBrokerList" }],
    ["GET", "/brokers/1", undefined, 200, { kind: "KafkaBroker", broker_id: 1, host: "embedded" }],
    ["GET", "/brokers/2", undefined, 404, { error_code: 404 }],
    ["GET", "/brokers/x", undefined, 404],
    ["POST", "/brokers", {}, 405],
    ["GET", "/nothing", undefined, 404],
  ]);
});

Deno.test("REST v3 creates, lists and deletes ACLs", async (t) => {
  await using http = await HttpBroker.start({ config: { "super.users": "User:root" } });
  await http.signIn("root", "root-secret");
  const acl = {
    resource_type: "TOPIC",
    resource_name: "orders",
    pattern_type: "PREFIXED",
    principal: "User:alice",
    host: "*",
    operation: "READ",
    permission: "ALLOW",
  };
  const { host: _, ...withoutHost } = acl;
  const denied = { ...acl, principal: "User:eve", permission: "DENY" };
  const { permission: __, ...withoutPermission } = acl;
  const every = "resource_type=any&pattern_type=any&operation=any&permission=any";
  await checkRest(http, t, [
    ["GET", "/acls", undefined, 200, { kind: "KafkaAclList", data: [] }],
    ["POST", "/acls", withoutHost, 201],
    ["POST", "/acls", acl, 201],
    ["POST", "/acls", withoutPermission, 400],
    ["POST", "/acls", { ...acl, operation: "FLY" }, 400],
    ["POST", "/acls", { ...acl, pattern_type: "MATCH" }, 400],
    ["POST", "/acls", { ...acl, principal: "alice" }, 400],
    ["POST", "/acls", { ...acl, host: "10.0.0.0/40" }, 400],
    ["POST", "/acls:batch", { data: [denied, { ...denied, operation: "WRITE" }] }, 201],
    ["GET", "/acls?principal=User:alice", undefined, 200, {
      data: [{ kind: "KafkaAcl", ...acl }],
    }],
    [
      "GET",
      "/acls?resource_type=topic&resource_name=orders-1&pattern_type=match&operation=read",
      undefined,
      200,
      {
        data: [{ permission: "ALLOW" }, { permission: "DENY" }],
      },
    ],
    ["GET", "/acls?operation=fly", undefined, 400],
    ["DELETE", "/acls", undefined, 400],
    ["DELETE", `/acls?${every}&principal=User:eve`, undefined, 200, {
      data: [{ principal: "User:eve" }, { principal: "User:eve" }],
    }],
    ["DELETE", `/acls?${every}&principal=User:eve`, undefined, 200, { data: [] }],
  ]);
  const { json } = await http.get(`${http.cluster}/acls`);
  assertEquals(json.data.length, 1);
  const { self } = json.data[0].metadata;
  assertEquals((await http.get(self.slice(http.url.length))).json.data, json.data);
});

Deno.test("REST v3 creates, changes and deletes topics", async (t) => {
  await using http = await HttpBroker.start();
  const name = { topic_name: "orders.a" };
  await checkRest(http, t, [
    ["POST", "/topics", { ...name, partitions_count: 2, validate_only: true }, 200, {
      partitions_count: 2,
    }],
    ["GET", "/topics/orders.a", undefined, 404, { error_code: 40403 }],
    [
      "POST",
      "/topics",
      {
        ...name,
        partitions_count: 2,
        replication_factor: 1,
        configs: [{ name: "retention.ms", value: "1000" }],
      },
      201,
      { ...name, kind: "KafkaTopic", partitions_count: 2, replication_factor: 1 },
    ],
    ["POST", "/topics", name, 400, { error_code: 40002 }],
    ["POST", "/topics", { topic_name: "a b" }, 400, { error_code: 40002 }],
    ["POST", "/topics", { topic_name: 5 }, 400, { error_code: 400 }],
    ["POST", "/topics", { topic_name: "b", partitions_count: "2" }, 400, { error_code: 400 }],
    ["POST", "/topics", { topic_name: "b", replication_factor: 3 }, 400, { error_code: 40002 }],
    ["POST", "/topics", { topic_name: "b", configs: [{ name: "nix", value: "1" }] }, 400],
    ["POST", "/topics", "[]", 400, { error_code: 400 }],
    ["POST", "/topics", "{", 400, { error_code: 400 }],
    ["POST", "/topics", `{"topic_name":"${"x".repeat(1 << 20)}"}`, 413, { error_code: 413 }],
    [
      "POST",
      "/topics",
      {
        topic_name: "placed",
        replicas_assignments: [{ partition_id: 1, broker_ids: [1] }, {
          partition_id: 0,
          broker_ids: [1],
        }],
      },
      201,
      { partitions_count: 2 },
    ],
    ["POST", "/topics", {
      topic_name: "gap",
      replicas_assignments: [{ partition_id: 1, broker_ids: [1] }],
    }, 400],
    ["GET", "/topics", undefined, 200, { kind: "KafkaTopicList" }],
    ["GET", "/topics/orders%2Ea", undefined, 200, name],
    ["PATCH", "/topics/orders.a", { partitions_count: 3 }, 200, { partitions_count: 3 }],
    ["PATCH", "/topics/orders.a", { partitions_count: 1 }, 400, { error_code: 40002 }],
    ["PATCH", "/topics/orders.a", {}, 400, { error_code: 400 }],
    ["DELETE", "/topics/orders.a", undefined, 204],
    ["DELETE", "/topics/orders.a", undefined, 404, { error_code: 40403 }],
  ]);
});

Deno.test("REST v3 describes and changes configs, and leaves others alone", async (t) => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a", configs: { "retention.ms": 1000 } });
  const at = "/topics/a/configs";
  await checkRest(http, t, [
    ["GET", at, undefined, 200, { kind: "KafkaTopicConfigList" }],
    ["GET", `${at}/retention.ms`, undefined, 200, {
      kind: "KafkaTopicConfig",
      topic_name: "a",
      name: "retention.ms",
      value: "1000",
      is_default: false,
      is_read_only: false,
      is_sensitive: false,
      source: "DYNAMIC_TOPIC_CONFIG",
    }],
    ["GET", `${at}/nix`, undefined, 404],
    ["GET", "/topics/nix/configs", undefined, 404, { error_code: 40403 }],
    ["PUT", `${at}/max.message.bytes`, { value: "5000" }, 204],
    ["PUT", `${at}/max.message.bytes`, { value: "many" }, 400, { error_code: 40002 }],
    ["POST", `${at}:alter`, {
      data: [{ name: "cleanup.policy", value: "compact" }, {
        name: "max.message.bytes",
        operation: "DELETE",
      }],
      validate_only: true,
    }, 204],
    ["GET", `${at}/max.message.bytes`, undefined, 200, { value: "5000" }],
    ["POST", `${at}:alter`, {
      data: [{ name: "cleanup.policy", value: "compact" }, {
        name: "max.message.bytes",
        operation: "DELETE",
      }],
    }, 204],
    ["GET", `${at}/max.message.bytes`, undefined, 200, { is_default: true }],
    ["GET", `${at}/cleanup.policy`, undefined, 200, { value: "compact" }],
    ["GET", `${at}/retention.ms`, undefined, 200, { value: "1000" }],
    ["POST", `${at}:alter`, { data: [{ name: "a", operation: "APPEND" }] }, 400],
    ["DELETE", `${at}/retention.ms`, undefined, 204],
    ["GET", `${at}/retention.ms`, undefined, 200, { is_default: true, source: "DEFAULT_CONFIG" }],
    ["GET", "/topics/-/configs", undefined, 200, { kind: "KafkaTopicConfigList" }],
    ["GET", "/brokers/1/configs/num.partitions", undefined, 200, {
      kind: "KafkaBrokerConfig",
      broker_id: 1,
      value: "1",
    }],
    ["PUT", "/broker-configs/message.max.bytes", { value: "5000" }, 204],
    ["GET", "/broker-configs/message.max.bytes", undefined, 200, {
      kind: "KafkaClusterConfig",
      value: "5000",
      source: "DYNAMIC_DEFAULT_BROKER_CONFIG",
    }],
    ["DELETE", "/broker-configs/message.max.bytes", undefined, 204],
    ["GET", "/broker-configs/message.max.bytes", undefined, 404],
  ]);
});

Deno.test("REST v3 describes partitions and replicas", async (t) => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a", partitions: 2 });
  await http.client.producer().send({ topic: "a", partition: 1, value: "x" });
  const at = "/topics/a/partitions";
  await checkRest(http, t, [
    ["GET", at, undefined, 200, { kind: "KafkaPartitionList" }],
    ["GET", `${at}/1`, undefined, 200, {
      kind: "KafkaPartition",
      topic_name: "a",
      partition_id: 1,
    }],
    ["GET", `${at}/2`, undefined, 404, { error_code: 40402 }],
    ["GET", `${at}/1/offset`, undefined, 200, {
      kind: "KafkaPartitionWithOffsets",
      earliest_offset: 0,
      latest_offset: 1,
    }],
    ["GET", `${at}/1/offset?offset_type=earliest_and_latest`, undefined, 200],
    ["GET", `${at}/1/offset?offset_type=latest`, undefined, 400, { error_code: 400 }],
    ["GET", `${at}/1/replicas`, undefined, 200, { kind: "KafkaReplicaList" }],
    ["GET", `${at}/1/replicas/1`, undefined, 200, { is_leader: true, is_in_sync: true }],
    ["GET", `${at}/1/replicas/2`, undefined, 404],
    ["GET", `${at}/-/reassignment`, undefined, 200, { data: [] }],
    ["GET", `${at}/1/reassignment`, undefined, 404],
    ["GET", "/topics/-/partitions/-/reassignment", undefined, 200, { data: [] }],
    ["GET", "/topics/nix/partitions", undefined, 404, { error_code: 40403 }],
    ["GET", "/brokers/1/partition-replicas", undefined, 200, { kind: "KafkaReplicaList" }],
  ]);
});

Deno.test("REST v3 describes consumer groups and their lag", async (t) => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a", partitions: 2 });
  const producer = http.client.producer();
  for (let i = 0; i < 5; i++) await producer.send({ topic: "a", partition: 1, value: `${i}` });
  await http.client.admin().alterGroupOffsets("left", [
    { topic: "a", partition: 1, offset: 1 },
    { topic: "a", partition: 0, offset: 0 },
  ]);
  await using member = http.client.groupConsumer({ groupId: "g/1", topics: "a" });
  await member.joinGroup();
  await member.commitOffset("a", 1, 3);
  const groups = await http.get(`${http.cluster}/consumer-groups`);
  const ids = groups.json.data.map((group: { consumer_group_id: string }) =>
    group.consumer_group_id
  );
  assertEquals(ids.sort(), ["g/1", "left"]);
  const at = "/consumer-groups/g%2F1";
  const consumers = await http.get(`${http.cluster}${at}/consumers`);
  const [{ consumer_id: id, client_id: clientId }] = consumers.json.data;
  await checkRest(http, t, [
    ["GET", at, undefined, 200, {
      kind: "KafkaConsumerGroup",
      consumer_group_id: "g/1",
      state: "STABLE",
      is_simple: false,
    }],
    ["GET", "/consumer-groups/left", undefined, 200, { state: "EMPTY", is_simple: true }],
    ["GET", "/consumer-groups/nix", undefined, 404, { error_code: 40405 }],
    ["GET", `${at}/consumers/${id}`, undefined, 200, {
      kind: "KafkaConsumer",
      client_id: clientId,
    }],
    ["GET", `${at}/consumers/nix`, undefined, 404],
    ["GET", `${at}/consumers/${id}/assignments/a/partitions/1`, undefined, 200, {
      kind: "KafkaConsumerAssignment",
      topic_name: "a",
      partition_id: 1,
    }],
    ["GET", `${at}/consumers/${id}/assignments/a/partitions/7`, undefined, 404],
    ["GET", `${at}/lag-summary`, undefined, 200, {
      kind: "KafkaConsumerGroupLagSummary",
      max_lag: 2,
      total_lag: 2,
      max_lag_topic_name: "a",
      max_lag_partition_id: 1,
      max_lag_consumer_id: id,
    }],
    ["GET", "/consumer-groups/left/lag-summary", undefined, 200, { max_lag: 4, total_lag: 4 }],
    ["GET", `${at}/lags/a/partitions/1`, undefined, 200, {
      kind: "KafkaConsumerLag",
      current_offset: 3,
      log_end_offset: 5,
      lag: 2,
      consumer_id: id,
    }],
    ["GET", `${at}/lags/a/partitions/9`, undefined, 404],
    ["DELETE", at, undefined, 409],
    ["DELETE", "/consumer-groups/left", undefined, 204],
    ["DELETE", "/consumer-groups/left", undefined, 404, { error_code: 40405 }],
  ]);
  const lags = await http.get(`${http.cluster}/consumer-groups/left/lags`);
  assertEquals(lags.status, 404, "it is deleted");
});

Deno.test("REST v3 resets the offsets of a group, after the plan was shown", async (t) => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a", partitions: 2 });
  const producer = http.client.producer();
  for (let i = 0; i < 5; i++) await producer.send({ topic: "a", partition: 1, value: `${i}` });
  await http.client.admin().alterGroupOffsets("g", [{ topic: "a", partition: 1, offset: 4 }]);
  const at = "/consumer-groups/g/offsets:reset";
  const row = (current: number | null, to: number) => ({
    data: [{
      topic_name: "a",
      partition_id: 1,
      current_offset: current,
      new_offset: to,
      lag_after: 5 - to,
    }],
  });
  const body = { topic_name: "a", partition_ids: [1] };
  await checkRest(http, t, [
    ["POST", at, { ...body, to: "-3", dry_run: true }, 200, { dry_run: true, ...row(4, 2) }],
    ["POST", at, { ...body, to: "start", dry_run: true }, 200, row(4, 0)],
    ["POST", at, {
      ...body,
      to: "start",
      expected: [{ partition_id: 1, current_offset: 3 }],
    }, 409],
    [
      "POST",
      at,
      {
        ...body,
        to: "start",
        expected: [{ partition_id: 1, current_offset: 4 }],
      },
      200,
      row(4, 0),
    ],
    ["POST", at, { ...body, to: "2" }, 200, row(0, 2)],
    ["POST", at, { ...body, shift: 2, dry_run: true }, 200, row(2, 4)],
    ["POST", at, { ...body, shift: -9, dry_run: true }, 200, row(2, 0)],
    ["POST", at, { ...body, shift: 9, dry_run: true }, 200, row(2, 5)],
    ["POST", at, { topic_name: "a", partition_ids: [0], shift: 1 }, 400],
    ["POST", at, { ...body, shift: 1, to: "end" }, 400],
    ["POST", at, { ...body, to: "soon" }, 400, { error_code: 400 }],
    ["POST", at, { ...body, to: "1:2" }, 400, { error_code: 400 }],
    ["POST", at, { ...body, partition_ids: [7], to: "end" }, 404, { error_code: 40402 }],
    ["POST", at, { topic_name: "nix", to: "end" }, 404, { error_code: 40403 }],
    ["POST", at, { topic_name: "a" }, 400, { error_code: 400 }],
    ["POST", at, { topic_name: "a", to: "end", offsets: [] }, 400, { error_code: 400 }],
  ]);
  const [committed] = await http.client.admin().listGroupOffsets("g");
  assertEquals(committed!.offset, 2);
  await using member = http.client.groupConsumer({ groupId: "g", topics: "a" });
  await member.joinGroup();
  const refused = await http.send("POST", `${http.cluster}${at}`, { ...body, to: "end" });
  assertEquals([refused.status, refused.json.error_code], [409, 40903]);
});

Deno.test("REST v3 undoes a reset, also where nothing was committed before", async (t) => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopics([{ name: "a", partitions: 2 }, { name: "b" }]);
  await http.client.producer().sendBatch(
    Array.from({ length: 6 }, (_, i) => ({ topic: "a", partition: i % 2, value: "v" })),
  );
  await http.client.admin().alterGroupOffsets("g", [
    { topic: "a", partition: 0, offset: 2 },
    { topic: "b", partition: 0, offset: 7 },
  ]);
  const at = "/consumer-groups/g/offsets:reset";
  const row = (partition: number, current: number | null, to: number | null) => ({
    partition_id: partition,
    current_offset: current,
    new_offset: to,
    lag_after: to === null ? null : 3 - to,
  });
  const undo = [{ partition_id: 0, offset: 2 }, { partition_id: 1, offset: null }];
  const expected = [0, 1].map((partition_id) => ({ partition_id, current_offset: 0 }));
  await checkRest(http, t, [
    ["POST", at, { topic_name: "a", to: "start" }, 200, {
      data: [row(0, 2, 0), row(1, null, 0)],
    }],
    ["POST", at, { topic_name: "a", offsets: undo, expected }, 200, {
      data: [row(0, 0, 2), row(1, 0, null)],
    }],
    ["POST", at, { topic_name: "a", offsets: undo, expected }, 409, { error_code: 40903 }],
    ["POST", at, { topic_name: "a", offsets: [...undo, undo[0]] }, 400],
    ["POST", at, { topic_name: "a", partition_ids: [1], offsets: undo, dry_run: true }, 400],
    ["POST", at, { topic_name: "a", offsets: [{ partition_id: 0, offset: 4 }] }, 400],
    ["POST", at, { topic_name: "a", offsets: [{ partition_id: 0, offset: -1 }] }, 400],
    ["POST", at, { topic_name: "a", offsets: [{ partition_id: 2, offset: 0 }] }, 404],
  ]);
  const committed = await http.client.admin().listGroupOffsets("g");
  assertEquals(
    committed.map(({ topic, partition, offset }) => [topic, partition, offset]),
    [["a", 0, 2], ["b", 0, 7]],
  );
});

/** The reports in an answer to produce. */

Deno.test("REST v3 changes nothing with writes switched off", async (t) => {
  await using http = await HttpBroker.start({ allowsWrites: false });
  await http.client.admin().createTopic({ name: "a" });
  const off = { error_code: 40301 };
  await checkRest(http, t, [
    ["GET", "/topics/a", undefined, 200],
    ["POST", "/topics", { topic_name: "b" }, 403, off],
    ["DELETE", "/topics/a", undefined, 403, off],
    ["PUT", "/topics/a/configs/retention.ms", { value: "1" }, 403, off],
    ["POST", "/topics/a/records", {}, 403, off],
  ]);
});

Deno.test("REST v3 lists more topics than fit into one slice", async () => {
  await using http = await HttpBroker.start();
  const names = Array.from({ length: 450 }, (_, i) => `t${String(i).padStart(3, "0")}`);
  await http.client.admin().createTopics(names.map((name) => ({ name })));
  const { json } = await http.get(`${http.cluster}/topics`);
  assertEquals(json.data.map((topic: { topic_name: string }) => topic.topic_name).sort(), names);
  assertEquals(json.metadata.next, null);
});

Deno.test("REST v3 reaches partitions and groups of other brokers", async () => {
  await using cluster = await Cluster.start({ brokers: 3 });
  await using client = new Client({ broker: cluster.brokers[0]! });
  await client.admin().createTopic({ name: "a", partitions: 6 });
  const http = HttpBroker.of(cluster.brokers[1]!);
  try {
    for (let partition = 0; partition < 6; partition++) {
      const answer = await http.send("POST", `${http.cluster}/topics/a/records`, {
        partition_id: partition,
        value: { type: "STRING", data: `${partition}` },
      });
      assertObjectMatch(reports(answer.json)[0]!, {
        error_code: 200,
        partition_id: partition,
        offset: 0,
      });
    }
    await client.admin().alterGroupOffsets("g", [{ topic: "a", partition: 5, offset: 0 }]);
    const lag = await http.get(`${http.cluster}/consumer-groups/g/lag-summary`);
    assertEquals(lag.json.total_lag, 1);
    assertEquals((await http.get(`${http.cluster}/brokers`)).json.data.length, 3);
  } finally {
    await http[Symbol.asyncDispose]();
  }
});

Deno.test("GET /openapi.json describes every route, and nothing else", async () => {
  await using http = await HttpBroker.start();
  const { json } = await http.get("/openapi.json");
  assertEquals(json.openapi, "3.1.0");
  const ids = new Set<string>();
  for (
    const [path, operations] of Object.entries<Record<string, Record<string, unknown>>>(json.paths)
  ) {
    for (const [method, operation] of Object.entries(operations)) {
      const { operationId, summary, parameters } = operation;
      assert(!ids.has(String(operationId)), `${operationId} is there once`);
      ids.add(String(operationId));
      assert(String(summary).length > 5, path);
      const named = Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => name);
      const inPath = (parameters as { name: string; in: string }[])
        .filter((parameter) => parameter.in === "path").map(({ name }) => name);
      assertEquals(inPath, named);
      const real = path.replace("{cluster}", http.broker.clusterId).replaceAll(/\{\w+\}/g, "7");
      const answer = await http.send(method.toUpperCase(), real);
      const isRouted = answer.status !== 405 &&
        !String(answer.json?.message).startsWith("There is nothing at");
      assert(isRouted, `${method} ${path} is routed: ${answer.status}`);
    }
  }
  assert(ids.size > 40);
});
