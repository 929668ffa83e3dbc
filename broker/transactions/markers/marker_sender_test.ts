import { assertEquals, assertStringIncludes } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { type Logger, silentLogger } from "../../logger.ts";
import { TransactionCounters } from "../../metrics/transaction_counters.ts";
import { ManualClock } from "../../time/clock.ts";
import { MemoryTransport, turn } from "../testing.ts";
import { MarkerSender } from "./marker_sender.ts";

class Fixture implements Disposable {
  readonly clock: ManualClock = new ManualClock();
  readonly transport: MemoryTransport = new MemoryTransport();
  readonly counters: TransactionCounters = new TransactionCounters();
  readonly lines: string[] = [];
  readonly ended: string[] = [];
  /** Ids whose coordinator has changed. */
  readonly gone: Set<string> = new Set();
  readonly sender: MarkerSender;
  /** Why the end of a transaction cannot be written. */
  failure: Error | undefined;

  constructor() {
    const { transport, clock, counters } = this;
    const note = (message: string) => void this.lines.push(message);
    const logger: Logger = { ...silentLogger, warn: note, error: note };
    this.sender = new MarkerSender({ transport, clock, logger, counters });
  }

  send(transactionalId: string, producerId: number, indexes: number[]): void {
    this.sender.send({
      transactionalId,
      producerId,
      producerEpoch: 1,
      isCommit: true,
      coordinatorEpoch: 0,
      transactionVersion: 2,
      partitions: new Map([["t", new Set(indexes)]]),
      isCurrent: () => !this.gone.has(transactionalId),
      onWritten: () => {
        if (this.failure !== undefined) throw this.failure;
        this.ended.push(transactionalId);
      },
    });
  }

  async later(ms: number): Promise<void> {
    this.clock.advance(ms);
    await turn();
  }

  [Symbol.dispose](): void {
    this.sender.close();
  }
}

Deno.test("MarkerSender lets the markers of others wait only once for partitions that do not commit", async () => {
  using fixture = new Fixture();
  const { transport } = fixture;
  for (const slow of ["t-0", "t-1"]) {
    transport.failures.set(slow, Array(9).fill(ErrorCode.REQUEST_TIMED_OUT));
  }
  fixture.send("slow", 7, [0, 1, 2]);
  fixture.send("slow too", 8, [1]);
  await turn();
  assertEquals(fixture.ended, []);
  // Their requests are not answered for a while.
  const gate = Promise.withResolvers<void>();
  transport.gate = gate.promise;
  await fixture.later(20);
  assertEquals(transport.requests.at(-1)!.markers, ["slow", "slow too"]);
  transport.gate = undefined;
  for (const [i, id] of ["a", "b", "c"].entries()) {
    fixture.send(id, 10 + i, [2]);
    await turn();
  }
  assertEquals(fixture.ended, ["a", "b", "c"]);
  gate.resolve();
  transport.failures.clear();
  await turn();
  for (let i = 0; i < 3; i++) await fixture.later(1000);
  assertEquals(fixture.ended.slice(3).sort(), ["slow", "slow too"]);
  assertEquals(fixture.sender.waitingCount, 0);
});

Deno.test("MarkerSender logs once in a while that it cannot complete transactions", async () => {
  using fixture = new Fixture();
  fixture.failure = new Error("disk full");
  for (let i = 0; i < 100; i++) fixture.send(`id-${i}`, i, [0]);
  for (let second = 0; second < 35; second++) await fixture.later(1000);
  assertEquals(fixture.lines.length, 2);
  fixture.failure = undefined;
  await fixture.later(1000);
  assertEquals(fixture.ended.length, 100);
});

Deno.test("MarkerSender sends one request to each broker for all transactions of a turn, and one at a time", async () => {
  using fixture = new Fixture();
  const { transport } = fixture;
  transport.leaders.set("t-1", 2);
  const gate = Promise.withResolvers<void>();
  transport.gate = gate.promise;
  fixture.send("a", 7, [0, 1]);
  fixture.send("b", 8, [0]);
  await turn();
  fixture.send("c", 9, [0]);
  fixture.send("d", 10, [1]);
  await turn();
  const sent = [{ brokerId: 1, markers: ["a", "b"] }, { brokerId: 2, markers: ["a"] }];
  assertEquals(transport.requests, sent);
  assertEquals(fixture.sender.waitingCount, 5);
  gate.resolve();
  await turn();
  assertEquals(transport.requests.slice(2), [
    { brokerId: 1, markers: ["c"] },
    { brokerId: 2, markers: ["d"] },
  ]);
  assertEquals(fixture.ended.toSorted(), ["a", "b", "c", "d"]);
  assertEquals([fixture.sender.waitingCount, fixture.counters.markersWritten], [0, 5]);
});

