import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Broker } from "../mod.ts";
import { partsOf } from "../broker.ts";
import { HttpServer } from "./http_server.ts";

/** A broker in memory with an HTTP port. */
async function start(): Promise<AsyncDisposable & { broker: Broker; url: string; port: number }> {
  await using opened = new AsyncDisposableStack();
  const broker = opened.use(await Broker.start({ storage: "memory" }));
  const server = opened.use(
    HttpServer.start({ broker, address: { host: "127.0.0.1", port: 0 }, version: "1.2.3" }),
  );
  const { port } = server.address;
  const owned = opened.move();
  return {
    broker,
    port,
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Sends a request as text and returns the answer, which `fetch` would not allow. */
async function exchange(port: number, head: string): Promise<string> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await conn.write(new TextEncoder().encode(`${head}\r\nConnection: close\r\n\r\n`));
  return await new Response(conn.readable).text();
}

Deno.test("HttpServer answers health checks, and says what is not ready", async () => {
  await using http = await start();
  const live = await fetch(`${http.url}/livez`);
  assertEquals([live.status, await live.json()], [200, { status: "live" }]);
  const ready = await fetch(`${http.url}/readyz`);
  assertEquals(ready.status, 200);
  const { status, checks } = await ready.json();
  assertEquals(status, "ready");
  assertEquals(
    checks.map(({ name, ok }: { name: string; ok: boolean }) => [name, ok]),
    [["data-folder", true], ["metadata", true], ["groups-loaded", true], ["disk", true], [
      "closing",
      true,
    ]],
  );
});

Deno.test("HttpServer is not ready while groups load, or their log has failed", async () => {
  await using http = await start();
  const { groups } = partsOf(http.broker).context;
  await groups.ensureTopic();
  groups.shards[0]!.fail(new Error("the disk is gone"));
  const ready = await fetch(`${http.url}/readyz`);
  assertEquals(ready.status, 503);
  const { status, checks } = await ready.json();
  assertEquals(status, "not ready");
  const [wrong] = checks.filter(({ ok }: { ok: boolean }) => !ok);
  assertEquals(wrong.name, "groups-loaded");
  assertEquals(wrong.detail, "1 of 50 partitions of groups have failed");
  assert(!Number.isNaN(Date.parse(wrong.since)));
  assertStringIncludes(await (await fetch(`${http.url}/metrics`)).text(), "\ndqueue_ready 0\n");
});

Deno.test("HttpServer answers what is not there, or not possible, with an error as JSON", async () => {
  await using http = await start();
  const nothing = await fetch(`${http.url}/nothing?q=1`);
  assertEquals(nothing.status, 404);
  assertEquals(await nothing.json(), { error_code: 404, message: "There is nothing at /nothing" });
  const post = await fetch(`${http.url}/metrics`, { method: "POST", body: "x" });
  assertEquals([post.status, post.headers.get("allow")], [405, "GET, HEAD"]);
  assertEquals((await post.json()).error_code, 405);
  const head = await fetch(`${http.url}/livez`, { method: "HEAD" });
  assertEquals([head.status, await head.text()], [200, ""]);
  assertEquals(head.headers.get("x-content-type-options"), "nosniff");
});

Deno.test("HttpServer refuses requests for another host and from another origin", async () => {
  await using http = await start();
  const rebound = await exchange(http.port, "GET /metrics HTTP/1.1\r\nHost: evil.example");
  assertStringIncludes(rebound, "HTTP/1.1 421 ");
  assertStringIncludes(rebound, '"error_code":421');
  const foreign = await exchange(
    http.port,
    "POST /livez HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\nContent-Length: 0",
  );
  assertStringIncludes(foreign, "HTTP/1.1 403 ");
  const own = await exchange(http.port, `GET /livez HTTP/1.1\r\nHost: localhost:${http.port}`);
  assertStringIncludes(own, "HTTP/1.1 200 ");
});

Deno.test("HttpServer.close() ends while a client holds a connection open", async () => {
  await using http = await start();
  using idle = await Deno.connect({ hostname: "127.0.0.1", port: http.port });
  await idle.write(new TextEncoder().encode("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  await idle.read(new Uint8Array(1000));
  await idle.write(new TextEncoder().encode("GET /livez HT"));
});
