import { assert, assertEquals, assertThrows } from "@std/assert";
import { type FrameChannel, memoryChannels } from "../../protocol/frames/channel.ts";
import { codec } from "../../protocol/schema/codec.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { readResponseHeaderTags, writeRequestHeader } from "../../protocol/frames/headers.ts";
import { apiVersions } from "../../protocol/messages/cluster/api_versions.ts";
import { deleteTopics } from "../../protocol/messages/topics/delete_topics.ts";
import { FrameSizeError } from "../../protocol/frames/framing.ts";
import { fetch } from "../../protocol/messages/records/fetch.ts";
import { findCoordinator } from "../../protocol/messages/groups/find_coordinator.ts";
import { produce } from "../../protocol/messages/records/produce.ts";
import { Reader } from "../../protocol/primitives/reader.ts";
import { Writer } from "../../protocol/primitives/writer.ts";
import type { Api, RequestTo, ResponseOf } from "../../protocol/schema/schema.ts";
import { ManualClock } from "../time/clock.ts";
import { BrokerCounters } from "../metrics/broker_counters.ts";
import { Connection } from "./connection.ts";
import {
  type ApiHandler,
  type BrokerContext,
  type Handle,
  handler as handlerWithAccess,
  type HandlerResult,
  NO_RESPONSE,
} from "../handler.ts";
import { unchecked } from "../handlers/access/mod.ts";
import { HandlerTable } from "../handlers/mod.ts";
import { createLogger } from "../logger.ts";
import { MemoryBudget } from "../memory_budget.ts";
import { EMBEDDED_SESSION } from "../security/session.ts";
import { Turns } from "./turns.ts";

/** A handler that lets everybody in. */
function handler<A extends Api>(api: A, handle: Handle<A>): ApiHandler {
  return handlerWithAccess(api, handle, unchecked);
}

const FETCH_VERSION = 12;
const FETCH: RequestTo<typeof fetch> = {
  maxWaitMs: 0,
  minBytes: 0,
  sessionId: 0,
  sessionEpoch: -1,
  topics: [],
  forgottenTopicsData: [],
};

/** A connection to handlers that the test controls. */
class Fixture implements AsyncDisposable {
  readonly client: FrameChannel;
  readonly connection: Connection;
  readonly logLines: string[] = [];
  readonly memory = new MemoryBudget(1000);
  readonly responseMemory: MemoryBudget;
  readonly #served: Promise<void>;

  constructor(
    handlers: readonly ApiHandler[],
    maxInFlight = 100,
    turns?: Turns,
    responseBytes = 1 << 26,
  ) {
    this.responseMemory = new MemoryBudget(responseBytes);
    const clock = new ManualClock();
    const context = {
      clock,
      turns: turns ?? new Turns(clock),
      requestMemory: this.memory,
      responseMemory: this.responseMemory,
      counters: new BrokerCounters(),
      quotas: { isActive: false },
      logger: createLogger({ sink: (line) => this.logLines.push(line), clock }),
    } as unknown as BrokerContext;
    const [client, server] = memoryChannels();
    this.client = client;
    this.connection = new Connection(server, context, new HandlerTable(handlers), {
      maxInFlight,
      maxBacklog: 100_000,
      open: () => memoryChannels()[0],
    }, EMBEDDED_SESSION);
    this.#served = this.connection.serve();
  }

  send<A extends Api>(api: A, apiVersion: number, correlationId: number, body: RequestTo<A>): void {
    encodeRequest(this.client, api, apiVersion, correlationId, body);
    this.client.flush();
  }

  sendFetch(correlationId: number): void {
    this.send(fetch, FETCH_VERSION, correlationId, FETCH);
  }

  sendRaw(bytes: Uint8Array): void {
    this.client.out.beginFrame();
    this.client.out.raw(bytes);
    this.client.out.endFrame();
    this.client.flush();
  }

  /** The correlation id of the next response, or null if the connection has ended. */
  async nextAnswer(): Promise<number | null> {
    const frame = await this.client.next();
    return frame === null ? null : new Reader(frame).int32();
  }

  /** The body of the next response. */
  async nextBody<A extends Api>(api: A, apiVersion: number): Promise<ResponseOf<A>> {
    const reader = new Reader((await this.client.next())!);
    reader.int32();
    readResponseHeaderTags(reader, api, apiVersion);
    return codec(api.response, apiVersion).decode(reader) as ResponseOf<A>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
    this.connection.abort();
    await this.#served;
  }
}

