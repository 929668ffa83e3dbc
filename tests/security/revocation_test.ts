/**
 * What is taken from a user is gone at all brokers: for connections that are open, requests that wait, and
 * transactions in progress.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { Cluster } from "../../broker/cluster.ts";
import { Client } from "../../client/mod.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import * as messages from "../../protocol/messages/mod.ts";
import { batchOf } from "../support/protocol/records.ts";
import { fetchRequest, produceRequest } from "../support/protocol/requests.ts";
import type { RawConnection } from "../support/protocol/raw_connection.ts";
import { connectAs } from "../support/security/raw_login.ts";
import { within } from "../support/within.ts";

const BROKERS = 3;
const PASSWORD = "alice-secret";
const TOPIC = "t";
const TRANSACTION = "x";
/** Longer than any test. */
const MAX_WAIT_MS = 120_000;
const ALICE = { principal: "User:alice", permission: "allow" } as const;

/** A cluster with a user who may use one topic, one group and one transactional id. */
class Given implements AsyncDisposable {
  readonly #resources: AsyncDisposableStack;
  readonly cluster: Cluster;
  /** A client that may do everything. */
  readonly admin: Client;

  private constructor(cluster: Cluster, admin: Client, resources: AsyncDisposableStack) {
    this.cluster = cluster;
    this.admin = admin;
    this.#resources = resources;
  }

  static async start(): Promise<Given> {
    await using opened = new AsyncDisposableStack();
    const cluster = opened.use(
      await Cluster.start({
        brokers: BROKERS,
        listen: ["PLAINTEXT://127.0.0.1:0", "SASL_PLAINTEXT://127.0.0.1:0"],
        config: {
          "security.inter.broker.protocol": "PLAINTEXT",
          "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256",
          "super.users": "User:ANONYMOUS",
          "authorizer": "required",
        } as never,
      }),
    );
    const admin = opened.use(new Client({ brokers: cluster.addressesOf("PLAINTEXT") }));
    const given = new Given(cluster, admin, opened.move());
    await admin.admin().createTopic({ name: TOPIC, partitions: BROKERS });
    await given.setUser();
    await admin.admin().createAcls([
      { resourceType: "topic", resourceName: TOPIC, operation: "all", ...ALICE },
      { resourceType: "group", resourceName: "g", operation: "all", ...ALICE },
      { resourceType: "transactionalId", resourceName: TRANSACTION, operation: "all", ...ALICE },
    ]);
    return given;
  }

  async setUser(): Promise<void> {
    await this.admin.admin().alterUserScramCredentials([
      { user: "alice", mechanism: "SCRAM-SHA-256", password: PASSWORD },
    ]);
  }

  /** Takes from the user what it may do with a type of resource. */
  async revoke(resourceType: "topic" | "group" | "transactionalId"): Promise<void> {
    await this.admin.admin().deleteAcls([{ resourceType, principal: "User:alice" }]);
  }

  /** Connections of the user to all brokers, by their ids, once they know the user. */
  async connect(): Promise<RawConnection[]> {
    const connections: RawConnection[] = [];
    for (const address of this.cluster.addressesOf("SASL_PLAINTEXT")) {
      const connection = await eventually(() => connectAs(address, "alice", PASSWORD));
      this.#resources.defer(() => connection.close());
      connections.push(connection);
    }
    return connections;
  }

