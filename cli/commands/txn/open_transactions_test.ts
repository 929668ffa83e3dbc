import { assertEquals } from "@std/assert";
import { setup } from "../../../client/testing/client_setup.ts";
import {
  describeProducers,
  describeTransactions,
  findCoordinator,
  listTransactions,
} from "../../../protocol/messages/mod.ts";
import { openTransactions } from "./open_transactions.ts";

/** What the coordinator says of producer 1, whose id is `t`; undefined if it does not know it. */
interface Known {
  readonly state: string;
  readonly partitions: readonly number[];
}

async function hanging(known: Known | undefined): Promise<string[]> {
  await using test = setup({ topics: { a: 2 } });
  const { cluster, client } = test;
  cluster.on(describeProducers, ({ topics }) => ({
    topics: topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partitionIndex) => ({
        partitionIndex,
        errorCode: 0,
        activeProducers: [1, 2].map((producerId) => ({
          producerId,
          producerEpoch: 0,
          coordinatorEpoch: 0,
          lastTimestamp: 100,
          // Producer 2 has nothing open.
          currentTxnStartOffset: producerId === 1 ? 10 + partitionIndex : -1,
        })),
      })),
    })),
  }));
  const state = { transactionalId: "t", producerId: 1, transactionState: known?.state ?? "" };
  cluster.on(listTransactions, ({ producerIdFilters }) => ({
    errorCode: 0,
    unknownStateFilters: [],
    transactionStates: known !== undefined && producerIdFilters.includes(1) ? [state] : [],
  }));
  cluster.on(findCoordinator, ({ coordinatorKeys }) => ({
    coordinators: coordinatorKeys.map((key) => ({
      key,
      nodeId: 0,
      host: "broker-0",
      port: 9092,
      errorCode: 0,
    })),
  }));
  cluster.on(describeTransactions, () => ({
    transactionStates: [{
      ...state,
      errorCode: 0,
      transactionTimeoutMs: 1000,
      transactionStartTimeMs: 1,
      producerEpoch: 0,
      topics: [{ topic: "a", partitions: known!.partitions }],
    }],
  }));
  const { signal } = new AbortController();
  const places = [0, 1].map((partition) => ({ topic: "a", partition }));
  const open = await openTransactions(client.admin(), places, { signal });
  assertEquals(open.map(({ startOffset }) => startOffset), [10, 11]);
  const none = await openTransactions(client.admin(), places, { signal }, () => false);
  assertEquals(none, []);
  return open.filter(({ isHanging }) => isHanging).map(({ topic, partition }) =>
    `${topic}-${partition}`
  );
}

Deno.test("openTransactions() finds those that no coordinator will end", async (t) => {
  const cases: [string, Known | undefined, string[]][] = [
    ["an unknown producer", undefined, ["a-0", "a-1"]],
    ["an open transaction", { state: "Ongoing", partitions: [0, 1] }, []],
    ["one that is being aborted", { state: "PrepareAbort", partitions: [0, 1] }, []],
    ["one without a partition", { state: "Ongoing", partitions: [1] }, ["a-0"]],
    ["one that has ended", { state: "CompleteAbort", partitions: [] }, ["a-0", "a-1"]],
    ["an id without transaction", { state: "Empty", partitions: [] }, ["a-0", "a-1"]],
  ];
  for (const [name, known, expected] of cases) {
    await t.step(name, async () => assertEquals(await hanging(known), expected));
  }
});