function encodeRequest<A extends Api>(
  { out }: FrameChannel,
  api: A,
  apiVersion: number,
  correlationId: number,
  body: RequestTo<A>,
): void {
  out.beginFrame();
  writeRequestHeader(out, api, { apiKey: api.key, apiVersion, correlationId, clientId: "test" });
  codec(api.request, apiVersion).encode(out, body);
  out.endFrame();
}

/** A Fetch handler that answers on request. */
function controlled() {
  const calls: ((answer: HandlerResult<typeof fetch>) => void)[] = [];
  const handlers = [
    handler(
      fetch,
      () => new Promise<HandlerResult<typeof fetch>>((resolve) => calls.push(resolve)),
    ),
  ];
  return { calls, handlers };
}

/** Lets all pending microtasks run. */
function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** A request for the coordinator of a group with this name, which need not be valid UTF-8. */
function findCoordinatorFrame(key: Uint8Array): Uint8Array {
  const writer = new Writer();
  const header = { apiKey: findCoordinator.key, apiVersion: 4, correlationId: 1, clientId: "test" };
  writeRequestHeader(writer, findCoordinator, header);
  writer.int8(0);
  writer.uvarint(2);
  writer.uvarint(key.length + 1);
  writer.raw(key);
  writer.uvarint(0);
  return writer.takeBytes();
}

const EMPTY: HandlerResult<typeof fetch> = { responses: [] };
const PRODUCE_HEAD = new Uint8Array([0, produce.key]);
const FETCH_HEAD = new Uint8Array([0, fetch.key]);

Deno.test("Connection sends responses in request order, whichever is ready first", async () => {
  const { calls, handlers } = controlled();
  await using fixture = new Fixture(handlers);
  for (const id of [1, 2, 3]) fixture.sendFetch(id);
  await settle();
  assertEquals(calls.length, 3);
  calls[2]!(EMPTY);
  calls[1]!(EMPTY);
  await settle();
  assertEquals(fixture.client.buffered(), undefined);
  calls[0]!(EMPTY);
  assertEquals([await fixture.nextAnswer(), await fixture.nextAnswer()], [1, 2]);
  assertEquals(await fixture.nextAnswer(), 3);
});

Deno.test("Connection delays a request that depends on a pending one", async () => {
  const started: string[] = [];
  let finish = () => {};
  await using fixture = new Fixture([
    handler(deleteTopics, () => {
      started.push("DeleteTopics");
      return new Promise((resolve) => finish = () => resolve({ responses: [] }));
    }),
    handler(fetch, () => {
      started.push("Fetch");
      return EMPTY;
    }),
  ]);
  fixture.send(deleteTopics, 1, 1, { topicNames: ["a"], timeoutMs: 0 });
  fixture.sendFetch(2);
  await settle();
  assertEquals(started, ["DeleteTopics"]);
  finish();
  assertEquals([await fixture.nextAnswer(), await fixture.nextAnswer()], [1, 2]);
});

Deno.test("Connection stops reading at the limit of in-flight requests", async () => {
  const { calls, handlers } = controlled();
  await using fixture = new Fixture(handlers, 2);
  for (const id of [1, 2, 3, 4]) fixture.sendFetch(id);
  await settle();
  assertEquals(calls.length, 2);
  calls[0]!(EMPTY);
  assertEquals(await fixture.nextAnswer(), 1);
  await settle();
  assertEquals(calls.length, 3);
});

Deno.test("Connection stops reading while the client does not read its responses", async () => {
  let count = 0;
  const records = new Uint8Array(60_000);
  const partition = { partitionIndex: 0, errorCode: 0, highWatermark: 0, records };
  const answer: HandlerResult<typeof fetch> = {
    responses: [{ topic: "a", partitions: [{ ...partition, abortedTransactions: null }] }],
  };
  await using fixture = new Fixture([
    handler(fetch, () => {
      count++;
      return answer;
    }),
  ]);
  for (let id = 1; id <= 10; id++) fixture.sendFetch(id);
  await settle();
  assertEquals(count, 2);
  for (let id = 1; id <= 10; id++) assertEquals(await fixture.nextAnswer(), id);
  assertEquals(count, 10);
});

Deno.test("Connection sends nothing for NO_RESPONSE and continues", async () => {
  let isFirst = true;
  await using fixture = new Fixture([
    handler(fetch, () => {
      const answer = isFirst ? NO_RESPONSE : EMPTY;
      isFirst = false;
      return answer;
    }),
  ]);
  fixture.sendFetch(1);
  fixture.sendFetch(2);
  assertEquals(await fixture.nextAnswer(), 2);
});

