/**
 * Tests of the group commands as processes, against a broker on a socket and live members.
 *
 * @module
 */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { TextLineStream } from "@std/streams";
import { Client } from "../../client/mod.ts";
import { attempt, dqueue, fromSource } from "../support/broker/dqueue.ts";
import { LocalBroker } from "../support/broker/local_broker.ts";
import { within } from "../support/within.ts";

const TOPIC = "orders";
const GROUP = "billing";

/** Runs commands against a broker. */
class Commands {
  readonly #env: Readonly<Record<string, string>>;

  constructor(address: string) {
    this.#env = { DQUEUE_BROKERS: address };
  }

  /** Returns the text output of a command, without the blanks that align it. */
  async text(line: string): Promise<string[]> {
    const text = await dqueue(line.split(" "), { env: this.#env });
    return text.trimEnd().split("\n").map((row) => row.replaceAll(/ +/g, " ").trim());
  }

  /** Returns the JSON output of a command. */
  async json(line: string) {
    return JSON.parse(await dqueue([...line.split(" "), "--output", "json"], { env: this.#env }));
  }

  /** Returns exit code and error message of a command that fails. */
  async failure(line: string): Promise<string> {
    const { code, stderr } = await attempt(line.split(" "), { env: this.#env });
    return `${code}: ${stderr}`;
  }

  /** Returns the first object that a command prints before it is interrupted, and its exit code. */
  // deno-lint-ignore no-explicit-any
  async watch(line: string): Promise<{ first: any; code: number }> {
    const { path, args } = await fromSource();
    const child = new Deno.Command(path, {
      args: [...args, ...line.split(" ")],
      env: { ...this.#env, NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const lines = readLines(child.stdout, () => child.kill("SIGINT"));
    const [first] = await within(lines, `dqueue ${line}`);
    return { first: JSON.parse(first!), code: (await child.status).code };
  }
}

/** Returns all lines of a stream; calls `onLine` at the first. */
async function readLines(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  onLine: () => void,
): Promise<string[]> {
  const lines: string[] = [];
  const texts = stream.pipeThrough(new TextDecoderStream());
  for await (const line of texts.pipeThrough(new TextLineStream())) {
    if (lines.push(line) === 1) onLine();
  }
  return lines;
}

/** A broker with a topic of two partitions, of four messages and of none. */
async function start(): Promise<{ local: LocalBroker; client: Client; commands: Commands }> {
  const local = await LocalBroker.start({ config: { "group.initial.rebalance.delay.ms": 0 } });
  const client = new Client({ brokers: local.address });
  await client.admin().createTopic({ name: TOPIC, partitions: 2 });
  await using producer = client.producer();
  await producer.sendBatch(
    ["a", "b", "c", "d"].map((value) => ({ topic: TOPIC, partition: 0, value })),
  );
  return { local, client, commands: new Commands(local.address) };
}

Deno.test("Group commands show an active group and refuse to change it", async () => {
  const { local, client, commands } = await start();
  await using _local = local;
  await using _client = client;
  await using consumer = client.groupConsumer({
    groupId: GROUP,
    topics: TOPIC,
    consumerId: "worker",
    autoOffsetReset: "earliest",
    autoCommit: false,
  });
  await consumer.joinGroup();
  await consumer.commitOffset(TOPIC, 0, 1, "so far");
  const memberId = consumer.memberId!;

  const [list, listed, table, described, watched, deleted, reset] = await Promise.all([
    commands.text("group list"),
    commands.json("group list"),
    commands.text(`group describe ${GROUP}`),
    commands.json(`group describe ${GROUP}`),
    commands.watch(`group describe ${GROUP} --watch --interval 10ms --output json`),
    commands.failure(`group delete ${GROUP} --yes`),
    commands.failure(`group reset-offsets ${GROUP} --topic ${TOPIC} --to latest --execute`),
  ]);
  assertEquals(list, ["GROUP STATE TYPE PROTOCOL TYPE", `${GROUP} Stable classic consumer`]);
  const { state, type, lag, members, partitions } = described[0];
  assertEquals(listed[0].state, "Stable");
  assertEquals([state, type, lag], ["Stable", "classic", 3]);
  assertEquals(members[0].assignment, [{ topic: TOPIC, partitions: [0, 1] }]);
  assertEquals(
    partitions.map((each: Record<string, unknown>) => [
      each["partition"],
      each["committed_offset"],
      each["end_offset"],
      each["lag"],
      each["metadata"],
      each["member_id"],
    ]),
    [[0, 1, 4, 3, "so far", memberId], [1, null, 0, null, "", memberId]],
  );
  assertStringIncludes(table.join("\n"), `\n${TOPIC} 0 1 4 3 ${memberId} so far\n`);
  assertMatch(table.join("\n"), new RegExp(`^${memberId} worker \\S+ classic ${TOPIC}:0,1$`, "m"));
  assertEquals([watched.first[0].lag, watched.code], [3, 0]);
  assertMatch(deleted, /^1: .*NON_EMPTY_GROUP/);
  assertMatch(reset, new RegExp(`^1: Error: Cannot .*"${GROUP}".*1 member`));
  assertEquals((await consumer.fetchCommittedOffset(TOPIC, 0))!.offset, 1);
});

Deno.test("Group commands change an empty group", async () => {
  const { local, client, commands } = await start();
  await using _local = local;
  await using _client = client;
  const consume = `consume ${TOPIC} --group ${GROUP} --exit`;
  assertEquals(await commands.text(`${consume} -n 3`), ["a", "b", "c"]);
  const rest = await dqueue([...consume.split(" "), "--output", "json"], {
    env: { DQUEUE_BROKERS: local.address },
  });
  assertEquals(JSON.parse(rest).value, "d");

  const reset = `group reset-offsets ${GROUP} --topic ${TOPIC}:0`;
  assertEquals(await commands.text(`${reset} --to earliest`), [
    "TOPIC PARTITION CURRENT NEW LAG AFTER",
    `${TOPIC} 0 4 0 4`,
  ]);
  const places: readonly [place: string, offset: number][] = [
    ["earliest", 0],
    ["latest", 4],
    ["2", 2],
    ["@2001-01-01", 0],
    ["+1", 4],
    ["-3", 1],
  ];
  const plans = await Promise.all(places.map(([place]) => commands.json(`${reset} --to ${place}`)));
  assertEquals(
    plans.map(([plan], i) => [places[i]![0], plan.new_offset, plan.executed]),
    places.map(([place, offset]) => [place, offset, false]),
  );
  const [done] = await commands.json(`${reset} --to -1 --execute`);
  assertEquals([done.current_offset, done.new_offset, done.executed], [4, 3, true]);
  assertEquals(await commands.text(consume), ["d"]);

  const dropped = await commands.json(`group offset-delete ${GROUP} --topic ${TOPIC}:0 --yes`);
  assertEquals(dropped, [{ group: GROUP, topic: TOPIC, partition: 0, committed_offset: 4 }]);
  const [deleted] = await commands.json(`group delete ${GROUP} --yes`);
  assertEquals([deleted.name, deleted.status], [GROUP, "deleted"]);
  assertEquals(await commands.json("group list"), []);
});
