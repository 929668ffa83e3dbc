import { assertEquals, assertStrictEquals } from "@std/assert";
import { TransactionVerifications } from "./transaction_verifications.ts";

Deno.test("TransactionVerifications.start() forgets the oldest of too many producers", () => {
  const verifications = new TransactionVerifications();
  const second = Array.from({ length: 1001 }, (_, id) => verifications.start(id, 0, 0))[1]!;
  assertEquals(verifications.get(0), undefined);
  assertStrictEquals(verifications.get(1), second);
  assertStrictEquals(verifications.start(1, 0, 0), second);
  verifications.end(1);
  assertEquals(verifications.get(1), undefined);
});
