import { assertEquals } from "@std/assert";
import type { Endpoint } from "../settings/listeners.ts";
import { decodeEndpoints, encodeEndpoints } from "./broker_endpoints.ts";

const PLAINTEXT: Endpoint = { name: "PLAINTEXT", protocol: "PLAINTEXT", host: "a", port: 1 };
const SSL: Endpoint = { name: "SSL", protocol: "SSL", host: "a", port: 2 };

Deno.test("encodeEndpoints() leaves a single plaintext listener as it was before they had names", () => {
  const plain = { host: "a", port: 1 };
  assertEquals(encodeEndpoints({ ...plain, endpoints: [PLAINTEXT] }), plain);
  assertEquals(encodeEndpoints(plain), plain);
  assertEquals(decodeEndpoints(plain), {
    ...plain,
    endpoints: [PLAINTEXT],
    interBrokerListener: "PLAINTEXT",
  });
});

Deno.test("decodeEndpoints() has what encodeEndpoints() was given", () => {
  for (
    const [endpoints, interBrokerListener] of [
      [[PLAINTEXT, SSL], "PLAINTEXT"],
      [[SSL], "SSL"],
      [[{ ...PLAINTEXT, protocol: "SSL" }], "PLAINTEXT"],
    ] as [Endpoint[], string][]
  ) {
    const { host, port } = endpoints.find(({ name }) => name === interBrokerListener)!;
    const given = { host, port, endpoints, interBrokerListener };
    assertEquals(decodeEndpoints(encodeEndpoints(given)), given);
  }
});
