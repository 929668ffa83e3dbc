import { assertEquals } from "@std/assert";
import { hintsOf } from "./hints.ts";

const LOCAL = { host: "127.0.0.1", port: 9092 };
const OTHER = { host: "::1", port: 9093 };

Deno.test("hintsOf() names the address of a plaintext listener unless it is the default", () => {
  const protocol = "PLAINTEXT";
  assertEquals(hintsOf({ address: LOCAL, protocol, needsCertificate: false }), [
    "dqueue topic create hello",
    "echo world | dqueue produce hello",
    "dqueue consume hello",
  ]);
  assertEquals(hintsOf({ address: OTHER, protocol, needsCertificate: false }), [
    "dqueue topic create hello -b [::1]:9093",
    "echo world | dqueue produce hello -b [::1]:9093",
    "dqueue consume hello -b [::1]:9093",
  ]);
});

Deno.test("hintsOf() creates a profile where a connection needs more than an address", () => {
  const first = (protocol: "SSL" | "SASL_SSL" | "SASL_PLAINTEXT", needsCertificate = false) => {
    const [profile, ...others] = hintsOf({ address: OTHER, protocol, needsCertificate });
    assertEquals(others.length, 3);
    assertEquals(others.some((line) => line.includes("-b ")), false);
    return profile;
  };
  const start = "dqueue profile create local -b [::1]:9093";
  assertEquals(first("SASL_SSL"), `${start} --tls-ca FILE --user NAME`);
  assertEquals(first("SASL_PLAINTEXT"), `${start} --user NAME`);
  assertEquals(first("SSL"), `${start} --tls-ca FILE`);
  assertEquals(first("SSL", true), `${start} --tls-ca FILE --tls-cert FILE --tls-key FILE`);
});
