import { assertEquals, assertRejects } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import { type FrameChannel, memoryChannels } from "../../protocol/frames/channel.ts";
import {
  alterClientQuotas,
  apiVersions,
  createAcls,
  createTopics,
  deleteAcls,
  describeGroups,
  fetch,
  metadata,
  produce,
} from "../../protocol/messages/mod.ts";
import {
  AclOperation,
  AclPatternType,
  AclPermissionType,
  AclResourceType,
  CLUSTER_RESOURCE,
} from "../../protocol/messages/security/acl_types.ts";
import {
  ChannelConnection,
  encodeRequest,
} from "../../tests/support/protocol/channel_connection.ts";
import { Reader } from "../../protocol/primitives/reader.ts";
import type { RequestTo } from "../../protocol/schema/schema.ts";
import { batchOf } from "../../tests/support/protocol/records.ts";
import { within } from "../../tests/support/within.ts";
import { Broker } from "../broker.ts";
import type { BrokerSettings } from "../settings/settings.ts";
import { silentLogger } from "../logger.ts";
import type { PeerNetwork } from "../peers/peer_network.ts";
import { EMBEDDED_LISTENER, type ListenerIdentity, type Session } from "../security/session.ts";
import { ManualClock } from "../time/clock.ts";
import { CarryingRefusedError } from "./carrier.ts";
import { Carriers } from "./carriers.ts";

const PEER = { id: 2, host: "127.0.0.1", port: 9092 };
const FOR_BROKERS: ListenerIdentity = { name: "PLAINTEXT", protocol: "PLAINTEXT" };

function user(name: string, host = "10.1.2.3"): Session {
  const principal = { type: "User", name };
  return { principal, host, listener: EMBEDDED_LISTENER, isLocal: false };
}

/** A closed broker, and another that acts for users there. */
class Fixture implements PeerNetwork, AsyncDisposable {
  readonly broker: Broker;
  readonly admin: ChannelConnection;
  readonly carriers: Carriers;
  readonly clock = new ManualClock();
  /** Connections between the brokers that were made. */
  readonly connections: FrameChannel[] = [];
  /** As whom the other broker logs in. */
  login: Session = { ...user("peer", "10.0.0.2"), listener: FOR_BROKERS };
  /** Until when a login is valid. */
  lastMs = Infinity;

  private constructor(broker: Broker) {
    this.broker = broker;
    this.admin = new ChannelConnection(broker.connectHere(user("admin")));
    this.carriers = new Carriers({
      network: this,
      nodeId: 1,
      clock: this.clock,
      logger: silentLogger,
    });
  }

  static async start(config: Partial<BrokerSettings> = {}): Promise<Fixture> {
    const broker = await Broker.start({
      storage: "memory",
      config: {
        "authorizer": "required",
        "super.users": "User:admin;User:peer",
        "auto.create.topics.enable": false,
        ...config,
      },
    });
    const fixture = new Fixture(broker);
    await fixture.admin.request(createTopics, 7, {
      topics: [{ name: "orders", numPartitions: 1, replicationFactor: 1 }],
      timeoutMs: 5000,
    });
    return fixture;
  }

  connect(): Promise<FrameChannel> {
    const channel = this.broker.connectHere(this.login);
    this.connections.push(channel);
    return Promise.resolve(channel);
  }

  endMs(): number {
    return this.lastMs;
  }

  async as(session: Session): Promise<ChannelConnection> {
    return new ChannelConnection(await this.carriers.connect(PEER, session));
  }

  async allow(
    principal: string,
    operation: number,
    resourceType: number = AclResourceType.topic,
    resourceName = "orders",
    host = "*",
  ): Promise<void> {
    const { results } = await this.admin.request(createAcls, 3, {
      creations: [{
        resourceType,
        resourceName,
        resourcePatternType: AclPatternType.literal,
        principal,
        host,
        operation,
        permissionType: AclPermissionType.allow,
      }],
    });
    assertEquals(results[0]!.errorCode, ErrorCode.NONE);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.carriers.close();
    await this.admin[Symbol.asyncDispose]();
    await this.broker.close();
  }
}

async function describe(connection: ChannelConnection, name = "orders"): Promise<number> {
  const { topics } = await connection.request(metadata, 12, { topics: [{ name }] });
  return topics[0]!.errorCode;
}

