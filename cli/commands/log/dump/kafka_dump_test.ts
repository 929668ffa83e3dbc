// Lets Kafka's own tool read what this program writes, where Kafka and Java are installed.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { TransactionState } from "../../../../broker/transactions/model/mod.ts";
import { encodeTransactionRecord } from "../../../../broker/transactions/records/transaction_record.ts";
import {
  endTransactionMarker,
  RecordBatch,
  RecordBatchBuilder,
} from "../../../../protocol/records/mod.ts";
import { DenoFileSystem } from "../../../../storage/file_system/deno_file_system.ts";
import type { Log } from "../../../../storage/log.ts";
import { append, NOW_MS, openDirectory } from "../../../../storage/log_testing.ts";

const LOG = "00000000000000000000.log";
const INDEX = "00000000000000000000.txnindex";

/** Appends transactions that are aborted, committed and open. */
function appendTransactions(log: Log): void {
  const sequences = new Map<number, number>();
  const send = (producerId: number, values: readonly string[]) => {
    const baseSequence = sequences.get(producerId) ?? 0;
    sequences.set(producerId, baseSequence + values.length);
    append(log, values, { producerId, producerEpoch: 0, baseSequence, isTransactional: true });
  };
  const end = (producerId: number, isCommit: boolean) => {
    const marker = endTransactionMarker({
      producerId,
      producerEpoch: 0,
      isCommit,
      coordinatorEpoch: 3,
      timestamp: NOW_MS,
    });
    log.append(marker, { leaderEpoch: 0, nowMs: NOW_MS, origin: "coordinator" });
  };
  send(4, ["a", "b"]); // 0
  send(5, ["c"]); // 2
  end(5, false); // 3
  end(4, true); // 4
  send(4, ["d"]); // 5
  end(4, false); // 6
  send(5, ["e"]); // 7
}

/** Where Apache Kafka is installed, if it is, with Java. */
function kafkaLibraries(): string | undefined {
  const home = Deno.env.get("KAFKA_HOME") ?? "/opt/kafka";
  for (const folder of ["libs", "lib"]) {
    try {
      const names = Array.from(Deno.readDirSync(`${home}/${folder}`), ({ name }) => name);
      const hasJava = new Deno.Command("java", { args: ["-version"], stderr: "null" });
      if (names.length > 0 && hasJava.outputSync().success) return `${home}/${folder}/*`;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return undefined;
}

const LIBRARIES = kafkaLibraries();

/** What Kafka's tool prints. */
async function kafkaDump(...args: string[]): Promise<string> {
  const { stdout, stderr, success } = await new Deno.Command("java", {
    args: [
      "-Xmx128m",
      "-XX:TieredStopAtLevel=1",
      "-cp",
      LIBRARIES!,
      "kafka.tools.DumpLogSegments",
      ...args,
    ],
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** Appends states of a transactional id, and its expiry. */
function appendStates(log: Log): void {
  const ongoing = {
    producerId: 7,
    producerEpoch: 3,
    lastProducerEpoch: 2,
    previousProducerId: -1,
    nextProducerId: -1,
    timeoutMs: 60_000,
    state: TransactionState.ongoing,
    partitions: new Map([["accounts", new Set([0, 2])]]),
    startMs: NOW_MS,
    updateMs: NOW_MS + 1,
    clientVersion: 2,
    isFenced: false,
  };
  const prepared = { ...ongoing, state: TransactionState.prepareCommit, nextProducerId: 9 };
  for (const transaction of [ongoing, prepared, undefined]) {
    const { key, value } = encodeTransactionRecord({ transactionalId: "alice", transaction });
    const builder = new RecordBatchBuilder();
    builder.append(NOW_MS, key, value);
    const batch = new RecordBatch(builder.build());
    log.append(batch, { leaderEpoch: 0, nowMs: NOW_MS, origin: "coordinator" });
  }
}

Deno.test({
  name:
    "Kafka's DumpLogSegments reads our markers, transaction index, snapshot and transaction state",
  ignore: LIBRARIES === undefined,
  fn: async () => {
    const folder = await Deno.makeTempDir();
    try {
      const directory = await openDirectory(new DenoFileSystem(), { path: `${folder}/data` });
      const log = directory.create("accounts-0", { nowMs: NOW_MS });
      appendTransactions(log);
      appendStates(directory.create("__transaction_state-0", { nowMs: NOW_MS }));
      await directory.close();
      const files = [LOG, INDEX, "00000000000000000008.snapshot"]
        .map((name) => `${folder}/data/accounts-0/${name}`);
      const text = await kafkaDump("--print-data-log", "--files", files.join(","));
      const lines = text.split("\n");
      const markers = lines.filter((line) => line.includes("endTxnMarker"));
      assertEquals(
        markers.map((line) => line.match(/offset: (\d+).*endTxnMarker: (\w+)/)?.slice(1).join(" ")),
        ["3 ABORT", "4 COMMIT", "6 ABORT"],
      );
      assert(lines.every((line) => !/isvalid: false/.test(line)), text);
      assertStringIncludes(
        text,
        "version: 0 producerId: 5 firstOffset: 2 lastOffset: 3 lastStableOffset: 0",
      );
      assertStringIncludes(
        text,
        "version: 0 producerId: 4 firstOffset: 5 lastOffset: 6 lastStableOffset: 7",
      );
      const open = lines.find((line) => /^producerId: 5 /.test(line))!;
      assertStringIncludes(open, "coordinatorEpoch: 3 currentTxnFirstOffset: OptionalLong[7]");
      const state = await kafkaDump(
        "--transaction-log-decoder",
        "--files",
        `${folder}/data/__transaction_state-0/${LOG}`,
      );
      const [ongoing, prepared, tombstone] = state.split("\n").filter((line) => /alice/.test(line));
      assertStringIncludes(ongoing!, '"transactionalId":"alice"');
      assertStringIncludes(ongoing!, '"producerId":7');
      assertStringIncludes(ongoing!, '"transactionStatus":1');
      assertStringIncludes(ongoing!, '"topic":"accounts","partitionIds":[0,2]');
      assertStringIncludes(prepared!, '"transactionStatus":2');
      assertStringIncludes(prepared!, '"nextProducerId":9');
      assertStringIncludes(tombstone!, "<DELETE>");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
