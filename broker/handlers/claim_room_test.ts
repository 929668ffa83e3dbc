import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import { ApiError } from "../api_error.ts";
import { MemoryBudget } from "../memory_budget.ts";
import type { RequestContext } from "../handler.ts";
import { claimRoom, sumOf, textBytes } from "./claim_room.ts";

const LIMIT = 1 << 20;

function contextOf(claimed: number[]): RequestContext {
  return {
    broker: { responseMemory: new MemoryBudget(LIMIT) },
    claim: (bytes: number) => void claimed.push(bytes),
  } as unknown as RequestContext;
}

Deno.test("claimRoom() rejects a response larger than the response memory", async () => {
  const claimed: number[] = [];
  const error = await assertRejects(() => claimRoom(LIMIT, contextOf(claimed)), ApiError);
  assertEquals(error.code, ErrorCode.INVALID_REQUEST);
  assertStringIncludes(error.message, "queued.max.response.bytes");
  assertEquals(claimed, []);
});

Deno.test("claimRoom() claims memory for a large response and none for a small one", async () => {
  const claimed: number[] = [];
  await claimRoom(100, contextOf(claimed));
  assertEquals(claimed, []);
  await claimRoom(LIMIT / 8, contextOf(claimed));
  assertEquals(claimed, [LIMIT / 2]);
});

Deno.test("textBytes() is at least the encoded size of any string", () => {
  const encoder = new TextEncoder();
  for (const text of ["", "a", "é", "日本", "🦕", "x".repeat(1000)]) {
    assertEquals(textBytes(text) >= encoder.encode(text).length + 2, true, text);
  }
  assertEquals(sumOf(["a", null], textBytes), textBytes("a") + textBytes(null));
});
