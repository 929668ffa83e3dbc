import { assertEquals } from "@std/assert";
import { RequestSources } from "./request_source.ts";

function of(proxies: readonly string[], peer: string, headers: Record<string, string> = {}) {
  const request = new Request("http://localhost:8080/", { headers });
  return new RequestSources(proxies).of(request, peer);
}

const XFF = "x-forwarded-for";

Deno.test("RequestSources.of() believes nobody by default", () => {
  assertEquals(of([], "127.0.0.1"), { address: "127.0.0.1", isOwn: true });
  assertEquals(of([], "10.0.0.1"), { address: "10.0.0.1", isOwn: false });
  assertEquals(of([], "127.0.0.1", { [XFF]: "10.9.9.9" }), { address: "127.0.0.1", isOwn: false });
  assertEquals(of(["10.0.0.2"], "10.0.0.1", { [XFF]: "127.0.0.1" }), {
    address: "10.0.0.1",
    isOwn: false,
  });
});

Deno.test("RequestSources.of() takes the client from the header of a proxy, and nothing that the client put there", () => {
  const proxies = ["127.0.0.1", "10.0.0.2"];
  const forwarded = { [XFF]: "127.0.0.1, 10.9.9.9, 10.0.0.2" };
  for (const peer of ["127.0.0.1", "::ffff:127.0.0.1"]) {
    assertEquals(of(proxies, peer, forwarded), { address: "10.9.9.9", isOwn: false });
  }
  assertEquals(of(proxies, "127.0.0.1", { [XFF]: "2001:db8::1" }).address, "2001:db8::1");
  // A client of the proxy's machine is no program of this one.
  assertEquals(of(proxies, "127.0.0.1", { [XFF]: "127.0.0.1" }), {
    address: "127.0.0.1",
    isOwn: false,
  });
});

Deno.test("RequestSources.of() has no own requests by a proxy that adds no header, or an unreadable one", () => {
  const headers: Record<string, string>[] = [{}, { [XFF]: "unknown" }, { [XFF]: "" }];
  for (const given of headers) {
    assertEquals(of(["127.0.0.1"], "127.0.0.1", given), { address: "127.0.0.1", isOwn: false });
  }
  const half = { [XFF]: "10.9.9.9, unknown" };
  assertEquals(of(["127.0.0.1"], "127.0.0.1", half).address, "127.0.0.1");
});
