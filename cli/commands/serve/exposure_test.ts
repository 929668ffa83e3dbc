import { assertEquals, assertStringIncludes } from "@std/assert";
import { type ExposedHttp, type ExposedListener, exposureOf, httpExposureOf } from "./exposure.ts";

function listener(fields: Partial<ExposedListener> & { readonly host?: string }): ExposedListener {
  const { host = "10.0.0.1", ...rest } = fields;
  return {
    address: { host, port: 9092 },
    protocol: "PLAINTEXT",
    needsCertificate: false,
    takesPasswords: false,
    isForBrokers: false,
    isOpen: false,
    ...rest,
  };
}

function http(host: string, isSecure: boolean, isOpen: boolean): ExposedHttp {
  return { address: { host, port: 8080 }, isSecure, isOpen };
}

Deno.test("exposureOf() warns only about addresses that other machines can reach", () => {
  for (const host of ["127.0.0.1", "127.1.2.3", "::1", "localhost"]) {
    assertEquals(exposureOf(listener({ host, isOpen: true })), undefined);
    assertEquals(exposureOf(listener({ host, takesPasswords: true })), undefined);
    assertEquals(httpExposureOf(http(host, false, true)), undefined);
  }
  for (const host of ["0.0.0.0", "::", "10.0.0.1", "kafka.example.com", "127.example.com"]) {
    assertStringIncludes(exposureOf(listener({ host, isOpen: true }))!, "without authentication");
    assertStringIncludes(httpExposureOf(http(host, false, true))!, "without authentication");
  }
});

Deno.test("exposureOf() says what a listener lacks, and what follows from it", () => {
  const everything = "without authentication: everyone who can reach the address can read, write";
  const cases: [Partial<ExposedListener>, string | undefined][] = [
    [{ isOpen: true }, everything],
    [{ isOpen: true, protocol: "SSL" }, everything],
    [{ isOpen: true, protocol: "SSL", needsCertificate: true }, undefined],
    [{ protocol: "SSL" }, undefined],
    [
      { protocol: "SSL", isForBrokers: true },
      "without authentication: clients, other brokers included, are User:ANONYMOUS",
    ],
    [{ protocol: "SASL_SSL", takesPasswords: true, isForBrokers: true }, undefined],
    [{ protocol: "SASL_PLAINTEXT" }, "without encryption: others on the way can read records"],
    [
      { protocol: "SASL_PLAINTEXT", takesPasswords: true },
      "without encryption: others on the way can read passwords and records, and change them",
    ],
    [
      {},
      "without encryption: others on the way can read records, and change them; without " +
      "authentication: clients are User:ANONYMOUS",
    ],
  ];
  for (const [fields, expected] of cases) {
    const warning = exposureOf(listener(fields));
    if (expected === undefined) assertEquals(warning, undefined, JSON.stringify(fields));
    else assertStringIncludes(warning ?? "", expected, JSON.stringify(fields));
  }
});

Deno.test("httpExposureOf() warns about passwords in clear, and about clients without any", () => {
  assertStringIncludes(
    httpExposureOf(http("10.0.0.1", false, false))!,
    "read passwords and records",
  );
  assertEquals(httpExposureOf(http("10.0.0.1", true, false)), undefined);
  assertStringIncludes(httpExposureOf(http("0.0.0.0", true, true))!, "without authentication");
});
