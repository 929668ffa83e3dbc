import { assertEquals, assertThrows } from "@std/assert";
import { ApiError } from "../api_error.ts";
import type { RequestContext } from "../handler.ts";
import { MemoryBudget } from "../memory_budget.ts";
import { ResponseBudget } from "./response_budget.ts";

const LIMIT = 1 << 20;

function open(claimed: number[] = []): ResponseBudget {
  return new ResponseBudget({
    broker: { responseMemory: new MemoryBudget(LIMIT) },
    claim: (bytes: number) => void claimed.push(bytes),
  } as unknown as RequestContext);
}

Deno.test("ResponseBudget.reserve() returns false above the limit, and keeps what it reserved", async () => {
  const claimed: number[] = [];
  const budget = open(claimed);
  assertEquals(budget.reserve(LIMIT / 8), true);
  assertEquals(budget.reserve(LIMIT / 4), false);
  assertThrows(() => budget.require(LIMIT / 4), ApiError, "queued.max.response.bytes");
  await budget.claim();
  assertEquals(claimed, [LIMIT / 2]);
});

Deno.test("ResponseBudget throws when it is used after claim()", () => {
  const budget = open();
  budget.claim();
  for (const use of [() => budget.claim(), () => budget.reserve(1), () => budget.require(1)]) {
    assertThrows(use, Error, "it is claimed");
  }
});
