import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { offsetFetch } from "../../../protocol/messages/groups/offset_fetch.ts";
import { txnOffsetCommit } from "../../../protocol/messages/transactions/txn_offset_commit.ts";
import type { RequestTo } from "../../../protocol/schema/schema.ts";
import { MemoryFileSystem } from "../../../storage/mod.ts";
import { endTransaction } from "../../broker_testing.ts";
import { startGroupBroker } from "../../groups/broker_testing.ts";
import { OFFSETS_TOPIC } from "../../groups/offsets_topic.ts";
import { TestVerifier } from "../../transactions/verification/verification_testing.ts";
import type { BrokerSettings } from "../../settings/config.ts";
import { offsetFetchHandler } from "./offset_fetch.ts";
import { txnOffsetCommitHandler } from "./txn_offset_commit.ts";

const PRODUCER = { producerId: 7, producerEpoch: 1 };

/** A broker with a topic "t" and a coordinator of transactions that the test controls. */
async function start(
  fs: MemoryFileSystem = new MemoryFileSystem(),
  config: Partial<BrokerSettings> = {},
) {
  const fixture = await startGroupBroker({ fs, config });
  const { broker, groups } = fixture;
  if (broker.topics.get("t") === undefined) await broker.createTopic("t", { partitions: 2 });
  const verifier = new TestVerifier();
  Object.assign(broker.context, { verifier });
  const index = await groups.findPartition("g");
  await groups.loaded();
  const partition = broker.topics.partition(OFFSETS_TOPIC, index)!;
  const commit = async (
    version: number,
    request: Partial<RequestTo<typeof txnOffsetCommit>> = {},
    partitions = [0],
  ) => {
    const { topics } = await broker.call(txnOffsetCommit, txnOffsetCommitHandler, version, {
      transactionalId: "x",
      groupId: "g",
      ...PRODUCER,
      topics: [{
        name: "t",
        partitions: partitions.map((partitionIndex) => ({
          partitionIndex,
          committedOffset: 5,
          committedMetadata: "",
        })),
      }],
      ...request,
    });
    return topics[0]!.partitions.map(({ errorCode }) => errorCode);
  };
  /** The offsets of partitions 0 and 1, or the codes where there are some. */
  const offsets = async (version: number, requireStable = false) => {
    const topics = [{ name: "t", topicId: broker.topics.get("t")!.id, partitionIndexes: [0, 1] }];
    const answer = await broker.call(
      offsetFetch,
      offsetFetchHandler,
      version,
      version < 8
        ? { groupId: "g", topics, requireStable }
        : { groups: [{ groupId: "g", topics }], requireStable },
    );
    const found = version < 8 ? answer.topics : answer.groups[0]!.topics;
    return found![0]!.partitions.map((each) => each.errorCode || each.committedOffset);
  };
  /** Ends the transaction as the handler of WriteTxnMarkers does. */
  const end = async (isCommit: boolean, producerEpoch = PRODUCER.producerEpoch) => {
    groups.ensureLoaded(index);
    await endTransaction(partition, isCommit, { ...PRODUCER, producerEpoch }).committed;
    groups.endTransaction(index, PRODUCER.producerId, isCommit);
  };
  return { fixture, verifier, partition, index, commit, offsets, end };
}

Deno.test("TxnOffsetCommit keeps offsets pending until the transaction ends, in every version", async (t) => {
  for (let version = 0; version <= 5; version++) {
    await t.step(`version ${version}`, async () => {
      const { fixture, verifier, index, commit, offsets, end } = await start();
      await using _ = fixture;
      assertEquals(await commit(version), [ErrorCode.NONE]);
      const kind = version < 5 ? "verify" : "add";
      assertEquals(verifier.asked, [`x 7/1 ${kind} ${OFFSETS_TOPIC}-${index}`]);
      assertEquals(await commit(version, {}, [1]), [ErrorCode.NONE]);
      assertEquals(verifier.asked.length, 1, "the transaction is open in the log");
      assertEquals(await offsets(6), [-1, -1]);
      for (const fetchVersion of [7, 8, 9, 10]) {
        const { UNSTABLE_OFFSET_COMMIT } = ErrorCode;
        assertEquals(await offsets(fetchVersion, true), [
          UNSTABLE_OFFSET_COMMIT,
          UNSTABLE_OFFSET_COMMIT,
        ]);
        assertEquals(await offsets(fetchVersion), [-1, -1]);
      }
      // KIP-890: the marker has the epoch of the next transaction.
      await end(true, version < 5 ? 1 : 2);
      assertEquals(await offsets(8, true), [5, 5]);
    });
  }
});

