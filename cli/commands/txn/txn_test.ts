import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { Broker, type BrokerSettings } from "../../../broker/mod.ts";
import { Client, ProducerFencedError } from "../../../client/mod.ts";
import { ErrorCode } from "../../../protocol/errors.ts";
import { produce } from "../../../protocol/messages/mod.ts";
import { MemoryFileSystem } from "../../../storage/file_system/memory_file_system.ts";
import { RawConnection } from "../../../tests/support/protocol/raw_connection.ts";
import { batchOf } from "../../../tests/support/protocol/records.ts";
import { PRODUCE_BY_NAME, produceRequest } from "../../../tests/support/protocol/requests.ts";
import { silentLogger } from "../../../broker/logger.ts";
import { testContext } from "../../terminal/test_context.ts";
import { CommandTest, runIn } from "../testing.ts";

async function json(test: CommandTest, line: string) {
  return JSON.parse(await test.output(`${line} --output json`));
}

/** A broker with an open transaction of the id `open-1` in topic `orders`, from offset 2 on. */
async function startWithOpen() {
  const test = await CommandTest.start();
  const client = test.client();
  await client.admin().createTopic({ name: "orders" });
  await test.output("produce orders -m plain --count 2");
  const producer = client.producer({ transactionalId: "open-1" });
  const transaction = await producer.begin();
  await transaction.send({ topic: "orders", value: "undecided" });
  const dispose = async () => {
    await client.close();
    await test[Symbol.asyncDispose]();
  };
  return { test, client, producer, transaction, [Symbol.asyncDispose]: dispose };
}

Deno.test("txn list prints transactional ids by state, producer, age and pattern", async () => {
  await using open = await startWithOpen();
  const { test } = open;
  await test.output("produce orders --transactional-id done-1 -m x");
  const text = await test.output("txn list");
  assertMatch(text, /^TRANSACTIONAL ID +STATE +PRODUCER ID +COORDINATOR\ndone-1 +/);
  assertMatch(text, /^open-1 +Ongoing +\d+ +1$/m);
  const ids = async (flags: string) =>
    (await json(test, `txn list ${flags}`)).map((each: { transactional_id: string }) =>
      each.transactional_id
    );
  assertEquals(await ids("--state ongoing"), ["open-1"]);
  assertEquals(await ids("--pattern do.*"), ["done-1"]);
  const [{ producer_id }] = await json(test, "txn list --pattern open-1");
  assertEquals(await ids(`--producer-id ${producer_id}`), ["open-1"]);
  assertEquals(
    (await test.run("txn list --min-duration 1h")).stderr,
    "No such transactional ids\n",
  );
  const wrong = await test.run("txn list --state busy");
  assertEquals(wrong.code, 2);
  assertStringIncludes(wrong.stderr, "expected one of Empty, Ongoing");
});

Deno.test("txn describe prints a transaction, and fails for an unknown id", async () => {
  await using open = await startWithOpen();
  const { test } = open;
  const text = await test.output("txn describe open-1");
  assertMatch(text, /^State +Ongoing$/m);
  assertMatch(text, /^Partitions +orders:0$/m);
  assertMatch(text, /^Open for +\d/m);
  const [found] = await json(test, "txn describe open-1");
  assertEquals(found.partitions, [{ topic: "orders", partitions: [0] }]);
  assertEquals(found.timeout_ms, 60_000);
  const unknown = await test.run("txn describe none");
  assertEquals(unknown.code, 1);
  assertStringIncludes(unknown.stderr, "TRANSACTIONAL_ID_NOT_FOUND");
});

Deno.test("txn describe-producers and find-hanging tell what is open in partitions", async () => {
  await using open = await startWithOpen();
  const { test } = open;
  const producers = await json(test, "txn describe-producers orders -p 0");
  const starts = producers.map((each: { transaction_start_offset: number | null }) =>
    each.transaction_start_offset
  );
  assert(starts.includes(2));
  assert(starts.includes(null));
  // Its coordinator will end it, however old it is.
  const line = "txn find-hanging --max-transaction-timeout 0";
  for (const topics of ["", " orders", " orders --broker-id 1"]) {
    const { code, stdout, stderr } = await test.run(line + topics);
    assertEquals([code, stdout, stderr], [0, "", "No hanging transactions\n"]);
  }
});

