/**
 * Tests of a broker that is killed under load.
 *
 * Producers write throughout: two idempotent ones (our SDK's, and librdkafka's in kcat), whose messages must
 * be there exactly once, in order, at the acknowledged offsets; and one that is not idempotent. Meanwhile
 * topics are compacted, trimmed, created and deleted and lose old segments, groups commit, and consumers
 * read. After each kill the files must be sound. `DQUEUE_TEST_KILLS` sets the number of kills.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { verifyData } from "../../broker/offline/verify_data.ts";
import { Client } from "../../client/mod.ts";
import { Random } from "../../protocol/random_testing.ts";
import { testSeeds } from "../../protocol/seeds_testing.ts";
import { DenoFileSystem } from "../../storage/file_system/deno_file_system.ts";
import { BrokerProcess } from "../support/broker/broker_process.ts";
import { ChurningChore, CommittingChore, TrimmingChore } from "../support/crash/chores.ts";
import {
  CompactedLoad,
  type CrashLoad,
  IdempotentLoad,
  numberOf,
  PlainLoad,
  readTopic,
  RetainedLoad,
  Tail,
  TrimmedLoad,
} from "../support/crash/loads.ts";
import { Kcat } from "../support/clients/kcat.ts";
import { testWith } from "../support/outside.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import { within } from "../support/within.ts";

const KILLS = Number(Deno.env.get("DQUEUE_TEST_KILLS") ?? 3);
/** Acknowledgements between two kills, for all producers together. */
const ACKS_PER_KILL = 1500;

/** Writes numbered lines to kcat, from one call to the next. */
class KcatLoad {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #stderr: Promise<string>;
  #sent = 0;

  constructor(kcat: string, address: string) {
    const args = ["-P", "-t", "kcats", "-X", "enable.idempotence=true"];
    this.#child = new Deno.Command(kcat, {
      args: ["-b", address, ...args, "-X", "broker.address.family=v4", "-X", "linger.ms=1", "-E"],
      stdin: "piped",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    // kcat reports each lost connection, and would block if the output were not read.
    this.#stderr = new Response(this.#child.stderr).text();
  }

  get sent(): number {
    return this.#sent;
  }

  async send(count: number): Promise<void> {
    const lines = Array.from({ length: count }, () => `${this.#sent++}\n`);
    await this.#writer.write(new TextEncoder().encode(lines.join("")));
  }

  /** Resolves when kcat has ended, which it does once all messages are acknowledged. */
  async finish(): Promise<void> {
    await this.#writer.close();
    const { code } = await within(this.#child.status, "kcat to end", 120_000);
    assertEquals(code, 0, await this.#stderr);
  }
}

/** Fails if the files that a broker left are not sound. */
async function verifyFiles(data: string): Promise<void> {
  const { findings, partitions } = await verifyData(new DenoFileSystem(), data, {
    withRecords: true,
  });
  assertEquals([...findings, ...partitions.flatMap((partition) => partition.findings)], []);
}

testWith("kcat", `Broker killed ${KILLS} times under load keeps what it promised`, async (kcat) => {
  await using folder = await TemporaryFolder.create();
  const data = folder.join("data");
  const flags = ["--log-retention-check-interval-ms=200", "--log-cleaner-backoff-ms=100"];
  let broker = await BrokerProcess.start({ data, flags });
  try {
    const listen = broker.address;
    await using client = new Client({ brokers: listen });
    await using idempotent = client.producer();
    await using plain = client.producer({ idempotence: false });
    const loads: CrashLoad[] = [
      new IdempotentLoad(idempotent),
      new PlainLoad(plain),
      new RetainedLoad(idempotent),
      new CompactedLoad(idempotent),
      new TrimmedLoad(idempotent),
    ];
    for (const { topic } of loads) await client.admin().createTopic(topic);
    const configs = { "segment.bytes": 1 << 20, "preallocate": true };
    await client.admin().createTopic({ name: "kcats", configs });
    const trimming = new TrimmingChore(client, "trimmed");
    const committing = new CommittingChore(client, "plain");
    const churning = new ChurningChore(client, idempotent);
    const chores = [trimming, committing, churning];
    const tails = [new Tail(client, "ours", 1), new Tail(client, "plain", 0)];
    const kcatLoad = new KcatLoad(kcat, listen);
    // The first seed of the run also decides when the broker is killed.
    const random = new Random(testSeeds(1)[0]!);
    for (let kill = 0; kill < KILLS; kill++) {
      const acks = ACKS_PER_KILL / 2 + random.below(ACKS_PER_KILL);
      for (let count = 0; count < acks; count += 100) {
        await kcatLoad.send(30);
        await Promise.all(loads.map((load) => load.run(30)));
      }
      await broker.kill();
      await verifyFiles(data);
      broker = await BrokerProcess.start({ data, listen, flags });
      for (const load of loads) await load.check?.(client);
      await committing.check(client.admin());
    }
    for (const load of loads) await load.run(ACKS_PER_KILL / 2);
    for (const load of loads) await load.finish();
    await kcatLoad.finish();
    for (const chore of chores) await chore.stop();

    for (const load of loads) await load.verify(client);
    for (const tail of tails) await tail.verify(client);
    await committing.check(client.admin());
    await churning.verify();
    const [kcats] = await readTopic(client, "kcats", 1);
    const sent = Array.from({ length: kcatLoad.sent }, (_, number) => number);
    assertEquals(kcats!.messages.map(numberOf), sent);

    // kcat reads the same after a clean shutdown, after which no problem is found.
    await broker.stop();
    await verifyFiles(data);
    broker = await BrokerProcess.start({ data, listen, flags });
    const lines = new TextDecoder().decode(await new Kcat(kcat, listen).consume("kcats"));
    assertEquals(lines.trimEnd().split("\n").map(Number), sent);
  } finally {
    await broker[Symbol.asyncDispose]();
  }
});