Deno.test("Connection answers an unknown version of ApiVersions in version 0 (KIP-511)", async () => {
  await using fixture = new Fixture([]);
  const { out } = fixture.client;
  out.beginFrame();
  for (const value of [apiVersions.key, 99]) out.int16(value);
  out.int32(7);
  out.nullableString("future");
  out.raw(Uint8Array.of(0, 1, 2, 3));
  out.endFrame();
  fixture.client.flush();
  const reader = new Reader((await fixture.client.next())!);
  assertEquals(reader.int32(), 7);
  readResponseHeaderTags(reader, apiVersions, 0);
  const answer = codec(apiVersions.response, 0).decode(reader);
  assertEquals(answer.errorCode, ErrorCode.UNSUPPORTED_VERSION);
  assertEquals(answer.apiKeys, [{ apiKey: 18, minVersion: 0, maxVersion: 5 }]);
  assertEquals(reader.remaining, 0);
});

Deno.test("Connection logs a protocol violation and closes", async (t) => {
  const header = (apiKey: number, version: number) =>
    Uint8Array.of(apiKey >> 8, apiKey & 255, version >> 8, version & 255, 0, 0, 0, 1, 0xff, 0xff);
  const cases: [string, Uint8Array, string][] = [
    ["unknown API", header(999, 0), "Unknown API key 999"],
    ["API of Kafka's controllers", header(52, 0), "does not serve Vote (API key 52)"],
    ["unsupported version", header(1, 99), "Fetch has no version 99"],
    ["unreadable body", header(1, 12), "Cannot read"],
    ["unreadable header", Uint8Array.of(0), "Cannot read"],
  ];
  for (const [name, bytes, reason] of cases) {
    await t.step(name, async () => {
      await using fixture = new Fixture([handler(fetch, () => EMPTY)]);
      fixture.sendRaw(bytes);
      assertEquals(await fixture.nextAnswer(), null);
      const [line, ...others] = fixture.logLines;
      assert(line?.includes("WARN") && line.includes(reason), line);
      assertEquals(others, []);
    });
  }
});

Deno.test("Connection logs a handler's failure, sends an error response and continues", async (t) => {
  const failures: [string, () => Promise<never>][] = [
    ["synchronously", () => {
      throw new Error("unexpected");
    }],
    ["asynchronously", () => Promise.reject(new Error("unexpected"))],
  ];
  for (const [name, fail] of failures) {
    await t.step(name, async () => {
      await using fixture = new Fixture([handler(fetch, fail)]);
      for (const id of [1, 2]) {
        fixture.sendFetch(id);
        const { errorCode } = await fixture.nextBody(fetch, FETCH_VERSION);
        assertEquals(errorCode, ErrorCode.UNKNOWN_SERVER_ERROR);
      }
      assert(fixture.logLines[0]?.includes("ERROR"), fixture.logLines[0]);
    });
  }
});

Deno.test("Connection sends an error response in order when a response cannot be encoded", async () => {
  await using fixture = new Fixture([
    handler(findCoordinator, ({ coordinatorKeys }) => ({
      coordinators: coordinatorKeys.map((key) => ({
        key,
        nodeId: key === "" ? null as never : 1,
        host: "h",
        port: 1,
        errorCode: ErrorCode.NONE,
      })),
    })),
  ]);
  // Each byte that is not valid UTF-8 grows to three bytes in the response.
  const long = "\uFFFD".repeat(20_000);
  const many = Array.from({ length: 3000 }, (_, i) => `group-${i}`);
  const situations: [string, string[]][] = [["ok", ["a", ""]], ["long", many.concat("")]];
  for (const [name, keys] of situations) {
    fixture.send(findCoordinator, 4, 1, { keyType: 0, coordinatorKeys: ["a"] });
    fixture.send(findCoordinator, 4, 2, { keyType: 0, coordinatorKeys: keys });
    const before = await fixture.nextBody(findCoordinator, 4);
    assertEquals(before.coordinators.map(({ errorCode }) => errorCode), [ErrorCode.NONE], name);
    const { coordinators } = await fixture.nextBody(findCoordinator, 4);
    assertEquals(coordinators.map(({ key }) => key), keys);
    assertEquals(new Set(coordinators.map(({ errorCode }) => errorCode)), new Set([42]));
  }
  const frame = findCoordinatorFrame(new Uint8Array(20_000).fill(0xff));
  fixture.sendRaw(frame);
  const { coordinators: [refused] } = await fixture.nextBody(findCoordinator, 4);
  assertEquals(refused!.errorCode, ErrorCode.INVALID_REQUEST);
  assert(long.startsWith(refused!.key) && refused!.key.length > 10_000);
});

