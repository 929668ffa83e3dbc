/**
 * A test of `client.transform()` in several processes: one is killed in a transaction, another is paused
 * until the group has given its partitions away and then continues in its transaction. Each message is
 * copied once all the same.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { TextLineStream } from "@std/streams";
import { ROOT } from "../support/broker/dqueue.ts";
import { LocalBroker } from "../support/broker/local_broker.ts";
import { TRANSACTION_SETTINGS } from "../support/broker/transaction_broker.ts";
import { Client } from "../../client/mod.ts";
import { within } from "../support/within.ts";

const SETTINGS = {
  ...TRANSACTION_SETTINGS,
  "group.min.session.timeout.ms": 500,
} as const;
const LIMIT_MS = 60_000;
/** The number of messages written at a time. */
const ROUND = 200;

/** A process that copies messages. */
class Worker {
  readonly #child: Deno.ChildProcess;
  readonly #read: Promise<void>;
  #count = 0;
  #onLine = () => {};

  constructor(address: string, transactionalId: string) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--quiet", "--no-check", "--allow-net", "--allow-read"],
        "tests/support/clients/transform_worker.ts",
        ...[address, "from", "to", transactionalId],
      ],
      cwd: ROOT,
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#read = this.#readLines();
  }

  /** The number of messages it was given. */
  get count(): number {
    return this.#count;
  }

  /** Waits until it was given `count` messages in total. */
  async until(count: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onLine = () => this.#count >= count && resolve();
    this.#onLine();
    await within(promise, `a worker to be given ${count} messages`, LIMIT_MS);
  }

  signal(name: Deno.Signal): void {
    this.#child.kill(name);
  }

  /** Waits for its end, and returns the exit code. */
  async ended(): Promise<number> {
    const { code } = await this.#child.status;
    await this.#read;
    return code;
  }

  async #readLines(): Promise<void> {
    const lines = this.#child.stdout.pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream());
    for await (const _ of lines) {
      this.#count++;
      this.#onLine();
    }
  }
}

Deno.test("Transform copies each message once while instances are killed and paused", async () => {
  await using local = await LocalBroker.start({ config: SETTINGS });
  await using client = new Client({ brokers: local.address });
  const admin = client.admin();
  await admin.createTopics([{ name: "from", partitions: 4 }, { name: "to", partitions: 4 }]);
  const producer = client.producer();
  let written = 0;
  const write = async () => {
    const messages = Array.from({ length: ROUND }, () => {
      const value = `${written++}`;
      return { topic: "from", key: value, value };
    });
    await producer.sendBatch(messages);
  };
  const untilMembers = async (count: number) => {
    while ((await admin.describeGroup("copiers")).members.length !== count) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };

  const killed = new Worker(local.address, "copier-1");
  await write();
  await killed.until(30);
  // In a transaction: the next instance with its id aborts what it has left open.
  killed.signal("SIGKILL");
  await killed.ended();
  const first = new Worker(local.address, "copier-1");
  const second = new Worker(local.address, "copier-2");
  await write();
  await second.until(1);
  second.signal("SIGSTOP");
  await within(untilMembers(1), "the paused member to be removed", LIMIT_MS);
  const before = first.count;
  await write();
  await first.until(before + 1);
  second.signal("SIGCONT");
  await write();

  await using reader = client.consumer({ isolation: "read_committed" });
  await reader.subscribe("to");
  const copied: number[] = [];
  const readAll = async () => {
    while (copied.length < written) {
      copied.push(...(await reader.poll()).map((message) => Number(message.text())));
    }
  };
  await within(readAll(), "all messages to be copied", LIMIT_MS);
  for (const worker of [first, second]) worker.signal("SIGTERM");
  assertEquals(await Promise.all([first.ended(), second.ended()]), [0, 0]);
  copied.push(...(await reader.poll(undefined, { timeoutMs: 0 })).map((one) => Number(one.text())));
  assertEquals(copied.sort((a, b) => a - b), Array.from({ length: written }, (_, i) => i));
});
