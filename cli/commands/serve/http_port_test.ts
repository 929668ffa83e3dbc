import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { Broker, createLogger } from "../../../broker/mod.ts";
import { CommandError } from "../../errors.ts";
import { httpFlags, type HttpFlagValues, openHttp, openWorkersHttp } from "./http_port.ts";

const UNSET: HttpFlagValues = {
  http: undefined,
  httpHost: undefined,
  httpWrites: "on",
  httpStreamRate: undefined,
  httpCorsOrigin: undefined,
};

Deno.test("openHttp() continues without HTTP if its default address is in use, and says so", async () => {
  await using broker = await Broker.start({ storage: "memory" });
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  const address = { host: "127.0.0.1", port };
  const lines: string[] = [];
  const logger = createLogger({ sink: (line) => lines.push(line) });
  assertEquals(await openHttp(broker, UNSET, logger, address), undefined);
  assertStringIncludes(
    lines.join("\n"),
    `Cannot serve HTTP on 127.0.0.1:${port}: the address is in use; continuing without it`,
  );
  await assertRejects(
    () => openHttp(broker, { ...UNSET, http: address }, logger),
    CommandError,
    "choose another with --http",
  );
});

Deno.test("openHttp() serves where it is asked to, and nothing when it is off", async () => {
  await using broker = await Broker.start({ storage: "memory" });
  const lines: string[] = [];
  const logger = createLogger({ sink: (line) => lines.push(line) });
  assertEquals(await openHttp(broker, { ...UNSET, http: "off" }, logger), undefined);
  assertEquals(lines, []);
  await using server = await openHttp(broker, UNSET, logger, { host: "127.0.0.1", port: 0 });
  const response = await fetch(`http://127.0.0.1:${server!.address.port}/livez`);
  assertEquals([response.status, await response.json()], [200, { status: "live" }]);
});

Deno.test("openWorkersHttp() names a port that is in use, and fails only if it was asked for", async () => {
  const lines: string[] = [];
  const logger = createLogger({ sink: (line) => lines.push(line) });
  const brokers = {
    serveHttp: ({ address: { host, port } }: { address: { host: string; port: number } }) =>
      Promise.resolve([
        { broker: 2, wanted: { host, port: port + 1 }, bound: { host, port: port + 1 } },
        { broker: 3, wanted: { host, port: port + 2 }, bound: "the address is in use" },
      ]),
  };
  const address = { host: "127.0.0.1", port: 8080 };
  await openWorkersHttp(brokers, { ...UNSET, http: "off" }, logger);
  assertEquals(lines, []);
  await openWorkersHttp(brokers, UNSET, logger, address);
  const log = lines.join("\n");
  assertStringIncludes(log, "url=http://127.0.0.1:8081 nodeId=2");
  assertStringIncludes(log, "Cannot serve HTTP on 127.0.0.1:8082: the address is in use");
  await assertRejects(
    () => openWorkersHttp(brokers, { ...UNSET, http: address }, logger),
    CommandError,
    "Cannot serve HTTP on 127.0.0.1:8082",
  );
});

Deno.test("--http takes an address with a scheme, and --http-trusted-proxies addresses alone", () => {
  const { http, httpTrustedProxies } = httpFlags;
  const address = { host: "127.0.0.1", port: 8443 };
  assertEquals(http.parse("127.0.0.1:8443"), address);
  assertEquals(http.parse("http://127.0.0.1:8443"), address);
  assertEquals(http.parse("https://127.0.0.1:8443"), { ...address, isSecure: true });
  assertEquals(http.parse("HTTPS://[::1]:8443/"), { host: "::1", port: 8443, isSecure: true });
  assertEquals(http.parse("off"), "off");
  for (const text of ["https://", "ftp://127.0.0.1:1", "https://127.0.0.1:8443/ui"]) {
    assertThrows(() => http.parse(text), Error);
  }
  assertEquals(httpTrustedProxies.parse("::1"), "::1");
  assertThrows(() => httpTrustedProxies.parse("localhost"), Error, "is not an IP address");
});

Deno.test("openHttp() says what to set if HTTPS is asked for without keys", async () => {
  await using broker = await Broker.start({ storage: "memory" });
  const logger = createLogger({ sink: () => {} });
  const http = { host: "127.0.0.1", port: 0, isSecure: true };
  await assertRejects(
    () => openHttp(broker, { ...UNSET, http }, logger),
    CommandError,
    "ssl.keystore",
  );
});
