import { assertEquals } from "@std/assert";
import { inspect } from "node:util";
import { BrokerConfig, parseBrokerConfig } from "./config.ts";
import { Secret } from "./secret.ts";

const CANARY = "canary-7d1f";

Deno.test("Secret is hidden as text, as JSON, in logs and in errors", () => {
  const secret = new Secret(CANARY);
  assertEquals(secret.reveal(), CANARY);
  const shown = [
    `${secret}`,
    String(secret),
    JSON.stringify({ secret }),
    Deno.inspect({ secret, list: [secret], map: new Map([[secret, secret]]) }),
    inspect({ secret }),
    JSON.stringify(Object.entries(secret)),
    Object.getOwnPropertyNames(secret).join(),
  ];
  for (const text of shown) assertEquals(text.includes(CANARY), false, text);
});

Deno.test("BrokerConfig takes secrets as text or as Secret, and shows neither", () => {
  const name = "ssl.key.password";
  for (const value of [CANARY, new Secret(CANARY)]) {
    const config = parseBrokerConfig({ file: { [name]: value } });
    assertEquals(config.get(name)?.reveal(), CANARY);
    assertEquals(Deno.inspect(config, { depth: 10 }).includes(CANARY), false);
    assertEquals(JSON.stringify(config).includes(CANARY), false);
  }
  assertEquals(BrokerConfig.from({ [name]: new Secret(CANARY) }).get(name)?.reveal(), CANARY);
  assertEquals(parseBrokerConfig({ env: { DQUEUE_SSL_KEY_PASSWORD: "" } }).get(name), null);
});
