import { assertEquals, assertRejects } from "@std/assert";
import { RecordBatch } from "../../protocol/records/record_batch.ts";
import { RecordBatchBuilder } from "../../protocol/records/record_batch_builder.ts";
import { WakeSignal } from "../connection/wake_signal.ts";
import { UsageError } from "../errors.ts";
import { Message } from "./message.ts";
import { MessageLoop, type MessageSource } from "./message_loop.ts";

/** A source that a test fills. */
class TestSource implements MessageSource {
  isEnded = false;
  failure: Error | undefined;
  /** What `ensureReadable()` waits for. */
  opening: Promise<void> | undefined;
  waits = 0;
  readonly #messages: Message[] = [];
  readonly #news = new WakeSignal();

  add(...values: string[]): void {
    const builder = new RecordBatchBuilder();
    for (const value of values) builder.append(1, null, value);
    const origin = {
      topic: "a",
      partition: 0,
      leaderEpoch: 0,
      timestampType: "CreateTime" as const,
    };
    for (const record of new RecordBatch(builder.build()).records()) {
      this.#messages.push(new Message(origin, record));
    }
    this.#news.notify();
  }

  end(): void {
    this.isEnded = true;
    this.#news.notify();
  }

  ensureReadable(): Promise<void> | undefined {
    if (this.failure !== undefined) throw this.failure;
    return this.opening;
  }

  take(max: number): Message[] {
    return this.#messages.splice(0, max);
  }

  next(): Message | undefined {
    return this.#messages.shift();
  }

  wait(ms: number, signal?: AbortSignal): Promise<boolean> {
    this.waits++;
    return this.#news.wait(ms, signal);
  }
}

function texts(messages: readonly Message[]): string[] {
  return messages.map((message) => message.text());
}

Deno.test("MessageLoop.poll() returns what has arrived, or waits for the first message", async () => {
  const source = new TestSource();
  const loop = new MessageLoop(source);
  source.add("0", "1", "2");
  assertEquals(texts(await loop.poll(2)), ["0", "1"]);
  assertEquals([texts(await loop.poll()), source.waits], [["2"], 0]);
  const polling = loop.poll(5, { timeoutMs: 60_000 });
  source.add("3");
  assertEquals([texts(await polling), source.waits], [["3"], 1]);
});

Deno.test("MessageLoop.poll() without time left yields once, and returns nothing", async () => {
  const source = new TestSource();
  const loop = new MessageLoop(source);
  assertEquals([await loop.poll(1, { timeoutMs: 0 }), source.waits], [[], 1]);
  const polling = loop.poll(1, { timeoutMs: 0 });
  source.add("late");
  assertEquals(texts(await polling), ["late"]);
});

Deno.test("MessageLoop.poll() waits until the source is readable, and throws why it is not", async () => {
  const source = new TestSource();
  const loop = new MessageLoop(source);
  const { promise, resolve } = Promise.withResolvers<void>();
  source.opening = promise;
  const polling = loop.poll();
  source.add("0");
  resolve();
  assertEquals(texts(await polling), ["0"]);
  source.failure = new UsageError("not subscribed");
  assertEquals(await assertRejects(() => loop.poll()), source.failure);
  assertEquals(
    await assertRejects(() => loop[Symbol.asyncIterator]().next()),
    source.failure,
  );
});

Deno.test("MessageLoop.poll() rejects with the reason of an aborted signal, and for invalid arguments", async () => {
  const source = new TestSource();
  const loop = new MessageLoop(source);
  source.add("kept");
  const reason = new Error("stop");
  const signal = AbortSignal.abort(reason);
  assertEquals(await assertRejects(() => loop.poll(1, { signal })), reason);
  await assertRejects(() => loop.poll(0), UsageError, "max");
  await assertRejects(() => loop.poll(1, { timeout: 5 } as never), UsageError, "timeoutMs");
  assertEquals(texts(await loop.poll(1)), ["kept"]);
});

Deno.test("MessageLoop iterates until the source ends, and keeps messages after break", async () => {
  const source = new TestSource();
  const loop = new MessageLoop(source);
  source.add("0", "1", "2");
  const seen: string[] = [];
  for await (const message of loop) {
    seen.push(message.text());
    if (seen.length === 2) break;
  }
  for await (const message of loop) {
    seen.push(message.text());
    queueMicrotask(() => source.end());
  }
  assertEquals(seen, ["0", "1", "2"]);
});

Deno.test("MessageLoop.readable takes a message only when it is read, and closes at the end", async () => {
  const source = new TestSource();
  const loop = new MessageLoop(source);
  source.add("0", "1");
  const reader = loop.readable.getReader();
  assertEquals((await reader.read()).value?.text(), "0");
  assertEquals(source.take(5).length, 1);
  source.end();
  assertEquals((await reader.read()).done, true);
});
