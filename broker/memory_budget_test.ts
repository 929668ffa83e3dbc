import { assert, assertEquals, assertRejects } from "@std/assert";
import { MemoryBudget } from "./memory_budget.ts";

const never = new AbortController().signal;

Deno.test("MemoryBudget lends at once what is left", () => {
  const budget = new MemoryBudget(100);
  assertEquals(budget.acquire(60, never), undefined);
  assertEquals(budget.acquire(40, never), undefined);
  assertEquals(budget.lent, 100);
});

Deno.test("MemoryBudget makes whoever asks for more wait in turn, small behind large", async () => {
  const budget = new MemoryBudget(100);
  budget.acquire(90, never);
  const order: string[] = [];
  const large = budget.acquire(80, never)!.then(() => order.push("large"));
  const small = budget.acquire(10, never)!.then(() => order.push("small"));
  budget.release(90);
  await Promise.all([large, small]);
  assertEquals(order, ["large", "small"]);
  assertEquals(budget.lent, 90);
});

Deno.test("MemoryBudget admits a request above its limit when nothing else is lent", async () => {
  const budget = new MemoryBudget(100);
  assertEquals(budget.acquire(500, never), undefined);
  const waiting = budget.acquire(1, never);
  assert(waiting !== undefined);
  budget.release(500);
  await waiting;
  assertEquals(budget.lent, 1);
});

Deno.test("MemoryBudget lets those behind one who gave up go on", async () => {
  const budget = new MemoryBudget(100);
  budget.acquire(50, never);
  const impatient = new AbortController();
  const large = budget.acquire(100, impatient.signal)!;
  const small = budget.acquire(50, never)!;
  impatient.abort(new Error("connection has ended"));
  await assertRejects(() => large, Error, "connection has ended");
  await small;
  assertEquals(budget.lent, 100);
  await assertRejects(() => budget.acquire(1, impatient.signal)!, Error, "connection has ended");
});