Deno.test("MarkerSender sends again what another attempt may write, to the leader at that time", async () => {
  const codes = [
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ErrorCode.NOT_LEADER_OR_FOLLOWER,
    ErrorCode.REQUEST_TIMED_OUT,
    ErrorCode.NOT_ENOUGH_REPLICAS,
    ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
    ErrorCode.KAFKA_STORAGE_ERROR,
    ErrorCode.UNKNOWN_SERVER_ERROR,
    ErrorCode.INVALID_REQUEST,
  ];
  using fixture = new Fixture();
  const { transport } = fixture;
  transport.failures.set("t-1", [...codes]);
  fixture.send("a", 7, [0, 1]);
  await turn();
  assertEquals(transport.written.length, 1);
  transport.leaders.set("t-1", 3);
  for (const _ of codes) await fixture.later(1000);
  assertEquals(transport.requests.map(({ brokerId }) => brokerId), [1, ...codes.map(() => 3)]);
  assertEquals(transport.written.length, 2);
  assertEquals(fixture.ended, ["a"]);
});

Deno.test("MarkerSender waits for a leader, for a broker that is away, and drops what was deleted", async () => {
  using fixture = new Fixture();
  const { transport } = fixture;
  transport.leaders.set("t-0", -1);
  transport.leaders.set("t-1", 2);
  transport.isDown = true;
  fixture.send("a", 7, [0, 1, 2]);
  await turn();
  assertEquals(transport.requests.length, 2);
  transport.isDown = false;
  transport.leaders.set("t-0", 2);
  transport.leaders.set("t-2", undefined);
  await fixture.later(1000);
  assertEquals(transport.written.map((line) => line.slice(0, 3)).toSorted(), ["t-0", "t-1"]);
  assertEquals(fixture.ended, ["a"]);
});

Deno.test("MarkerSender reports a marker that a partition refuses, and tries it again slowly", async () => {
  using fixture = new Fixture();
  const { transport } = fixture;
  for (
    const [id, code] of [
      [1, ErrorCode.TRANSACTION_COORDINATOR_FENCED],
      [2, ErrorCode.INVALID_PRODUCER_EPOCH],
    ] as const
  ) {
    transport.failures.set(`t-${id}`, [code, code]);
    fixture.send(`x${id}`, id, [0, id]);
  }
  await turn();
  await fixture.later(29_000);
  assertEquals(transport.requests.length, 1);
  assertEquals([fixture.sender.refusedCount, fixture.ended.length], [2, 0]);
  assertEquals(fixture.lines.length, 2);
  assertStringIncludes(fixture.lines[0]!, "refuses the marker");
  await fixture.later(1000);
  assertEquals([fixture.sender.refusedCount, fixture.lines.length], [2, 2]);
  await fixture.later(30_000);
  assertEquals(fixture.sender.refusedCount, 0);
  assertEquals(fixture.ended.toSorted(), ["x1", "x2"]);
});

Deno.test("MarkerSender sends nothing for a coordinator that has changed, and none of what waits in a queue", async () => {
  using fixture = new Fixture();
  const { transport } = fixture;
  const gate = Promise.withResolvers<void>();
  transport.gate = gate.promise;
  transport.failures.set("t-1", [ErrorCode.NOT_LEADER_OR_FOLLOWER]);
  fixture.send("a", 7, [0, 1]);
  await turn();
  fixture.send("b", 8, [0]);
  fixture.gone.add("a").add("b");
  gate.resolve();
  await turn();
  await fixture.later(10_000);
  assertEquals(transport.requests.length, 1);
  assertEquals(fixture.ended, []);
  assertEquals(fixture.sender.waitingCount, 0);
});

Deno.test("MarkerSender divides what is too much for one request", async () => {
  using fixture = new Fixture();
  const indexes = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i);
  fixture.send("a", 7, indexes(700));
  fixture.send("b", 8, indexes(700, 700));
  await turn();
  assertEquals(fixture.transport.requests.map(({ markers }) => markers), [["a", "b"], ["b"]]);
  assertEquals(fixture.transport.written.length, 1400);
  assertEquals(fixture.ended.toSorted(), ["a", "b"]);
});

Deno.test("MarkerSender does not count a refusal of a partition that was deleted since", async () => {
  using fixture = new Fixture();
  const { transport, sender } = fixture;
  transport.failures.set("t-0", [ErrorCode.TRANSACTION_COORDINATOR_FENCED]);
  transport.leaders.set("t-1", -1);
  fixture.send("a", 7, [0, 1]);
  await turn();
  assertEquals([sender.waitingCount, sender.refusedCount], [2, 1]);
  transport.leaders.set("t-0", undefined);
  await fixture.later(30_000);
  assertEquals([sender.waitingCount, sender.refusedCount], [1, 0]);
  transport.leaders.delete("t-1");
  await fixture.later(1000);
  assertEquals(fixture.ended, ["a"]);
});
