import { assertEquals, assertRejects } from "@std/assert";
import { MemoryBudget } from "../../memory_budget.ts";
import { HttpError } from "../http_error.ts";
import { BodyMemory, drain, readBody } from "./body.ts";

const { signal } = new AbortController();

function request(body: BodyInit, headers: Record<string, string> = {}): Request {
  return new Request("http://localhost/", { method: "POST", body, headers });
}

function options(memory: BodyMemory, maxBytes = 100) {
  return { maxBytes, memory, signal };
}

Deno.test("readBody() reads text, and refuses what is too large, declared or not", async () => {
  const memory = new BodyMemory(new MemoryBudget(1000));
  assertEquals(await readBody(request("h\u00e9"), options(memory)), "h\u00e9");
  assertEquals(await readBody(new Request("http://localhost/"), options(memory)), "");
  const declared = request("x", { "content-length": "101" });
  await assertRejects(() => readBody(declared, options(memory)), HttpError, "larger than 100");
  const long = request(new Blob(["x".repeat(101)]).stream());
  await assertRejects(() => readBody(long, options(memory)), HttpError, "larger than 100");
  const binary = request(Uint8Array.of(0xff));
  await assertRejects(() => readBody(binary, options(memory)), HttpError, "not UTF-8");
});

Deno.test("readBody() waits while others hold the memory, until they are answered", async () => {
  const memory = new BodyMemory(new MemoryBudget(150));
  const first = request("first", { "content-length": "5" });
  const second = request(new Blob(["second"]).stream());
  const third = request("third");
  assertEquals(await readBody(first, options(memory)), "first");
  assertEquals(memory.held, 5);
  assertEquals(await readBody(second, options(memory)), "second", "without a length it may be 100");
  assertEquals(memory.held, 105);
  let isRead = false;
  const waiting = readBody(third, options(memory)).then((text) => {
    isRead = true;
    return text;
  });
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(isRead, false);
  memory.release(second);
  assertEquals(await waiting, "third");
  for (const one of [first, second, third]) memory.release(one);
  assertEquals(memory.held, 0, "releasing twice gives back once");
});

Deno.test("readBody() gives up waiting when the port closes", async () => {
  const memory = new BodyMemory(new MemoryBudget(100));
  await readBody(request("a"), options(memory));
  const closing = new AbortController();
  const waiting = readBody(request("b"), { maxBytes: 100, memory, signal: closing.signal });
  closing.abort(new DOMException("The broker is stopping", "AbortError"));
  await assertRejects(() => waiting, DOMException, "stopping");
});

Deno.test("drain() reads what is left of a small body, and leaves one that is large or of unknown size", async () => {
  const read = async (length: string | undefined, size: number) => {
    let taken = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (taken >= size) return controller.close();
        taken += 1000;
        controller.enqueue(new Uint8Array(1000));
      },
    }, { highWaterMark: 0 });
    const request = new Request("http://a/", {
      method: "POST",
      body,
      headers: length === undefined ? {} : { "content-length": length },
    });
    await drain(request);
    return taken;
  };
  assertEquals(await read("20000", 20_000), 20_000);
  assertEquals(await read("1000000", 20_000), 0);
  assertEquals(await read("x", 20_000), 0);
  assertEquals(await read(undefined, 20_000), 0);
});
