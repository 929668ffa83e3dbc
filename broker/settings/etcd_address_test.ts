import { assertEquals, assertThrows } from "@std/assert";
import { parseEtcdAddress } from "./etcd_address.ts";

Deno.test("parseEtcdAddress() parses members, ports and the name", () => {
  const of = (text: string) => {
    const { endpoints, name } = parseEtcdAddress(text);
    return [...endpoints, name];
  };
  assertEquals(of("etcd://a:2379,b:1,c/orders"), [
    "http://a:2379",
    "http://b:1",
    "http://c:2379",
    "orders",
  ]);
  assertEquals(of("etcds://[::1]:443,[::1],a:80/x.y_Z-1"), [
    "https://[::1]:443",
    "https://[::1]:2379",
    "https://a:80",
    "x.y_Z-1",
  ]);
  assertEquals(of("etcd://a:80,a:80/n"), ["http://a:80", "n"]);
});

Deno.test("parseEtcdAddress() explains what is wrong with an address", async (t) => {
  const cases = [
    ["", "is not the address of a metadata store"],
    ["http://a:2379/orders", "is not the address of a metadata store"],
    ["etcd://a:2379", "the cluster's name is missing"],
    ["etcd://a:2379/", "the cluster's name is missing"],
    ["etcd://a:2379/x/y", 'the cluster\'s name "x/y" may have only letters'],
    ["etcd://a:2379/.commits", "may have only letters"],
    ["etcd:///orders", '"" is not HOST:PORT'],
    ["etcd://a,,b/orders", '"" is not HOST:PORT'],
    ["etcd://a:x/orders", '"a:x" is not HOST:PORT'],
    ["etcd://me:pw@a/orders", "user and password do not belong"],
    ["etcd://a/orders?x=1", "is not the address of a metadata store"],
  ] as const;
  for (const [text, reason] of cases) {
    await t.step(text, () => {
      assertThrows(() => parseEtcdAddress(text), SyntaxError, reason);
    });
  }
});