Deno.test("txn abort ends an open transaction as a whole, and refuses to in a partition alone", async () => {
  await using open = await startWithOpen();
  const { test, transaction } = open;
  const alone = await test.run("txn abort orders -p 0 --start-offset 2 --yes");
  assertEquals(alone.code, 1);
  assertStringIncludes(alone.stderr, "txn abort --transactional-id open-1");
  const missing = await test.run("txn abort orders -p 0 --start-offset 7 --yes");
  assertStringIncludes(missing.stderr, "open are those from offset 2 of producer");
  assertEquals((await test.run("txn abort --transactional-id none --yes")).code, 1);
  assertEquals((await test.run("txn abort --transactional-id open-1")).code, 2);
  assertEquals(await test.output("consume orders -e --isolation read_committed"), "plain\nplain\n");

  const done = await test.output("txn abort --transactional-id open-1 --yes");
  assertMatch(done, /^TRANSACTION +STATUS .*\nopen-1 +fenced /);
  assertEquals(await json(test, "txn list --state ongoing"), []);
  await assertRejects(() => transaction.commit(), ProducerFencedError);
  await test.output("produce orders -m after");
  const committed = await test.output("consume orders -e --isolation read_committed");
  assertEquals(committed, "plain\nplain\nafter\n");
});

/** Starts a broker on a file system. */
async function startOn(fileSystem: MemoryFileSystem): Promise<Broker> {
  const config: Partial<BrokerSettings> = {
    "log.dirs": "/data",
    "transaction.state.log.num.partitions": 1,
  };
  const logger = silentLogger;
  return await Broker.start({ fileSystem, listen: "127.0.0.1:0", config, logger });
}

function addressOf({ addresses }: Broker): string {
  return `127.0.0.1:${addresses[0]!.port}`;
}

/** Leaves a transaction open in partition 0 of topic `orders`, at offset 0. */
async function leaveOpen(broker: Broker): Promise<void> {
  await using client = new Client({ broker });
  const admin = client.admin();
  await admin.createTopic({ name: "orders" });
  const [producer] = await admin.fenceProducers(["lost"]);
  const { producerId, producerEpoch } = producer!;
  const identity = { producerId, producerEpoch, baseSequence: 0, isTransactional: true };
  const request = produceRequest("orders", batchOf(["lost"], identity));
  using connection = await RawConnection.connect(addressOf(broker));
  const written = await connection.request(produce, PRODUCE_BY_NAME, {
    ...request,
    transactionalId: "lost",
  });
  assertEquals(written.responses[0]!.partitionResponses[0]!.errorCode, ErrorCode.NONE);
}

Deno.test("txn find-hanging finds a transaction that its coordinator has lost, and txn abort ends it", async () => {
  const fs = new MemoryFileSystem();
  {
    await using broker = await startOn(fs);
    await leaveOpen(broker);
  }
  fs.removeSync("/data/__transaction_state-0");
  await using broker = await startOn(fs);
  const env = { DQUEUE_BROKERS: addressOf(broker) };
  const run = async (line: string) =>
    await runIn(testContext({ now: () => Date.now(), env }), line);
  assertEquals((await run("txn list")).stdout, "");
  await run("produce orders -m after");
  assertEquals((await run("consume orders -e --isolation read_committed")).stdout, "");
  const [found] = JSON.parse((await run("txn find-hanging --output json")).stdout);
  assertEquals([found.topic, found.partition, found.start_offset], ["orders", 0, 0]);
  const { code, stdout } = await run("txn abort orders -p 0 --start-offset 0 --yes");
  assertEquals(code, 0);
  assertMatch(
    stdout,
    /^TRANSACTION +STATUS +PRODUCER ID +PRODUCER EPOCH\norders-0 from offset 0 +aborted /,
  );
  assertEquals((await run("txn find-hanging")).stderr, "No hanging transactions\n");
  assertEquals((await run("consume orders -e --isolation read_committed")).stdout, "after\n");
});

Deno.test("txn abort refuses flags that do not name one transaction", async () => {
  await using test = await CommandTest.start();
  const lines = [
    "txn abort",
    "txn abort orders",
    "txn abort orders -p 0",
    "txn abort orders -p 0 --start-offset 1 --producer-id 2",
    "txn abort orders -p 0 --start-offset 1 --producer-epoch 2",
    "txn abort orders -p 0 --transactional-id t",
    "txn abort --transactional-id t --producer-id 1",
  ];
  for (const line of lines) assertEquals((await test.run(`${line} --yes`)).code, 2, line);
});
