import { assertEquals } from "@std/assert";
import { isForLoopback, isOwnRequest } from "./own_request.ts";

function ask(url: string, address: string, headers: Record<string, string> = {}) {
  const request = new Request(url, { headers });
  return [isOwnRequest(request, address), isOwnRequest(request, address) && isForLoopback(request)];
}

Deno.test("isOwnRequest() is true for programs of this machine alone", () => {
  assertEquals(ask("http://localhost:8080/", "127.0.0.1"), [true, true]);
  assertEquals(ask("http://[::1]:8080/", "::1"), [true, true]);
  assertEquals(ask("http://127.0.0.1:8080/", "::ffff:127.0.0.1"), [true, true]);
  assertEquals(ask("http://localhost:8080/", "10.0.0.1"), [false, false]);
});

Deno.test("isOwnRequest() is false for what a proxy of this machine passes on", () => {
  for (const name of ["Forwarded", "Via", "X-Forwarded-For", "X-Real-IP"]) {
    assertEquals(ask("http://localhost/", "127.0.0.1", { [name]: "10.0.0.1" }), [false, false]);
  }
});

Deno.test("isForLoopback() is false for a name that may have been made to resolve to this machine", () => {
  assertEquals(ask("http://evil.example:8080/", "127.0.0.1"), [true, false]);
  assertEquals(ask("http://127.0.0.1.evil.example/", "127.0.0.1"), [true, false]);
});