Deno.test("Connection handles requests and responses of very many elements in slices, in order", async () => {
  const seen: number[] = [];
  await using fixture = new Fixture([
    handler(findCoordinator, ({ coordinatorKeys }) => {
      seen.push(coordinatorKeys.length);
      return {
        coordinators: coordinatorKeys.map((key) => ({
          key,
          nodeId: 1,
          host: "h",
          port: 1,
          errorCode: ErrorCode.NONE,
        })),
      };
    }),
  ]);
  const coordinatorKeys = Array.from({ length: 200_000 }, (_, i) => `${i}`);
  for (const keys of [coordinatorKeys, ["a"], coordinatorKeys.slice(0, 5000)]) {
    fixture.send(findCoordinator, 4, 1, { keyType: 0, coordinatorKeys: keys });
  }
  for (const keys of [coordinatorKeys, ["a"], coordinatorKeys.slice(0, 5000)]) {
    const { coordinators } = await fixture.nextBody(findCoordinator, 4);
    assertEquals(coordinators.map(({ key }) => key), keys);
  }
  assertEquals(seen, [200_000, 1, 5000]);
  fixture.send(findCoordinator, 4, 1, {
    keyType: 0,
    coordinatorKeys: new Array(1_000_001).fill(""),
  });
  assertEquals((await fixture.nextBody(findCoordinator, 4)).coordinators, []);
  assertEquals(seen.length, 3);
});

Deno.test("Connection sends an error response when the response memory is exceeded and continues", async () => {
  const host = "a-host-of-some-length.example";
  const findAll = handler(findCoordinator, ({ coordinatorKeys }) => ({
    coordinators: coordinatorKeys.map((key) => ({
      key,
      nodeId: 1,
      host,
      port: 1,
      errorCode: ErrorCode.NONE,
    })),
  }));
  await using fixture = new Fixture([findAll], 100, undefined, 400_000);
  // With errors instead of addresses, the first response would fit if the messages were shorter.
  for (const count of [9000, 100_000]) {
    const coordinatorKeys = Array.from({ length: count }, (_, i) => `${i}`);
    fixture.send(findCoordinator, 4, 1, { keyType: 0, coordinatorKeys });
    assertEquals((await fixture.nextBody(findCoordinator, 4)).coordinators, []);
  }
  fixture.send(findCoordinator, 4, 1, { keyType: 0, coordinatorKeys: ["a"] });
  assertEquals((await fixture.nextBody(findCoordinator, 4)).coordinators[0]!.host, host);
  await settle();
  assertEquals(fixture.responseMemory.acquired, 0);
});

Deno.test("Connection counts unread responses and releases their memory", async () => {
  await using fixture = new Fixture([
    handler(findCoordinator, ({ coordinatorKeys: [key] }) => ({
      coordinators: [{ key: key!, nodeId: 1, host: "h", port: 1, errorCode: ErrorCode.NONE }],
    })),
  ]);
  const send = () =>
    fixture.send(findCoordinator, 4, 1, { keyType: 0, coordinatorKeys: ["k".repeat(300)] });
  for (let i = 0; i < 3; i++) send();
  await settle();
  const { acquired } = fixture.responseMemory;
  assert(acquired > 900 && acquired < 1100, `${acquired}`);
  await fixture.nextAnswer();
  await settle();
  assert(fixture.responseMemory.acquired < acquired - 300);
  fixture.connection.abort();
  assertEquals(fixture.responseMemory.acquired, 0);
});

Deno.test("Connection aborts waiting handlers when the client disconnects", async () => {
  let signal: AbortSignal | undefined;
  await using fixture = new Fixture([
    handler(fetch, (_, context) => {
      signal = context.signal;
      return new Promise(() => {});
    }),
  ]);
  fixture.sendFetch(1);
  await settle();
  assertEquals(signal!.aborted, false);
  fixture.client.abort();
  await settle();
  assertEquals(signal!.aborted, true);
});

Deno.test("Connection releases request memory with the response, or when it ends", async () => {
  const { calls, handlers } = controlled();
  await using fixture = new Fixture(handlers);
  fixture.connection.admit(400, PRODUCE_HEAD);
  fixture.sendFetch(1);
  await settle();
  fixture.connection.admit(300, PRODUCE_HEAD);
  fixture.sendFetch(2);
  await settle();
  assertEquals(fixture.memory.acquired, 700);
  calls[0]!(EMPTY);
  await fixture.nextAnswer();
  assertEquals(fixture.memory.acquired, 300);
  fixture.connection.abort();
  assertEquals(fixture.memory.acquired, 0);
});

