import { assertEquals, assertThrows } from "@std/assert";
import { formatAddress, parseBrokerAddress } from "./address.ts";
import { UsageError } from "../errors.ts";

Deno.test("parseBrokerAddress() reads host and port", async (t) => {
  const cases: [string, string, number][] = [
    ["localhost:9093", "localhost", 9093],
    ["localhost", "localhost", 9092],
    [" 10.0.0.1:1 ", "10.0.0.1", 1],
    ["[::1]:9094", "::1", 9094],
    ["[fe80::1]", "fe80::1", 9092],
  ];
  for (const [text, host, port] of cases) {
    await t.step(text, () => assertEquals(parseBrokerAddress(text), { host, port }));
  }
});

Deno.test("parseBrokerAddress() throws for invalid addresses", async (t) => {
  for (
    const text of ["", ":9092", "host:", "host:x", "a:b:1", "http://host:1", "host:0", "host:65536"]
  ) {
    await t.step(text, () => {
      assertThrows(() => parseBrokerAddress(text), UsageError, `Cannot use "${text}"`);
    });
  }
});

Deno.test("formatAddress() round-trips through parseBrokerAddress()", () => {
  for (const text of ["localhost:9093", "[::1]:9094"]) {
    assertEquals(formatAddress(parseBrokerAddress(text)), text);
  }
});
