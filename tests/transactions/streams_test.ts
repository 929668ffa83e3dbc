/**
 * A test of Kafka Streams with `exactly_once_v2`, whose application and broker are killed meanwhile.
 *
 * The application counts words. Its output has each count of each word once, in order, which shows that no
 * word was lost or counted twice, and that its counts survived. `DQUEUE_TEST_STREAMS_KILLS` sets the number of
 * kills, of the broker and of the application each.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { TextLineStream } from "@std/streams";
import { Client } from "../../client/mod.ts";
import { BrokerProcess } from "../support/broker/broker_process.ts";
import { javaOptions, javaProgram, toolsWith } from "../support/clients/observations.ts";
import { testWithPath } from "../support/outside.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import { within } from "../support/within.ts";

const KILLS = Number(Deno.env.get("DQUEUE_TEST_STREAMS_KILLS") ?? 1);
const BROKER_VARIABLE = "DQUEUE_TEST_BROKER";
const INPUT = "lines";
const OUTPUT = "counts";
const WORDS = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta"];
const LINES_PER_ROUND = 60;
const WORDS_PER_LINE = 5;
const LIMIT_MS = 180_000;
/** Short times, so that kills are noticed soon. */
const FLAGS = [
  "--group-initial-rebalance-delay-ms=0",
  "--group-min-session-timeout-ms=500",
  "--transaction-state-log-num-partitions=4",
  "--offsets-topic-num-partitions=4",
  "--transaction-abort-timed-out-transaction-cleanup-interval-ms=100",
];

/** The application as a process. */
class Application {
  readonly #child: Deno.ChildProcess;
  readonly #read: Promise<unknown>;
  readonly #running = Promise.withResolvers<void>();

  constructor(tool: string, args: readonly string[]) {
    this.#child = new Deno.Command("java", {
      args: [...javaOptions(tool), javaProgram("WordCount"), ...args],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#read = Promise.all([this.#watch(), new Response(this.#child.stderr).text()]);
    this.#read.catch(() => {});
  }

  async #watch(): Promise<void> {
    const texts = this.#child.stdout.pipeThrough(new TextDecoderStream());
    for await (const line of texts.pipeThrough(new TextLineStream())) {
      if (line === "running") this.#running.resolve();
    }
    this.#running.reject(new Error("The application ended"));
  }

  /** Resolves when it processes records. */
  async running(): Promise<void> {
    await within(this.#running.promise, "the application to run", LIMIT_MS);
  }

  async kill(): Promise<void> {
    this.#running.promise.catch(() => {});
    this.#child.kill("SIGKILL");
    await this.#child.status;
    await this.#read;
  }
}

/** Reads the output: the counts of each word, in order. */
async function countsOf(client: Client): Promise<Map<string, number[]>> {
  await using consumer = client.consumer({ isolationLevel: "read_committed" });
  const [end] = await client.admin().listOffsets(OUTPUT, "latest", {
    isolationLevel: "read_committed",
  });
  const counts = new Map<string, number[]>(WORDS.map((word) => [word, []]));
  for (let offset = 0; offset < end!.offset;) {
    const { messages, nextOffset } = await consumer.fetchFrom(OUTPUT, 0, offset);
    for (const message of messages) {
      counts.get(new TextDecoder().decode(message.key!))!.push(Number(message.text()));
    }
    offset = nextOffset;
  }
  return counts;
}

testWithPath(
  "kafka-streams beside Kafka's tools",
  toolsWith("kafka-streams"),
  `Kafka Streams counts words exactly once while it and the broker are killed ${KILLS} times each`,
  async (tool) => {
    await using folder = await TemporaryFolder.create();
    const data = folder.join("data");
    const given = Deno.env.get(BROKER_VARIABLE);
    const start = (listen = "127.0.0.1:0") =>
      given === undefined ? BrokerProcess.start({ data, listen, flags: FLAGS }) : undefined;
    let broker = await start();
    const address = given ?? broker!.address;
    const run = () =>
      new Application(tool, [address, "words", INPUT, OUTPUT, folder.join("state")]);
    await using client = new Client({ brokers: address, timeoutMs: LIMIT_MS });
    let application: Application | undefined;
    try {
      await client.admin().createTopic({ name: INPUT, partitions: 2 });
      await client.admin().createTopic({ name: OUTPUT, partitions: 1 });
      const sent = new Map<string, number>(WORDS.map((word) => [word, 0]));
      await using producer = client.producer();
      const send = async () => {
        const lines = Array.from({ length: LINES_PER_ROUND }, () => {
          const words = Array.from(
            { length: WORDS_PER_LINE },
            () => WORDS[Math.floor(Math.random() * WORDS.length)]!,
          );
          for (const word of words) sent.set(word, sent.get(word)! + 1);
          return { topic: INPUT, value: words.join(" ") };
        });
        for (const line of lines) await producer.send(line);
      };
      /** Waits until the output has some more records than now. */
      const progress = async (count: number) => {
        const total = async () =>
          (await countsOf(client)).values().reduce((sum, { length }) => sum + length, 0);
        const wanted = await total() + count;
        await within(
          (async () => {
            while (await total() < wanted) await new Promise((resolve) => setTimeout(resolve, 50));
          })(),
          `${count} more records of output`,
          LIMIT_MS,
        );
      };
      application = run();
      for (let kill = 0; kill < KILLS; kill++) {
        const sending = send();
        await progress(1 + Math.floor(Math.random() * LINES_PER_ROUND * WORDS_PER_LINE / 2));
        await application.kill();
        application = run();
        // The broker is killed while the application starts, or once it has begun to work.
        if (kill % 2 === 0) await application.running();
        if (broker !== undefined) {
          await broker.kill();
          broker = await start(address);
        }
        await sending;
      }
      const wanted = sent.values().reduce((sum, count) => sum + count, 0);
      await within(
        (async () => {
          for (;;) {
            const counts = await countsOf(client);
            if (counts.values().reduce((sum, { length }) => sum + length, 0) >= wanted) break;
            await new Promise((resolve) => setTimeout(resolve, 50));
          }
        })(),
        `${wanted} records of output`,
        LIMIT_MS,
      );
      const counts = await countsOf(client);
      for (const [word, count] of sent) {
        assertEquals(counts.get(word), Array.from({ length: count }, (_, i) => i + 1), word);
      }
    } finally {
      await application?.kill();
      await broker?.[Symbol.asyncDispose]();
    }
  },
);
