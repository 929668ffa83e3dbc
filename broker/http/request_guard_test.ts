import { assertEquals, assertThrows } from "@std/assert";
import { HttpError } from "./http_error.ts";
import { type GuardOptions, RequestGuard } from "./request_guard.ts";

const LOCAL: GuardOptions = { address: { host: "127.0.0.1", port: 8080 } };

function request(
  url: string,
  headers: Record<string, string> = {},
  method = "GET",
): Request {
  return new Request(url, { method, headers: { host: new URL(url).host, ...headers } });
}

/** The status that a request is refused with; undefined if it is let in. */
function refusal(options: GuardOptions, asked: Request): number | undefined {
  try {
    return new RequestGuard(options).check(asked)?.status;
  } catch (error) {
    if (error instanceof HttpError) return error.status;
    throw error;
  }
}

Deno.test("RequestGuard.check() lets in the names of this machine alone while only it can connect", () => {
  for (const host of ["localhost", "127.0.0.1", "[::1]"]) {
    assertEquals(refusal(LOCAL, request(`http://${host}:8080/v3/clusters`)), undefined, host);
  }
  for (const host of ["evil.example", "localhost.evil.example", "127.0.0.2", "10.0.0.1"]) {
    assertEquals(refusal(LOCAL, request(`http://${host}:8080/metrics`)), 421, host);
  }
  assertEquals(refusal({ ...LOCAL, hosts: ["box"] }, request("http://box/metrics")), undefined);
  const open = { address: { host: "0.0.0.0", port: 8080 } };
  assertEquals(refusal(open, request("http://kafka.example.com/metrics")), undefined);
});

Deno.test("RequestGuard.check() refuses changes and WebSockets from other origins", () => {
  const url = "http://localhost:8080/topics/a";
  const from = (origin: string, more: Record<string, string> = {}) => ({ origin, ...more });
  const post = (headers: Record<string, string>) => refusal(LOCAL, request(url, headers, "POST"));
  assertEquals(post({}), undefined, "curl sends no Origin");
  assertEquals(post(from("http://localhost:8080")), undefined);
  assertEquals(post(from("https://evil.example")), 403);
  assertEquals(post(from("null")), 403, "a sandboxed frame");
  assertEquals(post(from("http://localhost:3000")), 403, "another port is another origin");
  assertEquals(post({ "sec-fetch-site": "cross-site" }), 403);
  assertEquals(post({ "sec-fetch-site": "same-origin" }), undefined);
  const upgrade = (origin: string) =>
    refusal(LOCAL, request(url, from(origin, { upgrade: "websocket" })));
  assertEquals(upgrade("https://evil.example"), 403);
  assertEquals(upgrade("http://localhost:8080"), undefined);
  assertEquals(refusal(LOCAL, request(url, from("https://evil.example"))), undefined, "a GET");
  for (const method of ["PUT", "PATCH", "DELETE"]) {
    assertEquals(refusal(LOCAL, request(url, from("https://evil.example"), method)), 403, method);
  }
});

Deno.test("RequestGuard allows other origins only those that are listed", () => {
  const options = { ...LOCAL, corsOrigins: ["https://app.example"] };
  const guard = new RequestGuard(options);
  const headers = {
    origin: "https://app.example",
    "access-control-request-method": "POST",
    "access-control-request-headers": "content-type",
  };
  const preflight = request("http://localhost:8080/topics/a", headers, "OPTIONS");
  const answer = guard.decorate(preflight, guard.check(preflight)!);
  assertEquals(answer.status, 204);
  assertEquals(answer.headers.get("access-control-allow-origin"), "https://app.example");
  assertEquals(answer.headers.get("access-control-allow-headers"), "content-type");
  assertEquals(answer.headers.get("vary"), "Origin");
  assertEquals(answer.headers.has("access-control-allow-credentials"), false);
  const other = request("http://localhost:8080/topics/a", {
    ...headers,
    origin: "https://b.example",
  }, "OPTIONS");
  assertThrows(() => guard.check(other), HttpError, "--http-cors-origin");
  const read = request("http://localhost:8080/topics", { origin: "https://b.example" });
  const plain = guard.decorate(read, new Response("[]"));
  assertEquals(plain.headers.has("access-control-allow-origin"), false);
  assertEquals(plain.headers.get("x-content-type-options"), "nosniff");
  const closed = new RequestGuard(LOCAL);
  assertThrows(() => closed.check(preflight), HttpError);
});
