// Compares with files that Kafka 4.2 wrote for two producers of librdkafka, `alice` (0) and `bob` (1), with
// interleaved transactions: three aborted ones, one committed, one open.

import { assertEquals } from "@std/assert";
import { endTransactionMarker, recordBatches } from "../protocol/records/mod.ts";
import { MemoryFileSystem } from "./file_system/memory_file_system.ts";
import { decodeProducerSnapshot } from "./log/producers/producer_snapshot.ts";
import { openDirectory } from "./log_testing.ts";
import { assertTransactions } from "./transactions_testing.ts";
import { verifyDataFolder } from "./verify/mod.ts";

const FOLDER = new URL("./log/transactions/testdata/kafka-4.2/accounts-0/", import.meta.url);
const LOG = "00000000000000000000.log";
const INDEX = "00000000000000000000.txnindex";
const SNAPSHOT = "00000000000000000014.snapshot";

const bytesOf = (name: string) => Deno.readFileSync(new URL(name, FOLDER));

function entriesOf(bytes: Uint8Array) {
  return decodeProducerSnapshot(SNAPSHOT, bytes).toSorted((a, b) => a.producerId - b.producerId);
}

Deno.test("endTransactionMarker() has the bytes of Kafka's markers", () => {
  const markers = Array.from(recordBatches(bytesOf(LOG))).filter((batch) => batch.isControl);
  assertEquals(markers.map(({ baseOffset }) => baseOffset), [6, 9, 10, 12]);
  for (const marker of markers) {
    const { producerId, producerEpoch, maxTimestamp, partitionLeaderEpoch, baseOffset } = marker;
    const isCommit = baseOffset === 12;
    const ours = endTransactionMarker({
      producerId,
      producerEpoch,
      isCommit,
      coordinatorEpoch: 0,
      timestamp: maxTimestamp,
    });
    ours.baseOffset = baseOffset;
    ours.partitionLeaderEpoch = partitionLeaderEpoch;
    assertEquals(ours.bytes, marker.bytes);
  }
});

Deno.test("Log.appendReplicated() writes the transaction index and the snapshot that Kafka wrote", async () => {
  const fs = new MemoryFileSystem();
  let directory = await openDirectory(fs);
  const nowMs = Date.parse("2026-11-30");
  let log = directory.create("accounts-0", { nowMs });
  log.appendReplicated(bytesOf(LOG), { leaderEpoch: 0, nowMs });
  await directory.close();
  assertEquals(fs.readFileSync(`/data/accounts-0/${INDEX}`), bytesOf(INDEX));
  const snapshot = fs.readFileSync(`/data/accounts-0/${SNAPSHOT}`);
  assertEquals(entriesOf(snapshot), entriesOf(bytesOf(SNAPSHOT)));
  assertEquals((await verifyDataFolder(fs, "/data")).partitions[0]!.findings, []);
  // Kafka's snapshot, whose producers are in another order.
  fs.writeFileSync(`/data/accounts-0/${SNAPSHOT}`, bytesOf(SNAPSHOT));
  directory = await openDirectory(fs, { nowMs });
  log = directory.get("accounts-0")!;
  assertEquals(log.oldestOpenTransaction()?.firstOffset, 13);
  assertEquals(log.firstUnstableOffset(14), 13);
  await assertTransactions(log);
  await directory.close();
});
