import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import { ApiError } from "../api_error.ts";
import { MemoryBudget } from "../memory_budget.ts";
import type { RequestContext } from "../handler.ts";
import { eachInSteps, mapDeepInSteps, mapInSteps, slicedAnswer } from "./sliced_answer.ts";

const LIMIT = 1 << 20;

function contextOf(claimed: number[]): RequestContext {
  return {
    broker: { responseMemory: new MemoryBudget(LIMIT) },
    claim: (bytes: number) => void claimed.push(bytes),
  } as unknown as RequestContext;
}

Deno.test("slicedAnswer() refuses an answer larger than all memory for answers, before it is made", async () => {
  let isMade = false;
  const steps = function* (): Generator<void, number> {
    isMade = true;
    yield;
    return 1;
  };
  const claimed: number[] = [];
  const error = await assertRejects(
    () => slicedAnswer(LIMIT, steps(), contextOf(claimed)),
    ApiError,
  );
  assertEquals(error.code, ErrorCode.INVALID_REQUEST);
  assertStringIncludes(error.message, "queued.max.response.bytes");
  assertEquals([isMade, claimed], [false, []]);
});

Deno.test("slicedAnswer() claims memory for a large answer, and none for a small one", async () => {
  const steps = function* (): Generator<void, string> {
    yield;
    return "answer";
  };
  const claimed: number[] = [];
  assertEquals(await slicedAnswer(100, steps(), contextOf(claimed)), "answer");
  assertEquals(claimed, []);
  assertEquals(await slicedAnswer(LIMIT / 8, steps(), contextOf(claimed)), "answer");
  assertEquals(claimed, [LIMIT / 2]);
});

Deno.test("mapInSteps() and its siblings pause now and then, and miss nothing", () => {
  const items = Array.from({ length: 1000 }, (_, i) => i);
  const stepsOf = <T>(steps: Generator<void, T>): [pauses: number, value: T] => {
    for (let pauses = 0;; pauses++) {
      const { done, value } = steps.next();
      if (done === true) return [pauses, value];
    }
  };
  const seen: number[] = [];
  const [pauses, mapped] = stepsOf(mapInSteps(items, (item) => item + 1));
  assertEquals([pauses, mapped], [15, items.map((item) => item + 1)]);
  assertEquals(stepsOf(eachInSteps(items, (item) => seen.push(item)))[0], 15);
  assertEquals(seen, items);
  const [deepPauses, deep] = stepsOf(
    mapDeepInSteps([items, items], (inner) => mapInSteps(inner, (item) => item)),
  );
  assertEquals([deepPauses, deep], [30, [items, items]]);
});