Deno.test("Connection.admit() acquires more for decoded requests and rejects oversized ones", async () => {
  await using fixture = new Fixture([]);
  fixture.connection.admit(100, FETCH_HEAD);
  assertEquals(fixture.memory.acquired, 400);
  const large = 8 * 1024 * 1024 + 1;
  assertThrows(() => fixture.connection.admit(large, FETCH_HEAD), FrameSizeError, "API key 1");
});

Deno.test("Connection calls back when the client has read the response", async () => {
  await using fixture = new Fixture([
    handler(fetch, (_, context) => {
      const { responseMemory } = context.broker;
      const held = responseMemory.takeShare(100, 100);
      context.whenTaken(() => responseMemory.release(held));
      return EMPTY;
    }),
  ]);
  fixture.sendFetch(1);
  fixture.sendFetch(2);
  await settle();
  assertEquals(fixture.responseMemory.acquired, 200);
  await fixture.nextAnswer();
  await fixture.nextAnswer();
  await settle();
  assertEquals(fixture.responseMemory.acquired, 0);
});

Deno.test("Connection calls back when the response is discarded", async () => {
  const { promise, resolve } = Promise.withResolvers<HandlerResult<typeof fetch>>();
  let answerLate = () => {};
  let isFirst = true;
  await using fixture = new Fixture([
    handler(fetch, (_, context) => {
      const { responseMemory } = context.broker;
      const held = responseMemory.takeShare(100, 100);
      const release = () => responseMemory.release(held);
      if (isFirst) {
        isFirst = false;
        context.whenTaken(release);
        return new Promise<HandlerResult<typeof fetch>>(() => {});
      }
      answerLate = () => {
        context.whenTaken(release);
        resolve(EMPTY);
      };
      return promise;
    }),
  ]);
  fixture.sendFetch(1);
  fixture.sendFetch(2);
  await settle();
  assertEquals(fixture.responseMemory.acquired, 200);
  fixture.connection.abort();
  assertEquals(fixture.responseMemory.acquired, 100);
  answerLate();
  await settle();
  assertEquals(fixture.responseMemory.acquired, 0);
});

Deno.test("Connection flushes responses when the next request has to wait", async () => {
  const { calls, handlers } = controlled();
  await using fixture = new Fixture([...handlers, handler(deleteTopics, deleteNothing)]);
  fixture.send(deleteTopics, 5, 1, { topicNames: [], timeoutMs: 0 });
  fixture.sendFetch(2);
  fixture.send(deleteTopics, 5, 3, { topicNames: [], timeoutMs: 0 });
  assertEquals(await fixture.nextAnswer(), 1);
  calls[0]!(EMPTY);
  assertEquals(await fixture.nextAnswer(), 2);
  assertEquals(await fixture.nextAnswer(), 3);
});

Deno.test("Connection sends responses to pipelined requests together, even if each takes some time", async () => {
  await using fixture = new Fixture([handler(deleteTopics, deleteNothing)]);
  for (let id = 1; id <= 20; id++) {
    fixture.send(deleteTopics, 5, id, { topicNames: [], timeoutMs: 0 });
  }
  assertEquals(await fixture.nextAnswer(), 1);
  for (let id = 2; id <= 20; id++) {
    assert(fixture.client.hasBuffered, `answer ${id} was not sent with the others`);
    assertEquals(await fixture.nextAnswer(), id);
  }
});

Deno.test("Connection waits for one turn, not for all requests of 50 other connections", async () => {
  let nowMs = 0;
  const clock = { yield: () => settle() };
  const turns = new Turns(clock, () => nowMs);
  let handled = 0;
  const costly = handler(fetch, () => {
    nowMs += 0.01;
    handled++;
    return EMPTY;
  });
  await using connections = new AsyncDisposableStack();
  const connect = () => connections.use(new Fixture([costly], 100, turns));
  const flood = Array.from({ length: 50 }, connect);
  const quiet = connect();
  for (const { client } of flood) {
    for (let id = 0; id < 600; id++) encodeRequest(client, fetch, FETCH_VERSION, id, FETCH);
    client.flush();
  }
  while (handled < 50 * 60) await settle();
  for (let id = 1; id <= 5; id++) {
    const before = handled;
    quiet.sendFetch(id);
    assertEquals(await quiet.nextAnswer(), id);
    assert(handled - before < 1000, `${handled - before} requests of other connections came first`);
  }
  const answers = flood.map(async ({ client }) => {
    for (let id = 0; id < 600; id++) await client.next();
  });
  await Promise.all(answers);
  assertEquals(handled, 50 * 600 + 5);
});

async function deleteNothing(): Promise<HandlerResult<typeof deleteTopics>> {
  for (let round = 0; round < 5; round++) await undefined;
  return { responses: [] };
}
