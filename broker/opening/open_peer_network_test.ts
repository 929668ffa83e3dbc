import { assertRejects, assertThrows } from "@std/assert";
import { openPeerNetwork } from "./open_peer_network.ts";
import { silentLogger } from "../logger.ts";
import { ConfigError, parseBrokerConfig } from "../settings/config.ts";
import { ManualClock } from "../time/clock.ts";
import { readListeners } from "../settings/listeners.ts";

const SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule";
const OAUTHBEARER_PACKAGE = "org.apache.kafka.common.security.oauthbearer";
const MECHANISM = "sasl.mechanism.inter.broker.protocol";
const JAAS = "listener.name.internal.scram-sha-256.sasl.jaas.config";
const INTERNAL = {
  "listeners": "INTERNAL://127.0.0.1:1,PLAINTEXT://127.0.0.1:2",
  "listener.security.protocol.map": "INTERNAL:SASL_PLAINTEXT,PLAINTEXT:PLAINTEXT",
  "inter.broker.listener.name": "INTERNAL",
};

async function open(file: Record<string, string>, hasPeers = true): Promise<void> {
  const config = parseBrokerConfig({ file: { ...INTERNAL, ...file } });
  const listeners = readListeners(config);
  const clock = new ManualClock();
  await openPeerNetwork({ nodeId: 1, listeners, config, hasPeers, clock, logger: silentLogger });
}

Deno.test("openPeerNetwork() accepts a login for the listener of brokers, and none where none is needed", async () => {
  await open({ "inter.broker.listener.name": "PLAINTEXT" });
  await open({}, false);
  const login = `${SCRAM} required username="broker" password="pw";`;
  await open({ [MECHANISM]: "SCRAM-SHA-256", [JAAS]: login });
  await open({ [MECHANISM]: "SCRAM-SHA-256", "sasl.jaas.config": login });
  await open({
    [`listener.name.internal.${MECHANISM}`]: "SCRAM-SHA-512",
    "sasl.jaas.config": login,
  });
});

Deno.test("openPeerNetwork() says what is missing", async () => {
  const scram = { [MECHANISM]: "SCRAM-SHA-256" };
  const cases: [Record<string, string>, string][] = [
    [{}, `set ${MECHANISM} to one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER`],
    [scram, `by listener INTERNAL: set ${JAAS} to a login module`],
    [{ ...scram, [JAAS]: `${SCRAM} required username="broker";` }, 'has no option password="…"'],
    [
      { [MECHANISM]: "PLAIN", "sasl.jaas.config": `${SCRAM} required username="a" password="b";` },
      "is one of SCRAM, not of PLAIN",
    ],
  ];
  for (const [file, message] of cases) {
    await assertRejects(() => open(file), ConfigError, message);
  }
  assertThrows(
    () => parseBrokerConfig({ file: { [MECHANISM]: "GS2-KRB5" } }),
    ConfigError,
    "cannot log in by this",
  );
});

Deno.test("openPeerNetwork() accepts tokens of a file or a provider, as Kafka's documentation has it", async () => {
  const tokens = { [MECHANISM]: "OAUTHBEARER" };
  const jaas = "listener.name.internal.oauthbearer.sasl.jaas.config";
  const url = "sasl.oauthbearer.token.endpoint.url";
  await open({ ...tokens, [url]: "file:///run/token" });
  await open({
    ...tokens,
    "sasl.jaas.config": `${SCRAM} required username="a" password="b";`,
    [url]: "https://issuer.example/token",
    "sasl.oauthbearer.client.credentials.client.id": "broker",
    "sasl.oauthbearer.client.credentials.client.secret": "pw",
  });
  await open({
    ...tokens,
    [jaas]:
      `${OAUTHBEARER_PACKAGE}.OAuthBearerLoginModule required clientId="a" clientSecret="b" ` +
      'extension_cluster="x";',
    [`listener.name.internal.oauthbearer.${url}`]: "https://issuer.example/token",
    "listener.name.internal.oauthbearer.sasl.login.callback.handler.class":
      `${OAUTHBEARER_PACKAGE}.OAuthBearerLoginCallbackHandler`,
    "listener.name.internal.oauthbearer.sasl.server.callback.handler.class":
      `${OAUTHBEARER_PACKAGE}.secured.OAuthBearerValidatorCallbackHandler`,
    "sasl.oauthbearer.jwt.retriever.class": `${OAUTHBEARER_PACKAGE}.ClientCredentialsJwtRetriever`,
  });
  await assertRejects(() => open(tokens), ConfigError, `by listener INTERNAL: set ${url} to where`);
  await assertRejects(
    () => open({ ...tokens, [url]: "https://issuer.example/token" }),
    ConfigError,
    "set sasl.oauthbearer.client.credentials.client.id",
  );
  assertThrows(
    () => parseBrokerConfig({ file: { "sasl.login.callback.handler.class": "evil.Canary" } }),
    ConfigError,
    "classes of Java are not loaded",
  );
});
