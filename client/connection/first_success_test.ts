import { assertEquals, assertRejects } from "@std/assert";
import { firstSuccess } from "./first_success.ts";

const never = () => false;
const fails = (message: string) => () => Promise.reject(new Error(message));

Deno.test("firstSuccess() starts no second attempt if the first succeeds in time", async () => {
  let started = 0;
  const attempt = () => Promise.resolve(++started);
  assertEquals(await firstSuccess([attempt, attempt], 60_000, never), 1);
  assertEquals(started, 1);
});

Deno.test("firstSuccess() starts the next attempt as soon as one has failed", async () => {
  const attempts = [fails("a"), fails("b"), () => Promise.resolve("c")];
  assertEquals(await firstSuccess(attempts, 60_000, never), "c");
});

Deno.test("firstSuccess() starts the next attempt while one is silent", async () => {
  const silent = Promise.withResolvers<string>();
  const attempts = [() => silent.promise, fails("b"), () => Promise.resolve("c")];
  assertEquals(await firstSuccess(attempts, 1, never), "c");
  silent.reject(new Error("late"));
});

Deno.test("firstSuccess() takes a slow attempt that succeeds after others have failed", async () => {
  const slow = Promise.withResolvers<string>();
  const first = firstSuccess([() => slow.promise, fails("b")], 1, never);
  const raced = await Promise.race([
    first,
    new Promise((resolve) => setTimeout(() => resolve("waits"), 5)),
  ]);
  assertEquals(raced, "waits");
  slow.resolve("a");
  assertEquals(await first, "a");
});

Deno.test("firstSuccess() rejects with all errors if all attempts fail, with a final error at once", async () => {
  const error = await assertRejects(
    () => firstSuccess([fails("a"), fails("b")], 60_000, never),
    AggregateError,
  );
  assertEquals(error.errors.map(({ message }) => message), ["a", "b"]);
  let started = 0;
  await assertRejects(
    () =>
      firstSuccess(
        [fails("a"), () => Promise.resolve(`${++started}`)],
        60_000,
        (error) => (error as Error).message === "a",
      ),
    Error,
    "a",
  );
  assertEquals(started, 0);
});
