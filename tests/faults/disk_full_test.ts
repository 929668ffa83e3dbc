/**
 * Tests of a broker whose disk is full and later has room again.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { Client, DqueueError } from "../../client/mod.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { BrokerProcess } from "../support/broker/broker_process.ts";
import { numberOf, readTopic } from "../support/crash/loads.ts";
import { attempt, fromSource } from "../support/broker/dqueue.ts";
import { kafkaJs } from "../support/clients/kafkajs.ts";
import { outside } from "../support/outside.ts";
import { RawConnection } from "../support/protocol/raw_connection.ts";
import { batchOf } from "../support/protocol/records.ts";
import { append } from "../support/protocol/requests.ts";
import { SmallDisk } from "../support/broker/small_disk.ts";
import { within } from "../support/within.ts";

const DISK_MB = 32;
const VALUE = "x".repeat(20_000);

/** Declares a test that needs its own disk; it is ignored, and says so, if no disk can be made. */
function testOnSmallDisk(name: string, run: (disk: SmallDisk) => Promise<void>): void {
  Deno.test(name, async () => {
    await using disk = await SmallDisk.create(DISK_MB);
    if (disk !== undefined) return await run(disk);
    if (Deno.env.get("DQUEUE_TEST_REQUIRE") === "all") {
      throw new Error("Cannot run test: neither mount nor unshare gives a tmpfs");
    }
    console.log("neither mount nor unshare gives a tmpfs: a full disk is not tested");
  });
}

testOnSmallDisk(
  "Broker on a full disk refuses writes, serves reads, and continues once there is room",
  async (disk) => {
    const program = disk.wrap(await fromSource());
    const data = disk.join("data");
    // Checkpoints find no room either.
    const flags = ["--log-flush-offset-checkpoint-interval-ms", "50"];
    await using broker = await BrokerProcess.start({ data, program, flags });
    await using client = new Client({ brokers: broker.address });
    const admin = client.admin();
    const configs = { "segment.bytes": 2_000_000 };
    await admin.createTopic({ name: "t", partitions: 2, configs });
    await admin.createTopic({ name: "kcats" });
    await using producer = client.producer({ lingerMs: 0 });
    // After a failure, waiting clients would wait forever.
    await using _ = { [Symbol.asyncDispose]: () => disk.free() };
    const acknowledged: number[][] = [[], []];
    let sent = 0;
    const send = async () => {
      const number = sent++;
      const partition = number % 2;
      const message = { topic: "t", partition, value: `${number} ${VALUE}` };
      const { offset } = await producer.send(message);
      acknowledged[partition]![offset] = number;
    };
    const verify = async () => {
      for (const [partition, { messages }] of (await readTopic(client, "t", 2)).entries()) {
        assertEquals(messages.map(numberOf), acknowledged[partition]);
      }
    };
    for (let round = 0; round < 2; round++) {
      for (let count = 0; count < 20; count++) await send();
      await disk.fill(4);
      using connection = await RawConnection.connect(broker.address);
      const fill = async (value: string) => {
        for (;;) {
          const { errorCode } = await append(connection, "kcats", batchOf([value]));
          if (errorCode !== ErrorCode.NONE) return errorCode;
        }
      };
      for (const value of [VALUE.repeat(10), VALUE]) {
        const errorCode = await within(fill(value), "the disk to be full");
        assertEquals(errorCode, ErrorCode.KAFKA_STORAGE_ERROR);
      }

      // Acknowledged records are served; new ones wait while the clients retry.
      await verify();
      const waiting = Array.from({ length: 10 }, () => send());
      const js = kafkaJs(broker.address).producer({ retry: { retries: 100, maxRetryTime: 500 } });
      await js.connect();
      const jsSending = js.send({ topic: "kcats", messages: [{ value: VALUE }] });
      const kcat = outside("kcat");
      const kcatSending = kcat === undefined ? undefined : produceWithKcat(kcat, broker.address);
      // A topic needs next to no room, and may get it.
      await admin.createTopic({ name: `full-${round}` }, { timeoutMs: 300 }).catch((error) => {
        assert(error instanceof DqueueError);
      });
      await verify();
      assertEquals(acknowledged.flat().length, sent - waiting.length);

      await disk.free();
      await within(Promise.all(waiting), "the messages that waited", 60_000);
      await within(jsSending, "kafkajs", 60_000);
      await js.disconnect();
      if (kcatSending !== undefined) assertEquals(await within(kcatSending, "kcat", 60_000), 0);
      await admin.createTopic({ name: `again-${round}` });
      await send();
      await verify();
    }
    assert(broker.log.filter((line) => / ERROR /.test(line)).length < 100);
    await broker.stop();
    const verified = await attempt(["log", "verify", data], { program });
    assertEquals(new TextDecoder().decode(verified.stdout), "");
  },
);

/** Sends a message with kcat, however long it takes; returns the exit code. */
async function produceWithKcat(kcat: string, address: string): Promise<number> {
  const child = new Deno.Command(kcat, {
    args: ["-P", "-b", address, "-t", "kcats", "-X", "acks=all", "-X", "retries=1000", "-E"],
    stdin: "piped",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(`${VALUE}\n`));
  await writer.close();
  return (await child.status).code;
}
