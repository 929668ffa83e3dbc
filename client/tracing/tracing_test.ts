import { assertEquals, assertRejects, assertThrows } from "@std/assert";
// deno-lint-ignore no-import-prefix -- for tests only
import * as opentelemetry from "npm:@opentelemetry/api@1.10.0";
import type { ClientOptions } from "../client_options.ts";
import type { Message } from "../consumer/message.ts";
import { KafkaError, SerializationError } from "../errors.ts";
import { setup } from "../testing/client_setup.ts";
import type { SpanAttributes, TraceContext, TraceSpan, TracingApi } from "./tracing_api.ts";

/** The module fits the option. */
const _OPTION: ClientOptions["tracing"] = opentelemetry;

/** A context: the id of the current span. */
class Context implements TraceContext {
  readonly span: string;

  constructor(span: string) {
    this.span = span;
  }

  getValue(): undefined {}

  setValue(): this {
    return this;
  }

  deleteValue(): this {
    return this;
  }
}

/** A span that was begun, with what was said of it. */
class Span implements TraceSpan {
  readonly attributes: Record<string, unknown>;
  error: string | undefined;
  endings = 0;

  constructor(
    readonly name: string,
    readonly kind: number,
    readonly parent: string,
    first: object,
  ) {
    this.attributes = { ...first };
  }

  setAttributes(more: SpanAttributes): void {
    Object.assign(this.attributes, more);
  }

  setStatus({ message }: { message?: string }): void {
    this.error = message;
  }

  end(): void {
    this.endings++;
  }
}

/** OpenTelemetry's API, with spans that are kept. The context in headers is the name of a span. */
class FakeApi implements TracingApi {
  readonly spans: Span[] = [];
  active = new Context("root");
  readonly trace: TracingApi["trace"] = {
    getTracer: () => ({
      startSpan: (name, { kind, attributes }, context) => {
        const span = new Span(name, kind, (context as Context).span, attributes);
        this.spans.push(span);
        return span;
      },
    }),
    setSpan: (_context, span) => new Context((span as Span).name),
  };
  readonly context: TracingApi["context"] = {
    active: () => this.active,
    with: (context, run) => {
      const before = this.active;
      this.active = context as Context;
      try {
        return run();
      } finally {
        this.active = before;
      }
    },
  };
  readonly propagation: TracingApi["propagation"] = {
    inject: (context, carrier) => carrier.traceparent = (context as Context).span,
    extract: (context, carrier, { get, keys }) => {
      const span = keys(carrier).includes("traceparent") ? get(carrier, "traceparent") : undefined;
      return span === undefined ? context : new Context(span);
    },
  };
}

/** A client of a fake cluster that traces. */
function traced() {
  const tracing = new FakeApi();
  return { tracing, ...setup({ topics: { a: 1, b: 1 } }, { tracing, timeoutMs: 5000 }) };
}

async function read(client: ReturnType<typeof setup>["client"], topic: string): Promise<Message[]> {
  return (await client.consumer().fetchFrom(topic, 0, 0, { maxWaitMs: 0 })).messages;
}

const headersOf = ({ headers }: Message) =>
  Array.from(headers, ([name]) => [name, headers.text(name)]);

Deno.test("Producer.send() with tracing makes a span, with its context in the headers", async () => {
  const { tracing, client, ...test } = traced();
  await using _ = test;
  const producer = client.producer();
  const old = [["h", "1"], ["traceparent", "of another message"], ["h", "2"]] as const;
  await producer.send({ topic: "a", key: "k", value: "v", headers: old });
  const [span] = tracing.spans;
  assertEquals([span!.name, span!.kind, span!.parent, span!.endings], ["send a", 3, "root", 1]);
  assertEquals(span!.attributes, {
    "messaging.system": "kafka",
    "messaging.operation.type": "send",
    "messaging.operation.name": "send",
    "messaging.destination.name": "a",
    "messaging.destination.partition.id": "0",
    "messaging.kafka.message.key": "k",
    "messaging.kafka.offset": 0,
  });
  const [message] = await read(client, "a");
  assertEquals(
    Array.from(message!.headers, ([name]) => name),
    ["h", "h", "traceparent"],
    "once, and the others in their order",
  );
  assertEquals(message!.headers.text("traceparent"), "send a");
});

