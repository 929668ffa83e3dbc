import { assertEquals, assertThrows } from "@std/assert";
import { parseAddress } from "../../../protocol/ip_address.ts";
import { HostPatternError, matchesHost, parseHostPattern } from "./host_pattern.ts";

function matches(pattern: string, host: string): boolean {
  return matchesHost(parseHostPattern(pattern), parseAddress(host));
}

Deno.test("matchesHost() compares addresses, not how they are written", () => {
  for (
    const [pattern, host] of [
      ["::1", "0:0:0:0:0:0:0:1"],
      ["0:0:0:0:0:0:0:1", "::1"],
      ["2001:DB8::A", "2001:db8:0:0:0:0:0:a"],
      ["10.0.0.1", "::ffff:10.0.0.1"],
      ["::ffff:10.0.0.1", "10.0.0.1"],
      ["::ffff:a00:1", "10.0.0.1"],
      ["fe80::1", "fe80::1%eth0"],
      ["*", "10.0.0.1"],
      ["*", ""],
    ] as const
  ) assertEquals(matches(pattern, host), true, `${pattern} ${host}`);
  for (
    const [pattern, host] of [
      ["::1", "127.0.0.1"],
      ["10.0.0.1", "10.0.0.2"],
      ["10.0.0.1", ""],
      ["localhost", "127.0.0.1"],
      ["localhost", "localhost"],
      ["1", "0.0.0.1"],
      ["::", "0.0.0.0"],
    ] as const
  ) assertEquals(matches(pattern, host), false, `${pattern} ${host}`);
});

Deno.test("matchesHost() takes ranges as Kafka 4.3 does (KIP-1276)", () => {
  for (
    const [pattern, host, expected] of [
      ["10.0.0.0/8", "10.255.0.1", true],
      ["10.0.0.0/8", "11.0.0.0", false],
      ["10.1.2.3/8", "10.9.9.9", true],
      ["192.168.1.128/25", "192.168.1.127", false],
      ["192.168.1.128/25", "192.168.1.128", true],
      ["10.0.0.1/32", "10.0.0.1", true],
      ["10.0.0.1/32", "10.0.0.0", false],
      ["0.0.0.0/0", "8.8.8.8", true],
      ["0.0.0.0/0", "2001:db8::1", false],
      ["::/0", "2001:db8::1", true],
      ["::/0", "8.8.8.8", true],
      ["2001:db8::/33", "2001:db8:7fff::", true],
      ["2001:db8::/33", "2001:db8:8000::", false],
      ["::ffff:10.0.0.0/104", "10.9.9.9", true],
      ["::ffff:10.0.0.0/104", "11.9.9.9", false],
      ["10.0.0.0/8", "::ffff:10.1.1.1", true],
      ["0.0.0.0/0", "", false],
    ] as const
  ) assertEquals(matches(pattern, host), expected, `${pattern} ${host}`);
});

Deno.test("parseHostPattern() refuses what is written like a range and is none", () => {
  for (
    const text of ["10.0.0.0/33", "::/129", "host/8", "10.0.0.0/", "10.0.0.0/-1", "/8", "1/2/3"]
  ) {
    assertThrows(() => parseHostPattern(text), HostPatternError, text);
  }
});
