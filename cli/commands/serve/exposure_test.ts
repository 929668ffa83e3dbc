import { assertEquals, assertStringIncludes } from "@std/assert";
import { exposureOf } from "./exposure.ts";

Deno.test("exposureOf() warns only about addresses that other machines can reach", () => {
  for (const host of ["127.0.0.1", "127.1.2.3", "::1", "localhost"]) {
    assertEquals(exposureOf({ host, port: 9092 }), undefined);
  }
  for (const host of ["0.0.0.0", "::", "10.0.0.1", "kafka.example.com", "127.example.com"]) {
    assertStringIncludes(exposureOf({ host, port: 9092 })!, "without authentication");
  }
});
