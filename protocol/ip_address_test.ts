import { assertEquals } from "@std/assert";
import { addressGroup, parseAddress } from "./ip_address.ts";

Deno.test("parseAddress() knows what is no address", () => {
  for (
    const text of [
      "",
      "1.2.3",
      "1.2.3.256",
      "1.2.3.4.5",
      ":",
      ":::",
      "1:2",
      "1::2::3",
      "::12345",
    ] as const
  ) assertEquals(parseAddress(text), undefined, text);
  assertEquals(parseAddress("1:2:3:4:5:6:7::")?.length, 16);
  assertEquals(parseAddress("1:2:3:4:5:6:7:8::"), undefined);
});

Deno.test("addressGroup() counts an IPv6 network of 64 bits as one, and IPv4 addresses alone", () => {
  assertEquals(addressGroup("::ffff:10.0.0.1"), "10.0.0.1");
  assertEquals(addressGroup("2001:db8::1"), addressGroup("2001:db8:0:0:ff::9"));
  assertEquals(addressGroup("2001:db8::1") === addressGroup("2001:db8:0:1::1"), false);
  assertEquals(addressGroup("somewhere"), "somewhere");
});