  /** The partition of the topic that a broker leads. */
  async partitionOf(id: number): Promise<number> {
    const [topic] = await this.admin.admin().describeTopics([TOPIC]);
    return topic!.partitions.findIndex(({ leaderId }) => leaderId === id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

/** Tries again until something succeeds. */
async function eventually<T>(attempt: () => Promise<T>): Promise<T> {
  const tries = async () => {
    for (;;) {
      try {
        return await attempt();
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    }
  };
  return await within(tries(), "an attempt to succeed");
}

/** Asks again until the answer is the expected one. */
async function becomes<T>(expected: T, ask: () => Promise<T>): Promise<void> {
  await eventually(async () => assertEquals(await ask(), expected));
}

const T = ErrorCode.TOPIC_AUTHORIZATION_FAILED;
const X = ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED;

Deno.test("Brokers deny at once what was revoked, also over connections that are open", async () => {
  await using given = await Given.start();
  const connections = await given.connect();
  const errorsOf = async (connection: RawConnection, partition: number) => {
    const fetched = await connection.request(
      messages.fetch,
      12,
      fetchRequest(TOPIC, 0, { partition }),
    );
    const produced = await connection.request(
      messages.produce,
      12,
      produceRequest(TOPIC, batchOf(["a"]), { partition }),
    );
    return [
      fetched.responses[0]?.partitions[0]?.errorCode,
      produced.responses[0]!.partitionResponses[0]!.errorCode,
    ];
  };
  for (const [i, connection] of connections.entries()) {
    const partition = await given.partitionOf(i + 1);
    await becomes([0, 0], () => errorsOf(connection, partition));
  }
  await given.revoke("topic");
  for (const [i, connection] of connections.entries()) {
    const partition = await given.partitionOf(i + 1);
    await becomes([T, T], () => errorsOf(connection, partition));
    const { errorCode } = await connection.request(messages.initProducerId, 4, {
      transactionalId: null,
      transactionTimeoutMs: 1000,
    });
    assertEquals(errorCode, ErrorCode.CLUSTER_AUTHORIZATION_FAILED);
  }
});

Deno.test("Fetch that waits gives nothing that its client may not read any more", async (t) => {
  await using given = await Given.start();
  const connections = await given.connect();
  const end = async (partition: number) => {
    const { offset } = await given.admin.producer().send({ topic: TOPIC, partition, value: "a" });
    return offset + 1;
  };
  const { topics } = await connections[0]!.request(messages.metadata, 12, {
    topics: [{ name: TOPIC }],
  });
  const { topicId } = topics[0]!;
  const ways = {
    "by name": { version: 12, topic: { topic: TOPIC } },
    "by id": { version: 13, topic: { topicId } },
  };
  const waiting: { id: number; partition: number; way: string }[] = [];
  for (const [i, [way, { version, topic }]] of Object.entries(ways).entries()) {
    const partition = await given.partitionOf(i + 1);
    const connection = connections[i]!;
    const fetchOffset = await end(partition);
    const partitions = [{ partition, fetchOffset, partitionMaxBytes: 1000 }];
    // It has been served once, so it waits now.
    const request = { maxWaitMs: 0, minBytes: 1, topics: [{ ...topic, partitions }] };
    await becomes(
      0,
      async () =>
        (await connection.request(messages.fetch, version, request)).responses[0]!.partitions[0]!
          .errorCode,
    );
    await connection.send(messages.fetch, version, { ...request, maxWaitMs: MAX_WAIT_MS });
    waiting.push({ id: i, partition, way });
  }
  await given.revoke("topic");
  // Other connections show that these brokers know.
  const others = await given.connect();
  for (const { id, partition, way } of waiting) {
    await t.step(way, async () => {
      await becomes(T, async () => {
        const request = fetchRequest(TOPIC, 0, { partition });
        const { responses } = await others[id]!.request(messages.fetch, 12, request);
        return responses[0]!.partitions[0]!.errorCode;
      });
      await end(partition);
      const { responses } = await connections[id]!.receive(messages.fetch);
      const [answer] = responses[0]!.partitions;
      assertEquals([answer!.errorCode, answer!.records?.length ?? 0], [T, 0]);
    });
  }
});

Deno.test("Transactions in progress cannot go on, or be committed, once that is revoked", async () => {
  await using given = await Given.start();
  const connections = await given.connect();
  const { coordinators } = await eventually(async () => {
    const found = await connections[0]!.request(messages.findCoordinator, 4, {
      keyType: 1,
      coordinatorKeys: [TRANSACTION],
    });
    assertEquals(found.coordinators[0]!.errorCode, 0);
    return found;
  });
  const coordinator = connections[coordinators[0]!.nodeId - 1]!;
  const { producerId, producerEpoch } = await eventually(async () => {
    const made = await coordinator.request(messages.initProducerId, 4, {
      transactionalId: TRANSACTION,
      transactionTimeoutMs: 60_000,
    });
    assertEquals(made.errorCode, 0);
    return made;
  });
  const add = async (partition: number) => {
    const { resultsByTopicV3AndBelow } = await coordinator.request(messages.addPartitionsToTxn, 3, {
      v3AndBelowTransactionalId: TRANSACTION,
      v3AndBelowProducerId: producerId,
      v3AndBelowProducerEpoch: producerEpoch,
      v3AndBelowTopics: [{ name: TOPIC, partitions: [partition] }],
    });
    return resultsByTopicV3AndBelow[0]!.resultsByPartition[0]!.partitionErrorCode;
  };
  assertEquals(await add(0), 0);
  await given.revoke("transactionalId");
  await becomes(X, () => add(1));
  const { errorCode } = await coordinator.request(messages.endTxn, 3, {
    transactionalId: TRANSACTION,
    producerId,
    producerEpoch,
    committed: true,
  });
  assertEquals(errorCode, X);
  const batch = batchOf(["a"], {
    producerId,
    producerEpoch,
    baseSequence: 0,
    isTransactional: true,
  });
  for (const [i, connection] of connections.entries()) {
    const request = produceRequest(TOPIC, batch, { partition: await given.partitionOf(i + 1) });
    await becomes(X, async () => {
      const { responses } = await connection.request(messages.produce, 11, {
        ...request,
        transactionalId: TRANSACTION,
      });
      return responses[0]!.partitionResponses[0]!.errorCode;
    });
  }
});

Deno.test("All brokers end the connections of a user that is deleted, and let nobody in by its name", async () => {
  await using given = await Given.start();
  const connections = await given.connect();
  // One of them waits.
  await connections[1]!.send(
    messages.fetch,
    12,
    fetchRequest(TOPIC, 0, {
      partition: await given.partitionOf(2),
      maxWaitMs: MAX_WAIT_MS,
    }),
    { isAnswered: false },
  );
  await given.admin.admin().alterUserScramCredentials([
    { user: "alice", mechanism: "SCRAM-SHA-256", password: null },
  ]);
  for (const connection of connections) await connection.ended();
  for (const address of given.cluster.addressesOf("SASL_PLAINTEXT")) {
    const outcome = await connectAs(address, "alice", PASSWORD).then(
      (connection) => connection.close(),
      (error: Error) => error.message,
    );
    assertEquals(outcome, "Cannot log in: 58 Authentication failed: Invalid username or password");
  }
});