Deno.test("TxnOffsetCommit does not verify old producers without transaction.partition.verification.enable", async () => {
  const { fixture, verifier, commit } = await start(undefined, {
    "transaction.partition.verification.enable": false,
  });
  await using _ = fixture;
  verifier.code = ErrorCode.TRANSACTION_ABORTABLE;
  assertEquals(await commit(4), [ErrorCode.NONE]);
  assertEquals(verifier.asked, []);
});

Deno.test("TxnOffsetCommit leaves nothing of an aborted transaction, nor after a restart", async () => {
  const fs = new MemoryFileSystem();
  const before = await start(fs);
  await before.commit(5);
  await before.end(false);
  await before.commit(5, {}, [1]);
  assertEquals(await before.offsets(8, true), [-1, ErrorCode.UNSTABLE_OFFSET_COMMIT]);
  await before.fixture[Symbol.asyncDispose]();
  const { fixture, offsets, end } = await start(fs);
  await using _ = fixture;
  assertEquals(await offsets(8, true), [-1, ErrorCode.UNSTABLE_OFFSET_COMMIT]);
  await end(true);
  assertEquals(await offsets(8, true), [-1, 5]);
});

Deno.test("TxnOffsetCommit returns an error that the client acts on if the coordinator refuses", async () => {
  const { fixture, verifier, partition, commit } = await start();
  await using _ = fixture;
  const cases = [
    [120, 3, ErrorCode.INVALID_TXN_STATE],
    [120, 4, ErrorCode.TRANSACTION_ABORTABLE],
    [90, 5, ErrorCode.INVALID_PRODUCER_EPOCH],
    [49, 5, ErrorCode.INVALID_PRODUCER_ID_MAPPING],
    [16, 5, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS],
    [51, 5, ErrorCode.CONCURRENT_TRANSACTIONS],
  ] as const;
  for (const [code, version, expected] of cases) {
    verifier.code = code;
    assertEquals(await commit(version), [expected], `${code}, version ${version}`);
  }
  assertEquals(partition.logEndOffset, 0);
});

Deno.test("TxnOffsetCommit is refused if the transaction has ended since the coordinator was asked", async () => {
  const { fixture, verifier, commit, offsets, end } = await start();
  await using _ = fixture;
  for (
    const [version, expected] of [
      [3, ErrorCode.INVALID_TXN_STATE],
      [4, ErrorCode.TRANSACTION_ABORTABLE],
      [5, ErrorCode.TRANSACTION_ABORTABLE],
    ] as const
  ) {
    const gate = Promise.withResolvers<void>();
    verifier.gate = gate.promise;
    // Asked before the marker, and after it.
    verifier.codes.push(ErrorCode.NONE, ErrorCode.TRANSACTION_ABORTABLE);
    const committed = commit(version);
    while (verifier.asked.length === 0) await Promise.resolve();
    await end(false);
    gate.resolve();
    assertEquals(await committed, [expected]);
    assertEquals(verifier.asked.splice(0).length, 2);
    assertEquals(await offsets(8, true), [-1, -1]);
  }
});

Deno.test("TxnOffsetCommit asks again if the marker of the last transaction comes meanwhile", async () => {
  const { fixture, verifier, commit, offsets, end } = await start();
  await using _ = fixture;
  const gate = Promise.withResolvers<void>();
  verifier.gate = gate.promise;
  const committed = commit(5);
  while (verifier.asked.length === 0) await Promise.resolve();
  await end(true);
  gate.resolve();
  assertEquals(await committed, [ErrorCode.NONE]);
  assertEquals(verifier.asked.length, 2);
  await end(true);
  assertEquals(await offsets(8, true), [5, -1]);
});

Deno.test("TxnOffsetCommit fences old epochs of the producer, members and unknown partitions", async () => {
  const { fixture, verifier, commit } = await start();
  await using _ = fixture;
  assertEquals(await commit(5, {}, [0, 9]), [
    ErrorCode.NONE,
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ]);
  assertEquals(await commit(5, { producerEpoch: 0 }), [ErrorCode.INVALID_PRODUCER_EPOCH]);
  assertEquals(await commit(5, { generationId: 3, memberId: "m" }), [ErrorCode.UNKNOWN_MEMBER_ID]);
  verifier.asked.length = 0;
  assertEquals(await commit(5, { groupId: "" }), [ErrorCode.INVALID_GROUP_ID]);
  assertEquals(await commit(5, {}, [9]), [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]);
  assertEquals(verifier.asked, []);
});
