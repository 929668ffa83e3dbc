import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import { ApiError } from "../api_error.ts";
import { MemoryBudget } from "../memory_budget.ts";
import type { RequestContext } from "../handler.ts";
import { claimResponseMemory, sumOf, textBytes } from "./claim_response_memory.ts";

const LIMIT = 1 << 20;

function contextOf(claimed: number[]): RequestContext {
  return {
    broker: { responseMemory: new MemoryBudget(LIMIT) },
    claim: (bytes: number) => void claimed.push(bytes),
  } as unknown as RequestContext;
}

Deno.test("claimResponseMemory() rejects a response larger than the response memory", async () => {
  const claimed: number[] = [];
  const error = await assertRejects(() => claimResponseMemory(LIMIT, contextOf(claimed)), ApiError);
  assertEquals(error.code, ErrorCode.INVALID_REQUEST);
  assertStringIncludes(error.message, "queued.max.response.bytes");
  assertEquals(claimed, []);
});

Deno.test("claimResponseMemory() claims memory for a large response and none for a small one", async () => {
  const claimed: number[] = [];
  await claimResponseMemory(100, contextOf(claimed));
  assertEquals(claimed, []);
  await claimResponseMemory(LIMIT / 8, contextOf(claimed));
  assertEquals(claimed, [LIMIT / 2]);
});

Deno.test("textBytes() is at least the encoded size of any string", () => {
  const encoder = new TextEncoder();
  for (const text of ["", "a", "é", "日本", "🦕", "x".repeat(1000)]) {
    assertEquals(textBytes(text) >= encoder.encode(text).length + 2, true, text);
  }
  assertEquals(sumOf(["a", null], textBytes), textBytes("a") + textBytes(null));
});
