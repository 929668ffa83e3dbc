import { assertEquals, assertRejects } from "@std/assert";
import { Broker } from "../../broker.ts";
import { ConfigError } from "../../settings/config.ts";
import { saslHandshake } from "../../../protocol/messages/security/sasl_handshake.ts";
import { RawConnection } from "../../../tests/support/protocol/raw_connection.ts";

const start = (config: Record<string, unknown>) =>
  Broker.start({
    storage: "memory",
    listen: "EXTERNAL://127.0.0.1:0",
    config: {
      "listener.security.protocol.map": "EXTERNAL:SASL_PLAINTEXT",
      "inter.broker.listener.name": "EXTERNAL",
      "sasl.mechanism.inter.broker.protocol": "PLAIN",
      ...config,
    } as never,
  });

Deno.test("Broker does not start a listener whose mechanisms are not served, and says what to set", async () => {
  for (
    const [config, text] of [
      [
        {},
        "sasl.enabled.mechanisms has GSSAPI by default, which this broker does not serve; set it",
      ],
      [{ "sasl.enabled.mechanisms": "GSSAPI,PLAIN" }, "sasl.enabled.mechanisms has GSSAPI, which"],
      [
        {
          "sasl.enabled.mechanisms": "PLAIN",
          "listener.name.external.sasl.enabled.mechanisms": "GSSAPI",
        },
        "listener EXTERNAL: sasl.enabled.mechanisms has GSSAPI",
      ],
      [{ "sasl.enabled.mechanisms": "plain" }, "must be one of: PLAIN, SCRAM-SHA-256"],
      [{ "sasl.enabled.mechanisms": "OAUTHBEARER" }, "set sasl.oauthbearer.jwks.endpoint.url to"],
    ] as const
  ) {
    await assertRejects(
      async () => {
        await using _ = await start(config);
      },
      ConfigError,
      text,
    );
  }
});

Deno.test("Broker offers each listener the mechanisms that are enabled for it", async () => {
  await using broker = await start({
    "sasl.enabled.mechanisms": "PLAIN",
    "listener.name.external.sasl.enabled.mechanisms": "SCRAM-SHA-512,SCRAM-SHA-256",
    "connection.failed.authentication.delay.ms": 0,
  });
  const { host, port } = broker.addresses[0]!;
  using connection = await RawConnection.connect(`${host}:${port}`);
  const { errorCode, mechanisms } = await connection.request(saslHandshake, 1, {
    mechanism: "PLAIN",
  });
  assertEquals([errorCode, mechanisms], [33, ["SCRAM-SHA-512", "SCRAM-SHA-256"]]);
});
