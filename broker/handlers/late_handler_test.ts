import { assertEquals, assertRejects } from "@std/assert";
import { metadata } from "../../protocol/messages/topics/metadata.ts";
import type { RequestContext } from "../handler.ts";
import { handler } from "../handler.ts";
import { unchecked } from "./access/mod.ts";
import { lateHandler } from "./late_handler.ts";

function contextOf(kept: string[], name: string): RequestContext {
  return { keepFrame: () => kept.push(name) } as unknown as RequestContext;
}

const REQUEST = {} as Parameters<ReturnType<typeof handler>["handle"]>[0];

Deno.test("lateHandler() loads once, and keeps the bytes of requests that wait for it", async () => {
  let loads = 0;
  const answered: RequestContext[] = [];
  const late = lateHandler(metadata, () => {
    loads++;
    return Promise.resolve(handler(metadata, (_, context) => {
      answered.push(context);
      return { brokers: [], topics: [] } as never;
    }, unchecked));
  });
  const kept: string[] = [];
  const [first, second] = [contextOf(kept, "first"), contextOf(kept, "second")];
  await late.handle(REQUEST, first);
  const answer = late.handle(REQUEST, second);
  assertEquals(answer instanceof Promise, false);
  assertEquals(answered, [first, second]);
  assertEquals([loads, kept], [1, ["first"]]);
  assertEquals(late.advertised, metadata.versions);
});

Deno.test("lateHandler() loads again after a failure", async () => {
  let loads = 0;
  const late = lateHandler(metadata, () => {
    if (++loads === 1) return Promise.reject(new Error("gone"));
    return Promise.resolve(
      handler(metadata, () => ({ brokers: [], topics: [] }) as never, unchecked),
    );
  });
  const context = contextOf([], "");
  await assertRejects(async () => await late.handle(REQUEST, context), Error, "gone");
  await late.handle(REQUEST, context);
  assertEquals(loads, 2);
});