Deno.test("Producer.sendBatch() and writable() with tracing put the context into every message", async () => {
  const { tracing, client, ...test } = traced();
  await using _ = test;
  const producer = client.producer();
  await producer.sendBatch([{ topic: "a", value: "1" }, { topic: "b", value: "2" }]);
  await producer.sendBatch([{ topic: "a", value: "3" }]);
  assertEquals(tracing.spans.map(({ name, endings }) => [name, endings]), [["send", 1], [
    "send a",
    1,
  ]]);
  assertEquals(tracing.spans[0]!.attributes["messaging.batch.message_count"], 2);
  assertEquals((await read(client, "a")).map(headersOf), [
    [["traceparent", "send"]],
    [["traceparent", "send a"]],
  ]);
  tracing.active = new Context("of the stream");
  const stream = producer.writable("b");
  tracing.active = new Context("of another");
  await ReadableStream.from(["x"]).pipeTo(stream);
  assertEquals((await read(client, "b")).map(headersOf), [
    [["traceparent", "send"]],
    [["traceparent", "of the stream"]],
  ]);
});

Deno.test("Producer.send() with tracing fails as without, and the span says why", async () => {
  const { tracing, client, ...test } = traced();
  await using _ = test;
  const producer = client.producer();
  await assertRejects(() => producer.send({ topic: "none", value: "v" }), KafkaError);
  await assertRejects(
    // @ts-expect-error Headers are not a number.
    () => producer.send({ topic: "a", value: "v", headers: 7 }),
    SerializationError,
  );
  // @ts-expect-error A message is not null.
  await assertRejects(() => producer.send(null));
  // @ts-expect-error Messages are not a text.
  await assertRejects(() => producer.sendBatch("x"));
  const failed = tracing.spans.map((
    { attributes, endings },
  ) => [attributes["error.type"], endings]);
  assertEquals(failed, [["KafkaError", 1], ["SerializationError", 1]]);
  assertEquals(tracing.spans[0]!.error?.includes("none"), true);
});

Deno.test("Client.process() and handlers continue the trace of a message, also in what they send", async () => {
  const { tracing, client, ...test } = traced();
  await using _ = test;
  const producer = client.producer();
  await producer.send({ topic: "a", key: new Uint8Array([1]), value: "v" });
  const [message] = await read(client, "a");
  const sent = client.process(message!, () => producer.send({ topic: "b", value: "1" }));
  assertEquals((await sent).offset, 0);
  const stop = new AbortController();
  await client.consumer().subscribe("a", 0, async () => {
    await producer.send({ topic: "b", value: "2" });
    stop.abort();
  }, { from: "earliest", signal: stop.signal });
  const spans = tracing.spans.map(({ name, kind, parent, endings }) => [
    name,
    kind,
    parent,
    endings,
  ]);
  assertEquals(spans, [
    ["send a", 3, "root", 1],
    ["process a", 4, "send a", 1],
    ["send b", 3, "process a", 1],
    ["process a", 4, "send a", 1],
    ["send b", 3, "process a", 1],
  ]);
  assertThrows(() =>
    client.process(message!, () => {
      throw new RangeError("no");
    }), RangeError);
  await assertRejects(
    () => client.process(message!, () => Promise.reject(new TypeError("no"))),
    TypeError,
  );
  const failed = tracing.spans.slice(-2)
    .map(({ attributes, endings }) => [attributes["error.type"], endings]);
  assertEquals(failed, [["RangeError", 1], ["TypeError", 1]]);
});

Deno.test("Client.process() without tracing only runs what it is given", async () => {
  await using test = setup();
  await test.client.producer().send({ topic: "a", value: "v" });
  const [message] = await read(test.client, "a");
  assertEquals(message!.headers.size, 0);
  assertEquals(test.client.process(message!, () => 7), 7);
});
