import { assertEquals, assertThrows } from "@std/assert";
import { formatHostPort, parseListener } from "./listener.ts";
import { SettingValueError } from "./setting.ts";

Deno.test("parseListener() parses host names, addresses and Kafka's form", () => {
  const cases: [string, string, number][] = [
    ["localhost:9092", "localhost", 9092],
    ["127.0.0.1:0", "127.0.0.1", 0],
    [":9092", "0.0.0.0", 9092],
    ["[::1]:65535", "::1", 65535],
    ["PLAINTEXT://broker-1.example:9092", "broker-1.example", 9092],
  ];
  for (const [text, host, port] of cases) assertEquals(parseListener(text), { host, port });
});

Deno.test("parseListener() rejects invalid addresses and unsupported protocols", () => {
  const cases = ["", "localhost", "localhost:", "a b:1", "host:65536", "::1:9092", "SSL://host:1"];
  for (const text of cases) assertThrows(() => parseListener(text), SettingValueError, `"${text}"`);
});

Deno.test("formatHostPort() is accepted by parseListener()", () => {
  for (const text of ["localhost:9092", "[::1]:1"]) {
    assertEquals(formatHostPort(parseListener(text)), text);
  }
});
