import { assert, assertEquals, assertRejects } from "@std/assert";
import { MemoryBudget } from "./memory_budget.ts";

const never = new AbortController().signal;

Deno.test("MemoryBudget.acquire() returns immediately while memory is left", () => {
  const budget = new MemoryBudget(100);
  assertEquals(budget.acquire(60, never), undefined);
  assertEquals(budget.acquire(40, never), undefined);
  assertEquals(budget.acquired, 100);
});

Deno.test("MemoryBudget.acquire() waits in order, small requests after large ones", async () => {
  const budget = new MemoryBudget(100);
  budget.acquire(90, never);
  const order: string[] = [];
  const large = budget.acquire(80, never)!.then(() => order.push("large"));
  const small = budget.acquire(10, never)!.then(() => order.push("small"));
  budget.release(90);
  await Promise.all([large, small]);
  assertEquals(order, ["large", "small"]);
  assertEquals(budget.acquired, 90);
});

Deno.test("MemoryBudget.acquire() admits a request above the limit when nothing else is acquired", async () => {
  const budget = new MemoryBudget(100);
  assertEquals(budget.acquire(500, never), undefined);
  const waiting = budget.acquire(1, never);
  assert(waiting !== undefined);
  budget.release(500);
  await waiting;
  assertEquals(budget.acquired, 1);
});

Deno.test("MemoryBudget.acquire() admits later requests when an earlier one is aborted", async () => {
  const budget = new MemoryBudget(100);
  budget.acquire(50, never);
  const impatient = new AbortController();
  const large = budget.acquire(100, impatient.signal)!;
  const small = budget.acquire(50, never)!;
  impatient.abort(new Error("connection has ended"));
  await assertRejects(() => large, Error, "connection has ended");
  await small;
  assertEquals(budget.acquired, 100);
  await assertRejects(() => budget.acquire(1, impatient.signal)!, Error, "connection has ended");
});

Deno.test("MemoryBudget.takeShare() takes a share of what is left, and the minimum when nothing is", () => {
  const budget = new MemoryBudget(800);
  assertEquals(budget.takeShare(50, 10), 50);
  assertEquals(budget.takeShare(1000, 10), 93);
  assertEquals(budget.takeShare(1000, 200), 200);
  assertEquals(budget.takeShare(1000, 600), 600);
  assertEquals(budget.acquired, 943);
  assertEquals(budget.takeShare(1000, 10), 10);
  assertEquals(budget.takeShare(5, 10), 5);
});

Deno.test("MemoryBudget.adjust() acquires more or releases memory to waiting requests", async () => {
  const budget = new MemoryBudget(100);
  const held = budget.takeShare(90, 90);
  budget.adjust(held, 120);
  assertEquals(budget.acquired, 120);
  const waiting = budget.acquire(50, never);
  budget.adjust(120, 40);
  await waiting;
  assertEquals(budget.acquired, 90);
});
