import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError, parseBrokerConfig } from "./config.ts";
import { readListeners } from "./listeners.ts";
import { SettingValueError } from "./setting.ts";

function read(file: Record<string, unknown>) {
  return readListeners(parseBrokerConfig({ file }));
}

/** The addresses that are announced if ports are bound from 5000 on. */
function announced(file: Record<string, unknown>): string[] {
  const listeners = read(file);
  const bound = listeners.all.map(({ bind: { host } }, i) => ({ host, port: 5000 + i }));
  return listeners.endpoints(bound).map(({ name, protocol, host, port }) =>
    `${name} ${protocol} ${host} ${port}`
  );
}

Deno.test("readListeners() gives each address the protocol of its name", () => {
  const listeners = read({
    "listeners": "127.0.0.1:1,internal://10.0.0.1:2,SASL_SSL://:3",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT, internal:ssl, SASL_SSL:SASL_SSL",
    "inter.broker.listener.name": "Internal",
  });
  assertEquals(listeners.all, [
    { name: "PLAINTEXT", protocol: "PLAINTEXT", bind: at("127.0.0.1", 1), isInterBroker: false },
    { name: "INTERNAL", protocol: "SSL", bind: at("10.0.0.1", 2), isInterBroker: true },
    { name: "SASL_SSL", protocol: "SASL_SSL", bind: at("0.0.0.0", 3), isInterBroker: false },
  ]);
  assertEquals(listeners.interBroker, { name: "INTERNAL", protocol: "SSL" });
});

Deno.test("readListeners() takes the only listener for other brokers unless a setting says otherwise", () => {
  const cases: [Record<string, unknown>, string][] = [
    [{}, "PLAINTEXT"],
    [{ listeners: "SASL_SSL://127.0.0.1:9093" }, "SASL_SSL"],
    [{ listeners: "SSL://a:1,PLAINTEXT://a:2" }, "PLAINTEXT"],
    [{ listeners: "SSL://a:1,PLAINTEXT://a:2", "security.inter.broker.protocol": "SSL" }, "SSL"],
    [
      { listeners: "SSL://a:1,SASL_SSL://a:2", "inter.broker.listener.name": "sasl_ssl" },
      "SASL_SSL",
    ],
  ];
  for (const [file, name] of cases) assertEquals(read(file).interBroker.name, name);
});

Deno.test("Listeners.endpoints() are the announced addresses, one for each name", () => {
  assertEquals(announced({ listeners: "127.0.0.1:0,[::1]:0" }), [
    "PLAINTEXT PLAINTEXT 127.0.0.1 5000",
  ]);
  const two = { listeners: "SSL://0.0.0.0:0,PLAINTEXT://127.0.0.1:0" };
  assertEquals(announced(two), [
    `SSL SSL ${Deno.hostname()} 5000`,
    "PLAINTEXT PLAINTEXT 127.0.0.1 5001",
  ]);
  const given = { ...two, "advertised.listeners": "plaintext://:7,SSL://kafka.example.com:0" };
  assertEquals(announced(given), [
    `PLAINTEXT PLAINTEXT ${Deno.hostname()} 7`,
    "SSL SSL kafka.example.com 5000",
  ]);
  // As in Kafka, clients of a listener that is not announced do not find the broker.
  assertEquals(announced({ ...two, "advertised.listeners": "kafka.example.com:9092" }), [
    "PLAINTEXT PLAINTEXT kafka.example.com 9092",
  ]);
});

Deno.test("readListeners() leaves settings of the HTTP port to that", () => {
  assertEquals(
    read({ "listener.name.http.sasl.oauthbearer.expected.audience": "a" }).all.length,
    1,
  );
});

