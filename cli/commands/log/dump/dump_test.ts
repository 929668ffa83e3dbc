import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Broker } from "../../../../broker/mod.ts";
import { Client } from "../../../../client/mod.ts";
import { testContext } from "../../../terminal/test_context.ts";
import { runIn } from "../../testing.ts";

const LOG = "00000000000000000000.log";

/** Runs with the data folder of a stopped broker, in which "a-0" has three batches. */
async function withData(use: (data: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const config = { "log.dirs": `${folder}/data`, "log.index.interval.bytes": 1 };
    await using broker = await Broker.start({
      listen: [],
      config,
      logger: { error: fail, warn: fail, info() {}, debug() {} },
    });
    await using client = new Client({ broker });
    await client.admin().createTopic({ name: "a" });
    const producer = client.producer({ lingerMs: 0 });
    for (let batch = 0; batch < 3; batch++) {
      await producer.sendBatch([0, 1, 2].map((i) => ({
        topic: "a",
        key: `k${batch}`,
        value: `value ${batch}-${i}`,
        timestamp: 1_700_000_000_000 + batch * 1000 + i,
        headers: { h: "1" },
      })));
    }
    await client.close();
    await broker.close();
    await use(`${folder}/data`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function fail(message: string): never {
  throw new Error(`The broker logged: ${message}`);
}

async function dump(...argv: string[]) {
  return await runIn(testContext(), ["log", "dump", ...argv]);
}

async function dumpJson(...argv: string[]) {
  const { code, stdout } = await dump("--output", "json", ...argv);
  return { code, lines: stdout.trimEnd().split("\n").map((line) => JSON.parse(line)) };
}

/** Overwrites bytes of a file. */
function patch(path: string, position: number, bytes: readonly number[]): void {
  using file = Deno.openSync(path, { write: true });
  file.seekSync(position, Deno.SeekMode.Start);
  file.writeSync(new Uint8Array(bytes));
}

Deno.test("log dump prints the batches of a segment", async () => {
  await withData(async (data) => {
    const { code, stdout } = await dump(`${data}/a-0/${LOG}`);
    assertEquals(code, 0);
    const lines = stdout.trimEnd().split("\n");
    assertMatch(lines[0]!, /00000000000000000000\.log {2}segment$/);
    assertMatch(lines[1]!, /^ +POSITION +SIZE +OFFSETS +RECORDS +CODEC/);
    assertMatch(
      lines[2]!,
      /^ +0 +\d+ +0-2 +3 +none +2023-11-14T22:13:20\.002Z +0 +0\/0 +sequences 0-2$/,
    );
    assertMatch(lines[4]!, /^ +\d+ +\d+ +6-8 +3 /);
    assertEquals(lines.length, 5);
  });
});

Deno.test("log dump --records prints the records, as JSON like that of consume", async () => {
  await withData(async (data) => {
    const { stdout } = await dump(`${data}/a-0/${LOG}`, "--records");
    assertStringIncludes(stdout, "    a-0:4  2023-11-14T22:13:21.001Z  [h=1] k1: value 1-1\n");
    const { lines } = await dumpJson(`${data}/a-0/${LOG}`, "--records");
    assertEquals(lines[1].records[1], {
      topic: "a",
      partition: 0,
      offset: 4,
      timestamp: 1_700_000_001_001,
      headers: [{ key: "h", value: "1" }],
      key: "k1",
      value: "value 1-1",
    });
    assertEquals([lines[1].base_offset, lines[1].valid, lines[1].compression], [3, true, "none"]);
  });
});

Deno.test("log dump of a partition's folder prints all its files", async () => {
  await withData(async (data) => {
    const { code, lines } = await dumpJson(`${data}/a-0/`);
    assertEquals(code, 0);
    const types = [...new Set(lines.map(({ type }) => type))];
    assertEquals(types, [
      "leader epochs",
      "partition metadata",
      "offset index",
      "segment",
      "time index",
      "producer snapshot",
    ]);
    const [epochs] = lines;
    assertEquals([epochs.leader_epoch, epochs.start_offset], [0, 0]);
    const index = lines.filter(({ type }) => type === "offset index");
    const segment = lines.filter(({ type }) => type === "segment");
    for (const { offset, position } of index) {
      assertEquals(segment.find((batch) => batch.position === position)?.last_offset, offset);
    }
    const times = lines.filter(({ type }) => type === "time index");
    assertEquals(times.at(-1).timestamp, 1_700_000_002_002);
    const snapshot = lines.at(-1);
    assertEquals([snapshot.last_sequence, snapshot.last_offset, snapshot.offset_delta], [8, 8, 2]);
    const text = await dump(`${data}/a-0`);
    assertMatch(text.stdout, /producer snapshot\n +PRODUCER +EPOCH .*\n +0 +0 +8 +8 +3 /);
  });
});

Deno.test("log dump of a data folder prints its properties and checkpoints", async () => {
  await withData(async (data) => {
    const { code, lines } = await dumpJson(data);
    assertEquals(code, 0);
    const properties = lines.find(({ type }) => type === "data folder");
    assertEquals(properties.node_id, 1);
    const point = lines.find((line) => line.topic === "a" && line.file.includes("recovery-point"));
    assertEquals([point.partition, point.offset], [0, 9]);
    assertMatch((await dump(`${data}/meta.properties`)).stdout, /^node_id +1$/m);
  });
});

Deno.test("log dump reports a batch with a wrong CRC, and continues", async () => {
  await withData(async (data) => {
    const path = `${data}/a-0/${LOG}`;
    const { lines: whole } = await dumpJson(path);
    const [, second] = whole;
    patch(path, second.position + second.size - 1, [0xff]);
    const { code, lines } = await dumpJson(path);
    assertEquals(code, 1);
    assertEquals(lines.map(({ valid, type }) => valid ?? type), [true, false, "problem", true]);
    assertEquals(lines[2].position, second.position);
    assertMatch(lines[2].problem, /computed CRC is \d+, stated CRC is \d+$/);
    const text = await dump(path);
    assertMatch(text.stdout, /^batch at position \d+: computed CRC is/m);
    assertEquals(text.stderr, "Error: Found 1 damaged place\n");
  });
});

Deno.test("log dump finds the batch after one with a wrong size", async () => {
  await withData(async (data) => {
    const path = `${data}/a-0/${LOG}`;
    const { lines: whole } = await dumpJson(path);
    const [, second, third] = whole;
    for (const length of [[0x7f, 0xff, 0xff, 0xff], [0, 0, 0, 1], [0xff, 0xff, 0xff, 0xff]]) {
      patch(path, second.position + 8, length);
      const { code, lines } = await dumpJson(path);
      assertEquals(code, 1);
      assertEquals(lines.map(({ valid, type }) => valid ?? type), [true, "problem", true]);
      assertEquals([lines[1].position, lines[1].size], [second.position, second.size]);
      assertEquals(lines[2].position, third.position);
    }
  });
});

Deno.test("log dump reports a truncated end and bytes that are not a batch", async () => {
  await withData(async (data) => {
    const path = `${data}/a-0/${LOG}`;
    const { lines: [, , third] } = await dumpJson(path);
    await Deno.truncate(path, third.position + third.size - 1);
    const torn = await dumpJson(path);
    assertEquals(torn.code, 1);
    assertEquals(torn.lines.length, 3);
    assertEquals(torn.lines[2].position, third.position);
    assertMatch(torn.lines[2].problem, /the file ends after \d+$/);
    await Deno.truncate(path, third.position + 10);
    assertStringIncludes(
      (await dump(path)).stdout,
      "10 bytes are left, a batch header takes 61",
    );
    await Deno.writeFile(path, new Uint8Array(5000).fill(1));
    const garbage = await dumpJson(path);
    assertEquals([garbage.code, garbage.lines.length, garbage.lines[0].size], [1, 1, 5000]);
    await Deno.writeFile(path, new Uint8Array(0));
    const empty = await dump(path);
    assertEquals(empty.code, 0);
    assertMatch(empty.stdout, /\nempty\n$/);
  });
});

Deno.test("log dump names zeros at the end of the last segment preallocated space", async () => {
  await withData(async (data) => {
    const path = `${data}/a-0/${LOG}`;
    const whole = await Deno.readFile(path);
    const write = (size: number) => {
      const file = new Uint8Array(size + 3_000_000);
      file.set(whole.subarray(0, size));
      return Deno.writeFile(path, file);
    };
    // After whole batches, and in a segment without any.
    for (const size of [whole.length, 0]) {
      await write(size);
      const { code, lines } = await dumpJson(path);
      assertEquals(code, 0);
      assertEquals(lines.map(({ valid }) => valid ?? "zeros"), [
        ...size > 0 ? [true, true, true] : [],
        "zeros",
      ]);
      const { position, size: zeros, preallocated } = lines.at(-1);
      assertEquals([position, zeros, preallocated], [size, 3_000_000, true]);
      const text = await dump(path);
      assertEquals(text.code, 0);
      assertStringIncludes(
        text.stdout,
        `3000000 bytes at position ${size} are zeros: preallocated space\n`,
      );
    }
    // A torn batch before the zeros is damage, without them.
    await write(whole.length - 3);
    const torn = await dumpJson(path);
    assertEquals(torn.code, 1);
    assertEquals(torn.lines.map(({ valid, type }) => valid ?? type), [
      true,
      true,
      "problem",
      "segment",
    ]);
    const [, , problem, { position, size }] = torn.lines;
    assertEquals(problem.position + problem.size, position);
    assertEquals(position + size, whole.length - 3 + 3_000_000);
    // Only the last segment is preallocated.
    await write(whole.length);
    await Deno.writeFile(`${data}/a-0/00000000000000000009.log`, new Uint8Array(0));
    const inactive = await dumpJson(path);
    assertEquals([inactive.code, inactive.lines.at(-1).size], [1, 3_000_000]);
  });
});

Deno.test("log dump prints records up to a damaged one in a batch with a valid CRC", async () => {
  await withData(async (data) => {
    const path = `${data}/a-0/${LOG}`;
    const { RecordBatch } = await import("../../../../protocol/records/mod.ts");
    const bytes = await Deno.readFile(path);
    const batch = new RecordBatch(bytes);
    // A record count that contradicts the records, with a matching CRC.
    new DataView(bytes.buffer).setInt32(57, 4);
    batch.setMaxTimestamp(batch.maxTimestamp);
    await Deno.writeFile(path, bytes);
    const { code, lines } = await dumpJson(path, "--records");
    assertEquals(code, 1);
    assertEquals(lines[0].records.length, 3);
    assertEquals([lines[0].valid, lines[1].type], [true, "problem"]);
    assertEquals(lines.length, 4);
  });
});

Deno.test("log dump checks that index entries increase, and recognizes unused ones", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/00000000000000000100.index`;
    const view = new DataView(new ArrayBuffer(8 * 100));
    [[5, 0], [9, 4096], [7, 8192]].forEach(([offset, position], i) => {
      view.setInt32(i * 8, offset!);
      view.setInt32(i * 8 + 4, position!);
    });
    await Deno.writeFile(path, new Uint8Array(view.buffer));
    const { code, lines } = await dumpJson(path);
    assertEquals(code, 1);
    assertEquals(lines.map(({ offset, problem }) => offset ?? problem), [
      105,
      109,
      107,
      "entry at position 16: offset does not increase",
    ]);
    assertStringIncludes((await dump(path)).stdout, "97 unused entries\n");
    await Deno.writeFile(path, new Uint8Array(12));
    assertStringIncludes(
      (await dump(path)).stdout,
      "4 bytes at position 8 are not an entry of 8 bytes",
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("log dump continues after a damaged state file", async () => {
  await withData(async (data) => {
    await Deno.writeTextFile(`${data}/a-0/leader-epoch-checkpoint`, "0\n5\n");
    const { code, lines } = await dumpJson(`${data}/a-0`);
    assertEquals(code, 1);
    assertEquals(lines[0].type, "problem");
    assert(lines.some(({ type }) => type === "segment"));
  });
});

Deno.test("log dump rejects paths that are not log files", async () => {
  const folder = await Deno.makeTempDir();
  try {
    assertStringIncludes((await dump(`${folder}/none`)).stderr, "there is no such file or folder");
    assertStringIncludes((await dump(folder)).stderr, "the folder has no log files");
    await Deno.writeTextFile(`${folder}/x.txt`, "x");
    const { code, stderr } = await dump(`${folder}/x.txt`);
    assertEquals(code, 1);
    assertStringIncludes(stderr, "it is not named like a log file");
    assertEquals((await dump()).code, 2);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** Files that Kafka 4.2 wrote. */
const KAFKA =
  new URL("../../../../storage/log/transactions/testdata/kafka-4.2/", import.meta.url).pathname;

Deno.test("log dump shows what Kafka's transaction markers say", async () => {
  const { code, stdout } = await dump(`${KAFKA}accounts-0/${LOG}`, "--records");
  assertEquals(code, 0);
  assertMatch(
    stdout,
    /^ +\d+ +78 +6 +1 .* transactional, control, endTxnMarker: ABORT coordinatorEpoch: 0$/m,
  );
  assertMatch(
    stdout,
    /^ {4}accounts-0:12 {2}2026-\S+ {2}endTxnMarker: COMMIT coordinatorEpoch: 0$/m,
  );
  assertMatch(stdout, /^ {4}accounts-0:0 {2}\S+ {2}a: a$/m);
  const { lines } = await dumpJson(`${KAFKA}accounts-0/${LOG}`);
  assertEquals(
    lines.filter(({ control }) => control).map((line) => {
      return [line.base_offset, line.end_txn_marker, line.coordinator_epoch];
    }),
    [[6, "ABORT", 0], [9, "ABORT", 0], [10, "ABORT", 0], [12, "COMMIT", 0]],
  );
  assertEquals(lines.filter((line) => "end_txn_marker" in line && !line.control), []);
});

Deno.test("log dump shows Kafka's index of aborted transactions", async () => {
  const { code, lines } = await dumpJson(`${KAFKA}accounts-0/00000000000000000000.txnindex`);
  assertEquals(code, 0);
  assertEquals(
    lines.map((
      line,
    ) => [line.producer_id, line.first_offset, line.last_offset, line.last_stable_offset]),
    [[1, 2, 6, 0], [0, 0, 9, 7], [1, 7, 10, 11]],
  );
});

Deno.test("log dump --records decodes the state of transactional ids that Kafka wrote", async () => {
  const path = `${KAFKA}__transaction_state-0/${LOG}`;
  const { code, stdout } = await dump(path, "--records");
  assertEquals(code, 0);
  assertMatch(
    stdout,
    /^ {4}__transaction_state-0:0 {2}\S+ {2}transactionalId: alice producerId: 0 producerEpoch: 0 state: Empty partitions: \[\] /m,
  );
  const { lines } = await dumpJson(path, "--records");
  const records = lines.flatMap((line) => line.records);
  const states = records.filter((record) => record.transactional_id === "bob")
    .map(({ transaction }) => `${transaction.state} ${transaction.partitions}`);
  assertEquals(states, [
    "Empty ",
    "Ongoing accounts-0",
    "PrepareAbort accounts-0",
    "CompleteAbort ",
    "Ongoing accounts-0",
    "PrepareAbort accounts-0",
    "CompleteAbort ",
    "Ongoing accounts-0",
  ]);
});
