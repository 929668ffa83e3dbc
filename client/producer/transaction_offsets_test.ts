import { assertEquals, assertRejects } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import { addOffsetsToTxn, offsetCommit, txnOffsetCommit } from "../../protocol/messages/mod.ts";
import { type KafkaError, UsageError } from "../errors.ts";
import { texts, write } from "../testing/client_setup.ts";
import { FakeTransactions } from "../testing/fake_transactions.ts";
import {
  type GroupSetup,
  pollAll,
  setupClassicGroup,
  setupModernGroup,
} from "../testing/group_setup.ts";
import { type Flow, FLOWS } from "../testing/transaction_setup.ts";
import { TransactionAbortableError } from "../transactions/mod.ts";
import type { FakeCoordinator } from "../testing/fake_coordinator.ts";

/** A group of one member that has read three messages of partition 0 of `a`. */
async function setupReader(flow: Flow, protocol: "classic" | "consumer" = "classic") {
  const make = protocol === "classic" ? setupClassicGroup : setupModernGroup;
  const options = { topics: { a: 1, b: 1 }, brokers: 1, features: flow.features };
  const test: GroupSetup<FakeCoordinator> = make({ autoCommit: false }, options);
  const transactions = new FakeTransactions(test.cluster, test.group);
  write(test.cluster, "a", 0, ["1", "2", "3"]);
  await test.consumer.joinGroup();
  await pollAll(test.consumer, 3);
  return { ...test, transactions, producer: test.client.producer({ transactionalId: "t" }) };
}

for (const flow of FLOWS) {
  for (const protocol of ["classic", "consumer"] as const) {
    Deno.test(`Transaction.sendOffsets() commits with the messages: ${flow.name}, ${protocol} group`, async () => {
      await using test = await setupReader(flow, protocol);
      await using tx = await test.producer.begin();
      tx.send({ topic: "b", value: "made of 3" });
      await tx.sendOffsets(test.consumer);
      assertEquals(test.group.committed.get("a-0"), undefined);
      await tx.commit();
      assertEquals(test.group.committed.get("a-0"), 3);
      assertEquals(test.consumer.committedLag("a", 0), 0);
      const { body, version } = test.cluster.received(txnOffsetCommit)[0]!;
      assertEquals(body.memberId, test.consumer.memberId);
      assertEquals(body.generationId, test.consumer.status.generation);
      assertEquals(version >= 5, flow.isImplicit);
      assertEquals(test.cluster.received(addOffsetsToTxn).length, flow.isImplicit ? 0 : 1);
      assertEquals(test.cluster.received(offsetCommit), []);
    });
  }

  Deno.test(`Transaction.abort() leaves the committed offsets, to which the consumer returns: ${flow.name}`, async () => {
    await using test = await setupReader(flow);
    {
      await using tx = await test.producer.begin();
      await tx.sendOffsets(test.consumer, { offsets: [{ topic: "a", partition: 0, offset: 2 }] });
      await tx.commit();
    }
    write(test.cluster, "a", 0, ["4"]);
    await pollAll(test.consumer, 1);
    {
      await using tx = await test.producer.begin();
      await tx.sendOffsets(test.consumer);
    }
    assertEquals(test.group.committed.get("a-0"), 2);
    assertEquals(test.consumer.position("a", 0), 4);
    await test.consumer.seekToCommitted();
    assertEquals(texts(await pollAll(test.consumer, 2)), ["3", "4"]);
  });

  Deno.test(`Transaction.sendOffsets() fails the transaction when the group has moved on: ${flow.name}`, async () => {
    for (const code of ["ILLEGAL_GENERATION", "UNKNOWN_MEMBER_ID", "FENCED_INSTANCE_ID"] as const) {
      await using test = await setupReader(flow);
      await using tx = await test.producer.begin();
      await tx.send({ topic: "b", value: "made of 3" });
      test.cluster.once(txnOffsetCommit, ({ topics }) => ({
        topics: topics.map(({ name, partitions }) => ({
          name,
          partitions: partitions.map(({ partitionIndex }) => ({
            partitionIndex,
            errorCode: ErrorCode[code],
          })),
        })),
      }));
      const error = await assertRejects(
        () => tx.sendOffsets(test.consumer),
        TransactionAbortableError,
        code,
      );
      assertEquals(error.retriable, code !== "FENCED_INSTANCE_ID");
      assertEquals(await assertRejects(() => tx.commit()), error);
      await tx.abort();
      assertEquals(test.group.committed.get("a-0"), undefined);
    }
  });
}

Deno.test("Transaction.sendOffsets() refuses offsets that are not the consumer's to send", async () => {
  await using test = await setupReader(FLOWS[1]);
  await using tx = await test.producer.begin();
  const foreign = [{ topic: "b", partition: 0, offset: 1 }];
  const error = await assertRejects(
    () => tx.sendOffsets(test.consumer, { offsets: foreign }),
    TransactionAbortableError,
    "not assigned",
  );
  assertEquals((error.cause as KafkaError).code, "ILLEGAL_GENERATION");
  await tx.abort();
  await using next = await test.producer.begin();
  await using automatic = test.client.groupConsumer({ groupId: "h", topics: "a" });
  await assertRejects(() => next.sendOffsets(automatic), UsageError, "commits by itself");
  await assertRejects(() => next.sendOffsets({} as typeof automatic), UsageError, "not a group");
});

Deno.test("GroupConsumer.seekToCommitted() returns to where it started if nothing is committed", async () => {
  await using test = await setupReader(FLOWS[1]);
  await test.consumer.seekToCommitted();
  assertEquals(texts(await pollAll(test.consumer, 3)), ["1", "2", "3"]);
  await test.consumer.seek("a", 0, 1);
  await pollAll(test.consumer, 2);
  await test.consumer.seekToCommitted();
  assertEquals(texts(await pollAll(test.consumer, 2)), ["2", "3"]);
});
