import { assert, assertEquals, assertThrows } from "@std/assert";
import { jaasClient } from "./jaas_client.ts";
import { JaasConfigError, parseJaasConfig } from "./jaas_config.ts";
import { parsePlain } from "./plain.ts";

const PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule";
const SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule";

function optionsOf(text: string): Record<string, string> {
  return Object.fromEntries(parseJaasConfig(text).options);
}

Deno.test("parseJaasConfig() reads what Java's clients accept", () => {
  assertEquals(parseJaasConfig(`${SCRAM} required username="a" password='b c';`), {
    mechanism: "SCRAM",
    options: new Map([["username", "a"], ["password", "b c"]]),
  });
  assertEquals(
    optionsOf(`${PLAIN}\n\tREQUIRED\n  username=a-b_c.d // name\n  /* = */ password = "" ;\n`),
    {
      username: "a-b_c.d",
      password: "",
    },
  );
  assertEquals(optionsOf(String.raw`${PLAIN} optional p="a\"b\\c\n\101;=//d";`), {
    p: 'a"b\\c\nA;=//d',
  });
  assertEquals(
    parseJaasConfig(
      "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;",
    ),
    { mechanism: "OAUTHBEARER", options: new Map() },
  );
});

Deno.test("parseJaasConfig() rejects other texts without a word of their values", () => {
  const secret = "canary";
  const cases: [string, string][] = [
    ["", "names no login module"],
    [`com.sun.security.auth.module.JndiLoginModule required p="${secret}";`, "is not known"],
    [`${PLAIN} p="${secret}";`, "is not followed by one of required"],
    [`${PLAIN} required p "${secret}";`, "option 1 is not of the form"],
    [`${PLAIN} required username="a" p=;`, "option 2 is not of the form"],
    [`${PLAIN} required p="${secret}"`, "does not end with a semicolon"],
    [`${PLAIN} required p="${secret}"; ${PLAIN} required;`, "more than one login module"],
    [`${PLAIN} required p="${secret}`, "cannot be read at character"],
    [`${PLAIN} required p="${secret}\n";`, "cannot be read at character"],
    [`${PLAIN} required p="${"a".repeat(70_000)}";`, "longer than"],
  ];
  for (const [text, message] of cases) {
    const { message: found } = assertThrows(() => parseJaasConfig(text), JaasConfigError, message);
    assert(!found.includes(secret), found);
  }
});

Deno.test("jaasClient() starts an exchange with user and password", () => {
  const text = `${PLAIN} required username="alice" password="pw" user_bob="other";`;
  const client = jaasClient(parseJaasConfig(text), "PLAIN");
  assertEquals(parsePlain(client.start()), { authzid: "", user: "alice", password: "pw" });
  const scram = parseJaasConfig(`${SCRAM} required username="alice" password="pw";`);
  for (const mechanism of ["SCRAM-SHA-256", "SCRAM-SHA-512"]) {
    assertEquals(jaasClient(scram, mechanism).mechanism, mechanism);
  }
});

Deno.test("jaasClient() rejects modules of other mechanisms, and those without user or password", () => {
  const cases: [string, string, string][] = [
    [`${SCRAM} required username="a" password="b";`, "PLAIN", "is one of SCRAM, not of PLAIN"],
    [`${PLAIN} required username="a" password="b";`, "SCRAM-SHA-256", "not of SCRAM-SHA-256"],
    [`${PLAIN} required password="b";`, "PLAIN", 'no option username="…"'],
    [`${PLAIN} required username="a";`, "PLAIN", 'no option password="…"'],
  ];
  for (const [text, mechanism, message] of cases) {
    assertThrows(() => jaasClient(parseJaasConfig(text), mechanism), JaasConfigError, message);
  }
});