async function send(connection: ChannelConnection, value: string) {
  const topicData = [{
    name: "orders",
    partitionData: [{ index: 0, records: batchOf([value]) }],
  }];
  return await connection.request(produce, 9, { acks: -1, timeoutMs: 5000, topicData });
}

Deno.test("Carriers.connect() acts for each client as itself, over one connection", async () => {
  await using fixture = await Fixture.start();
  await fixture.allow("User:alice", AclOperation.describe);
  await fixture.allow("User:bob", AclOperation.describe, undefined, undefined, "10.9.9.9");
  const [alice, bob, elsewhere] = await Promise.all([
    fixture.as(user("alice")),
    fixture.as(user("bob")),
    fixture.as(user("bob", "10.9.9.9")),
  ]);
  assertEquals(await describe(alice), ErrorCode.NONE);
  assertEquals(await describe(bob), ErrorCode.TOPIC_AUTHORIZATION_FAILED);
  assertEquals(await describe(elsewhere), ErrorCode.NONE);
  // Denied and unknown look alike.
  assertEquals(await describe(bob, "nothing"), ErrorCode.TOPIC_AUTHORIZATION_FAILED);
  // The broker that carries them may do everything, and gives nothing of it.
  const { groups } = await alice.request(describeGroups, 5, { groups: ["g"] });
  assertEquals(groups[0]!.errorCode, ErrorCode.GROUP_AUTHORIZATION_FAILED);
  assertEquals(fixture.connections.length, 1);
});

Deno.test("Carriers.connect() keeps no client waiting for another's request", async () => {
  await using fixture = await Fixture.start();
  for (const operation of [AclOperation.read, AclOperation.write]) {
    await fixture.allow("User:alice", operation);
    await fixture.allow("User:bob", operation);
  }
  const [alice, bob] = [await fixture.as(user("alice")), await fixture.as(user("bob"))];
  const waiting = alice.request(fetch, 12, {
    maxWaitMs: 60_000,
    minBytes: 1,
    topics: [{
      topic: "orders",
      partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 10_000_000 }],
    }],
  });
  assertEquals(await within(describe(bob), "bob's answer"), ErrorCode.NONE);
  await within(send(bob, "hello"), "bob's record");
  const { responses } = await within(waiting, "alice's record");
  assertEquals(responses[0]!.partitions[0]!.highWatermark, 1);
});

Deno.test("Carriers.connect() has quotas count for the client, and make nobody else wait", async () => {
  await using fixture = await Fixture.start();
  for (const name of ["User:alice", "User:bob"]) await fixture.allow(name, AclOperation.write);
  const { entries } = await fixture.admin.request(alterClientQuotas, 1, {
    entries: [{
      entity: [{ entityType: "user", entityName: "alice" }],
      ops: [{ key: "producer_byte_rate", value: 1, remove: false }],
    }],
    validateOnly: false,
  });
  assertEquals(entries[0]!.errorCode, ErrorCode.NONE);
  const [alice, bob] = [await fixture.as(user("alice")), await fixture.as(user("bob"))];
  assertEquals((await send(alice, "a")).throttleTimeMs > 1000, true);
  assertEquals((await within(send(bob, "b"), "bob's record")).throttleTimeMs, 0);
  // While alice is not read, she keeps nobody from being read.
  const muted = alice.request(apiVersions, 3, {}).catch(() => "closed");
  assertEquals((await within(send(bob, "c"), "bob's next record")).throttleTimeMs, 0);
  fixture.carriers.close();
  assertEquals(await muted, "closed");
});

Deno.test("Carriers.connect() carries large frames in both directions, and records without answers", async () => {
  await using fixture = await Fixture.start({ "message.max.bytes": 4_000_000 });
  for (const operation of [AclOperation.read, AclOperation.write]) {
    await fixture.allow("User:alice", operation);
  }
  const channel = await fixture.carriers.connect(PEER, user("alice"));
  const produceOf = (value: string, acks: number): RequestTo<typeof produce> => ({
    acks,
    timeoutMs: 5000,
    topicData: [{
      name: "orders",
      partitionData: [{ index: 0, records: batchOf([value]) }],
    }],
  });
  encodeRequest(channel, produce, 9, 1, produceOf("y", 0));
  encodeRequest(channel, produce, 9, 2, produceOf("x".repeat(3_000_000), -1));
  channel.flush();
  const written = (await within(channel.next(), "an answer"))!;
  assertEquals(new Reader(written).int32(), 2);
  const topics = [{
    topic: "orders",
    partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 10_000_000 }],
  }];
  encodeRequest(channel, fetch, 12, 3, { maxWaitMs: 0, minBytes: 0, topics });
  channel.flush();
  const read = (await within(channel.next(), "records"))!;
  assertEquals([new Reader(read).int32(), read.length > 3_000_000], [3, true]);
  channel.abort();
});