Deno.test("readListeners() rejects settings that do not fit together, and says what to change", () => {
  const cases: [Record<string, unknown>, string][] = [
    [
      { listeners: "EXTERNAL://a:1" },
      "no security protocol is defined for listener EXTERNAL; add EXTERNAL:PROTOCOL to " +
      "listener.security.protocol.map",
    ],
    [
      { "listeners": "EMBEDDED://a:1", "listener.security.protocol.map": "EMBEDDED:SSL" },
      "connections within the broker have that name; choose another",
    ],
    [
      { listeners: "SSL://a:1,SASL_SSL://a:2" },
      "Cannot tell by which of the listeners SSL, SASL_SSL brokers reach each other; set " +
      "inter.broker.listener.name",
    ],
    [
      { listeners: "SSL://a:1", "security.inter.broker.protocol": "PLAINTEXT" },
      "Cannot use security.inter.broker.protocol=PLAINTEXT: there is no such listener in " +
      "advertised.listeners; choose one of SSL",
    ],
    [
      { "inter.broker.listener.name": "PLAINTEXT", "security.inter.broker.protocol": "PLAINTEXT" },
      "together: remove one of them",
    ],
    [
      { "inter.broker.listener.name": "OTHER" },
      "no security protocol is defined for listener OTHER",
    ],
    [
      { listeners: "SSL://a:1", "advertised.listeners": "kafka.example.com:9092" },
      "there is no listener PLAINTEXT, the listeners are SSL; write SSL://kafka.example.com:9092",
    ],
    [{ "advertised.listeners": "a:1,b:2" }, "PLAINTEXT is there twice"],
    [{ "advertised.listeners": "0.0.0.0:1" }, "clients cannot connect to 0.0.0.0"],
    [{ "advertised.listeners": "[::]:1" }, "clients cannot connect to ::"],
    [{ listeners: "SSL://a:1,PLAINTEXT://a:1" }, "SSL and PLAINTEXT both have a:1"],
    [
      { "listener.name.external.ssl.client.auth": "none" },
      "there is no listener EXTERNAL, the listeners are PLAINTEXT",
    ],
    [
      {
        "listeners": "A_B://a:1,A-B://a:2",
        "listener.security.protocol.map": "A_B:SSL,A-B:SSL",
        "inter.broker.listener.name": "A_B",
      },
      "Cannot use listeners A_B and A-B together",
    ],
  ];
  for (const [file, message] of cases) {
    assertThrows(() => read(file), ConfigError, message, JSON.stringify(file));
  }
});

Deno.test("parseBrokerConfig() rejects listeners and protocols that have another form", () => {
  const cases: [string, string, string][] = [
    ["listeners", "SSL://", "is not of the form HOST:PORT"],
    ["listeners", "://a:1", "is not of the form NAME://HOST:PORT"],
    ["listeners", "A.B://a:1", "with a name of letters, digits, _ and -"],
    ["listener.security.protocol.map", "A", "is not of the form NAME:PROTOCOL"],
    ["listener.security.protocol.map", "A:TLS", "unknown protocol, expected one of PLAINTEXT, SSL"],
    ["listener.security.protocol.map", "a:SSL,A:SSL", "listener A is there twice"],
    ["security.inter.broker.protocol", "TLS", "PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL"],
  ];
  for (const [name, text, message] of cases) {
    assertThrows(() => parseBrokerConfig({ file: { [name]: text } }), ConfigError, message);
  }
});

Deno.test("parseBrokerConfig() takes settings of single listeners from files, flags and variables", () => {
  const config = parseBrokerConfig({
    file: { "listener.name.Internal.ssl.client.auth": "none" },
    flags: { "listener-name-my-net-scram-sha-256-sasl-server-max-receive-size": "524288" },
    env: { DQUEUE_LISTENER_NAME_MY_NET_CONNECTIONS_MAX_REAUTH_MS: "0" },
  });
  assertEquals([...config.overrides], [
    ["listener.name.internal.ssl.client.auth", {
      listener: "internal",
      mechanism: undefined,
      setting: "ssl.client.auth",
    }],
    ["listener.name.my-net.connections.max.reauth.ms", {
      listener: "my-net",
      mechanism: undefined,
      setting: "connections.max.reauth.ms",
    }],
    ["listener.name.my-net.scram-sha-256.sasl.server.max.receive.size", {
      listener: "my-net",
      mechanism: "scram-sha-256",
      setting: "sasl.server.max.receive.size",
    }],
  ]);
});

Deno.test("parseBrokerConfig() rejects settings that a listener cannot have", () => {
  const cases: [string, string][] = [
    ["listener.name.internal", "it is not of the form listener.name.NAME.SETTING"],
    ["listener.name.internal.ssl.client.atuh", 'there is no setting "ssl.client.atuh"'],
    ["listener.name.internal.num.partitions", "all listeners have the same num.partitions"],
  ];
  for (const [name, message] of cases) {
    assertThrows(() => parseBrokerConfig({ file: { [name]: "1" } }), ConfigError, message);
  }
  assertThrows(
    () => parseBrokerConfig({ flags: { "listener-name-internal-num-partitions": "1" } }),
    ConfigError,
    "it does not end with a setting that listeners have",
  );
});

Deno.test("readListeners() rejects replacements of `listeners` that are not addresses", () => {
  assertThrows(() => readListeners(parseBrokerConfig({}), ["nowhere"]), SettingValueError);
});

function at(host: string, port: number) {
  return { host, port };
}
