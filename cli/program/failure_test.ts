import { assertEquals, assertStringIncludes } from "@std/assert";
import { ConnectionError, KafkaError, TimeoutError } from "../../client/errors.ts";
import {
  ProducerFencedError,
  TransactionAbortableError,
  TransactionOutcomeError,
} from "../../client/transactions/mod.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { printFailure } from "./failure.ts";
import { testContext } from "../terminal/test_context.ts";

async function printed(error: unknown): Promise<string> {
  const context = testContext();
  printFailure(context.stderr, error);
  await context.stderr.flush();
  return context.stderrText();
}

Deno.test("printFailure() prints causes that add information", async () => {
  const cause = new Error("No space left on device");
  assertEquals(
    await printed(new Error("Cannot write", { cause })),
    "Error: Cannot write: No space left on device\n",
  );
  assertEquals(
    await printed(new Error("Cannot write: no space left on device", { cause })),
    "Error: Cannot write: no space left on device\n",
  );
});

Deno.test("printFailure() prints a missing Deno permission as the flag to pass", async () => {
  const cause = new Deno.errors.NotCapable(
    'Requires read access to "/data", run again with the --allow-read flag',
  );
  assertEquals(
    await printed(new Error("Cannot open the folder", { cause })),
    'Error: Cannot open the folder: Requires read access to "/data", run again with ' +
      "--allow-read=/data\n",
  );
});

Deno.test("printFailure() prints each of several errors", async () => {
  const errors = new AggregateError([new Error("one"), "two"]);
  assertEquals(await printed(errors), "Error: one\nError: two\n");
});

Deno.test("printFailure() adds advice to an error of the SDK", async () => {
  const unknown = new KafkaError('delete topic "a"', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  assertEquals(
    await printed(unknown),
    'Error: Cannot delete topic "a": UNKNOWN_TOPIC_OR_PARTITION\n' +
      "The broker has no such topic or partition; check the name, or wait for it to be created\n",
  );
  assertEquals(
    await printed(new TimeoutError("Cannot list topics within 5 ms")),
    "Error: Cannot list topics within 5 ms\n" +
      "Raise --timeout, or check the broker's log\n",
  );
  const cause = new ConnectionError("Cannot connect to localhost:9092: refused");
  assertEquals(
    await printed(new TimeoutError("Cannot list topics within 5 ms", { cause })),
    "Error: Cannot list topics within 5 ms: Cannot connect to localhost:9092: refused\n" +
      'Check --brokers, and that a broker is running there ("dqueue serve")\n',
  );
  const detailed = new KafkaError(
    'create topic "a"',
    ErrorCode.INVALID_CONFIG,
    "It has no such setting",
  );
  assertEquals(
    await printed(detailed),
    'Error: Cannot create topic "a": It has no such setting (INVALID_CONFIG)\n',
  );
});

Deno.test("printFailure() gives the user's advice with errors of transactions", async () => {
  const cause = new KafkaError("send message", ErrorCode.MESSAGE_TOO_LARGE);
  const cases: [Error, string | undefined][] = [
    [new TransactionAbortableError("t", cause), undefined],
    [new TransactionOutcomeError("t", undefined), "--isolation read_committed"],
    [new ProducerFencedError("t", { cause: undefined }), "--transactional-id"],
  ];
  for (const [error, hint] of cases) {
    const [first, second] = (await printed(error)).trimEnd().split("\n");
    assertStringIncludes(first!, error.message);
    assertEquals(second?.includes(hint ?? ""), hint === undefined ? undefined : true);
  }
});