Deno.test("Carriers.connect() is refused to those who are no brokers, also once they were", async () => {
  await using fixture = await Fixture.start({ "super.users": "User:admin" });
  const { listener } = fixture.login;
  // A user may claim nothing: neither by the listener of brokers nor otherwise.
  await assertRejects(() => fixture.as(user("alice")), CarryingRefusedError, "CLUSTER_ACTION");
  fixture.login = user("admin");
  await assertRejects(() => fixture.as(user("alice")), CarryingRefusedError);
  fixture.login = { ...user("admin"), listener: { name: "EXTERNAL", protocol: "SSL" } };
  await assertRejects(() => fixture.as(user("alice")), CarryingRefusedError, "CLUSTER_ACTION");
  fixture.login = { ...user("peer"), listener };
  await fixture.allow(
    "User:peer",
    AclOperation.clusterAction,
    AclResourceType.cluster,
    CLUSTER_RESOURCE,
  );
  await fixture.allow("User:alice", AclOperation.describe);
  await using alice = await fixture.as(user("alice"));
  assertEquals(await describe(alice), ErrorCode.NONE);
  await fixture.admin.request(deleteAcls, 3, {
    filters: [{
      resourceTypeFilter: AclResourceType.cluster,
      resourceNameFilter: CLUSTER_RESOURCE,
      patternTypeFilter: AclPatternType.literal,
      principalFilter: "User:peer",
      hostFilter: null,
      operation: AclOperation.any,
      permissionType: AclPermissionType.any,
    }],
  });
  const late = await fixture.as(user("alice"));
  await assertRejects(() => describe(late), Error, "closed the connection");
});

Deno.test("Carriers.connect() connects once more when the connection has ended, or wants another login", async () => {
  await using fixture = await Fixture.start();
  await fixture.allow("User:alice", AclOperation.describe);
  const first = await fixture.as(user("alice"));
  fixture.connections[0]!.abort();
  await assertRejects(() => describe(first), Error, "closed the connection");
  const second = await fixture.as(user("alice"));
  assertEquals(await describe(second), ErrorCode.NONE);
  fixture.lastMs = fixture.clock.monotonic();
  const third = await fixture.as(user("alice"));
  assertEquals([await describe(second), await describe(third)], [0, 0]);
  assertEquals(fixture.connections.length, 3);
});

Deno.test("Carriers end a connection that is idle, or gets no sign of life", async () => {
  await using fixture = await Fixture.start();
  await fixture.allow("User:alice", AclOperation.describe);
  const alice = await fixture.as(user("alice"));
  // The other broker is alive, for it answers.
  for (let check = 0; check < 20; check++) {
    fixture.clock.advance(10_000);
    assertEquals(await describe(alice), ErrorCode.NONE);
  }
  await alice[Symbol.asyncDispose]();
  assertEquals(fixture.connections.length, 1);
  // Noted when our end has seen it.
  await fixture.clock.yield();
  fixture.clock.advance(80_000);
  await fixture.as(user("alice"));
  assertEquals(fixture.connections.length, 2);

  const silent = new Carriers({
    network: {
      connect: () => {
        const [ours, theirs] = memoryChannels();
        const ready = theirs.next().then(() => {
          // An Envelope's answer: correlation id, tags, no data, no error, tags.
          const { out } = theirs;
          out.beginFrame();
          out.raw(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0));
          out.endFrame();
          theirs.flush();
        });
        ready.catch(() => {});
        return Promise.resolve(ours);
      },
    },
    nodeId: 1,
    clock: fixture.clock,
    logger: silentLogger,
  });
  const lost = new ChannelConnection(await silent.connect(PEER, user("alice")));
  const asked = describe(lost).catch(() => "ended");
  fixture.clock.advance(10_000);
  fixture.clock.advance(10_000);
  assertEquals(await within(asked, "the end"), "ended");
  silent.close();
});
