/**
 * Tests of topics over WebSocket.
 *
 * @module
 */

import { assert, assertEquals, assertObjectMatch } from "@std/assert";
import { HttpBroker } from "../support/http.ts";
import { within } from "../support/within.ts";

type Json = Record<string, unknown>;

/** A client of a WebSocket. */
class Socket implements AsyncDisposable {
  readonly socket: WebSocket;
  readonly #messages: Json[] = [];
  readonly #closed = Promise.withResolvers<CloseEvent>();
  #wake = Promise.withResolvers<void>();

  private constructor(url: string) {
    this.socket = new WebSocket(url, "dqueue.v1");
    this.socket.onmessage = ({ data }) => {
      this.#messages.push(JSON.parse(data));
      this.#wake.resolve();
    };
    this.socket.onerror = () => {};
    this.socket.onclose = (event) => this.#closed.resolve(event);
  }

  static async open(http: HttpBroker, query: string): Promise<Socket> {
    const client = new Socket(`ws://${http.host}/topics/a/stream?${query}`);
    await within(
      new Promise((resolve) => client.socket.onopen = resolve),
      "the socket to open",
    );
    return client;
  }

  get closed(): Promise<CloseEvent> {
    return this.#closed.promise;
  }

  send(message: unknown): void {
    this.socket.send(typeof message === "string" ? message : JSON.stringify(message));
  }

  /** The next message with a type. */
  async next(type: string): Promise<Json> {
    for (;;) {
      const index = this.#messages.findIndex((message) => message.type === type);
      if (index >= 0) return this.#messages.splice(index, 1)[0]!;
      this.#wake = Promise.withResolvers();
      await within(this.#wake.promise, `a message of type ${type}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.close();
    await this.closed;
  }
}

Deno.test("WebSocket gets records, and produces", async () => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a", partitions: 2 });
  await using socket = await Socket.open(http, "offset=start");
  assertEquals(socket.socket.protocol, "dqueue.v1");
  await socket.next("caught-up");
  socket.send({
    type: "produce",
    ref: "x1",
    topic: "a",
    partition: 1,
    key: "k",
    value: "hello\nworld",
    headers: { h: "1" },
  });
  assertEquals(await socket.next("ack"), { type: "ack", ref: "x1", partition: 1, offset: 0 });
  assertObjectMatch(await socket.next("record"), {
    id: "0:0,1:1",
    topic: "a",
    partition: 1,
    offset: 0,
    key: "k",
    value: "hello\nworld",
    headers: [{ key: "h", value: "1" }],
  });
  socket.send({ type: "produce", ref: 2, topic: "a", partition: 0, value_base64: "/w==" });
  assertObjectMatch(await socket.next("record"), { value_base64: "/w==", key: null });
});

Deno.test("WebSocket subscribes to another query, which ends", async () => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a" });
  const values = Array.from({ length: 10 }, (_, i) => `${i}`);
  await http.client.producer().sendBatch(values.map((value) => ({ topic: "a", value })));
  await using socket = await Socket.open(http, "");
  await socket.next("caught-up");
  socket.send({ type: "subscribe", offset: "-3", exit: 1, batch: 1 });
  const { records } = await socket.next("batch");
  assertEquals((records as Json[]).map(({ value }) => value), ["7", "8", "9"]);
  assertObjectMatch(await socket.next("end"), { matched: 3 });
  socket.send({ type: "subscribe", offset: "start", limit: 2 });
  assertEquals((await socket.next("record")).value, "0");
  assertEquals((await socket.next("record")).value, "1");
  assertObjectMatch(await socket.next("end"), { matched: 2 });
});

Deno.test("WebSocket reports errors, and continues", async () => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a" });
  await using socket = await Socket.open(http, "");
  await socket.next("caught-up");
  const cases: [message: unknown, errorCode: number][] = [
    ["{bad", 400],
    ["[]", 400],
    [{ type: "dance" }, 400],
    [{ type: "produce", ref: 1 }, 400],
    [{ type: "produce", ref: 1, topic: "nix", value: "x" }, 40403],
    [{ type: "produce", ref: 1, topic: "a", partition: 4, value: "x" }, 40402],
    [{ type: "produce", ref: 1, topic: "a", value_base64: "*" }, 400],
    [{ type: "subscribe", offset: "soon" }, 400],
  ];
  for (const [message, errorCode] of cases) {
    socket.send(message);
    assertEquals((await socket.next("error")).error_code, errorCode, JSON.stringify(message));
  }
  socket.send({ type: "produce", ref: 7, topic: "a", value: "x" });
  assertEquals((await socket.next("ack")).ref, 7);
});

Deno.test("WebSocket produces nothing with writes switched off", async () => {
  await using http = await HttpBroker.start({ allowsWrites: false });
  await http.client.admin().createTopic({ name: "a" });
  await using socket = await Socket.open(http, "");
  socket.send({ type: "produce", ref: 1, topic: "a", value: "x" });
  assertEquals((await socket.next("error")).error_code, 40301);
});

Deno.test("WebSocket is closed when a message is too large, or the broker stops", async () => {
  const http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a" });
  const large = await Socket.open(http, "");
  large.send(JSON.stringify({ type: "produce", value: "x".repeat(1_100_000) }));
  assertEquals((await large.closed).code, 1009);
  const socket = await Socket.open(http, "");
  await socket.next("caught-up");
  await http[Symbol.asyncDispose]();
  const { code } = await within(socket.closed, "the socket to close");
  assert(code === 1000 || code === 1005 || code === 1006, `${code}`);
});

Deno.test("WebSocket gets no more than it takes", async () => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a" });
  await using socket = await Socket.open(http, "");
  await socket.next("caught-up");
  const value = "x".repeat(50_000);
  const producer = http.client.producer();
  for (let i = 0; i < 20; i++) {
    await producer.sendBatch(Array.from({ length: 10 }, () => ({ topic: "a", value })));
  }
  let seen = 0;
  for (let next = 0; next < 200;) {
    const record = await socket.next("record");
    assert(Number(record.offset) >= next);
    next = Number(record.offset) + 1;
    seen++;
  }
  assert(seen > 0);
});
