import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import { metadata, saslAuthenticate, saslHandshake } from "../../protocol/messages/mod.ts";
import { resolveClientOptions, saslAuthenticator } from "../client_options.ts";
import { ClientCore } from "../connection/client_core.ts";
import {
  AuthenticationError,
  ConnectionError,
  KafkaError,
  TimeoutError,
  UsageError,
} from "../errors.ts";
import { DISCONNECT, FakeCluster } from "../testing/fake_cluster.ts";
import { demandSasl } from "../testing/fake_sasl.ts";
import { renewalDelayMs } from "./authenticator.ts";
import { resolveSasl, type SecurityOptions } from "./security_options.ts";

type Sasl = SecurityOptions["sasl"];

/** A client of a cluster in memory that authenticates, as one over a network does. */
function clientOf(cluster: FakeCluster, sasl: Sasl, timeoutMs = 5000): ClientCore {
  return new ClientCore({
    ...resolveClientOptions({ broker: cluster, timeoutMs, retry: { initialBackoffMs: 0 } }),
    authenticator: saslAuthenticator(resolveSasl(sasl)!),
  });
}

/** Runs one request of a client that is closed afterwards. */
async function askOnce(cluster: FakeCluster, sasl: Sasl, timeoutMs?: number): Promise<void> {
  const core = clientOf(cluster, sasl, timeoutMs);
  try {
    await core.retry("ask", {}, () => core.requestAny(metadata, { topics: [] }));
  } finally {
    await core.close();
    await cluster.idle();
  }
}

function user(
  mechanism: "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512",
  password = "secret",
  username = "alice",
) {
  return { mechanism, username, password };
}

Deno.test("Client authenticates before its first request with each mechanism", async (t) => {
  for (const mechanism of ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] as const) {
    await t.step(mechanism, async () => {
      const cluster = new FakeCluster();
      const logins = await demandSasl(cluster, { mechanisms: [mechanism] });
      await askOnce(cluster, user(mechanism));
      assertEquals(logins, ["alice"]);
      const apis = cluster.requests.map(({ api }) => api);
      assertEquals(apis.slice(0, 3), ["ApiVersions", "SaslHandshake", "SaslAuthenticate"]);
      assertEquals(apis.at(-1), "Metadata");
    });
  }
  await t.step("OAUTHBEARER", async () => {
    const cluster = new FakeCluster();
    const logins = await demandSasl(cluster, { mechanisms: ["OAUTHBEARER"], token: "a.b.c" });
    await askOnce(cluster, { mechanism: "OAUTHBEARER", token: () => Promise.resolve("a.b.c") });
    assertEquals(logins, ["token"]);
  });
});

Deno.test("Client does not retry credentials that are refused", async (t) => {
  for (const mechanism of ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] as const) {
    await t.step(mechanism, async () => {
      const cluster = new FakeCluster({ brokers: 2 });
      await demandSasl(cluster, { mechanisms: [mechanism] });
      const error = await assertRejects(
        () => askOnce(cluster, user(mechanism, "canary-wrong")),
        AuthenticationError,
        "Invalid username or password (SASL_AUTHENTICATION_FAILED)",
      );
      assertEquals([error.code, error.retriable], ["SASL_AUTHENTICATION_FAILED", false]);
      assert(!Deno.inspect(error).includes("canary"));
      assertEquals(cluster.received(saslHandshake).length, 1);
    });
  }
  await t.step("OAUTHBEARER: a token that has expired", async () => {
    const expired = (exp: number) => `e30.${btoa(JSON.stringify({ exp }))}.canary`;
    const cluster = new FakeCluster();
    await demandSasl(cluster, { mechanisms: ["OAUTHBEARER"] });
    const refusal = async (token: string) => {
      const sasl = { mechanism: "OAUTHBEARER", token: () => Promise.resolve(token) } as const;
      const error = await assertRejects(() => askOnce(cluster, sasl), AuthenticationError);
      assert(!Deno.inspect(error).includes("canary"));
      return error.message;
    };
    assertStringIncludes(
      await refusal(expired(1_700_000_000)),
      "the token expired at 2023-11-14T22:13:20.000Z: The token has expired",
    );
    for (const other of [expired(4e9), expired(-1e300), "a.canary.c", "canary"]) {
      const message = await refusal(other);
      assert(!message.includes("expired at"), message);
    }
  });
  await t.step("OAUTHBEARER: the broker's reason comes after an acknowledgement", async () => {
    const cluster = new FakeCluster();
    await demandSasl(cluster, { mechanisms: ["OAUTHBEARER"], token: "a.b.c" });
    await assertRejects(
      () => askOnce(cluster, { mechanism: "OAUTHBEARER", token: "canary.b.c" }),
      AuthenticationError,
      "The token has expired",
    );
    const messages = cluster.received(saslAuthenticate).map(({ body }) => body.authBytes);
    assertEquals([messages.length, messages[1]], [2, Uint8Array.of(1)]);
  });
});

Deno.test("Client names the mechanisms of a broker that does not offer its own", async () => {
  const cluster = new FakeCluster();
  await demandSasl(cluster, { mechanisms: ["SCRAM-SHA-256", "OAUTHBEARER"] });
  const error = await assertRejects(
    () => askOnce(cluster, user("PLAIN")),
    AuthenticationError,
    "it does not offer PLAIN, but SCRAM-SHA-256, OAUTHBEARER",
  );
  assertEquals(error.code, "UNSUPPORTED_SASL_MECHANISM");
  assertEquals(error.mechanisms, ["SCRAM-SHA-256", "OAUTHBEARER"]);
  assertEquals(cluster.received(saslHandshake).length, 1);
});

Deno.test("Client says that a port does not authenticate", async (t) => {
  await t.step("ILLEGAL_SASL_STATE of a plaintext port", async () => {
    const cluster = new FakeCluster();
    cluster.on(saslHandshake, () => ({ errorCode: ErrorCode.ILLEGAL_SASL_STATE, mechanisms: [] }));
    const error = await assertRejects(() => askOnce(cluster, user("PLAIN")), AuthenticationError);
    assertEquals(error.code, "ILLEGAL_SASL_STATE");
    assert(error.message.includes("does not authenticate clients with SASL"), error.message);
  });
  await t.step("a broker without SaslHandshake", async () => {
    const cluster = new FakeCluster({ maxVersions: { 17: -1 } });
    await assertRejects(
      () => askOnce(cluster, user("PLAIN")),
      AuthenticationError,
      "does not authenticate clients with SASL",
    );
  });
  await t.step("another error of the handshake", async () => {
    const cluster = new FakeCluster();
    cluster.on(saslHandshake, () => ({ errorCode: ErrorCode.INVALID_REQUEST, mechanisms: [] }));
    await assertRejects(() => askOnce(cluster, user("PLAIN")), KafkaError, "INVALID_REQUEST");
  });
});

Deno.test("Client does not trust a broker that does not prove that it knows the user", async (t) => {
  for (const mechanism of ["SCRAM-SHA-256", "SCRAM-SHA-512"] as const) {
    await t.step(`${mechanism}: a signature by another password`, async () => {
      const cluster = new FakeCluster();
      await demandSasl(cluster, { mechanisms: [mechanism], isImpostor: true });
      await assertRejects(
        () => askOnce(cluster, user(mechanism)),
        AuthenticationError,
        "its signature is wrong",
      );
      assertEquals(cluster.received(metadata).length, 0);
    });
  }
  await t.step("SCRAM: success without any proof", async () => {
    const cluster = new FakeCluster();
    await demandSasl(cluster, { mechanisms: ["SCRAM-SHA-256"] });
    cluster.on(saslAuthenticate, () => ({
      errorCode: 0,
      errorMessage: null,
      authBytes: new Uint8Array(),
    }));
    await assertRejects(() => askOnce(cluster, user("SCRAM-SHA-256")), AuthenticationError);
    assertEquals(cluster.received(metadata).length, 0);
  });
  await t.step("OAUTHBEARER: challenges without end", async () => {
    const cluster = new FakeCluster();
    await demandSasl(cluster, { mechanisms: ["OAUTHBEARER"] });
    cluster.on(saslAuthenticate, () => ({
      errorCode: 0,
      errorMessage: null,
      authBytes: Uint8Array.of(1),
    }));
    await assertRejects(
      () => askOnce(cluster, { mechanism: "OAUTHBEARER", token: "a.b.c" }),
      AuthenticationError,
    );
    assertEquals(cluster.received(saslAuthenticate).length, 8);
  });
});

Deno.test("Client retries when the connection ends during authentication", async () => {
  const cluster = new FakeCluster();
  const logins = await demandSasl(cluster);
  cluster.once(saslAuthenticate, () => DISCONNECT);
  await askOnce(cluster, user("PLAIN"));
  assertEquals(logins, ["alice"]);
});

Deno.test("Client asks a function for credentials for each connection", async (t) => {
  await t.step("whose results change", async () => {
    const cluster = new FakeCluster();
    const logins = await demandSasl(cluster);
    let calls = 0;
    const core = clientOf(cluster, () => {
      calls++;
      return Promise.resolve(user("PLAIN"));
    });
    const ask = () => core.retry("ask", {}, () => core.requestAny(metadata, { topics: [] }));
    await ask();
    cluster.disconnect();
    await ask();
    assertEquals([calls, logins.length], [2, 2]);
    await core.close();
    await cluster.idle();
  });
  await t.step("that fails once", async () => {
    const cluster = new FakeCluster();
    const logins = await demandSasl(cluster, { mechanisms: ["OAUTHBEARER"], token: "a.b.c" });
    let calls = 0;
    const token = () => {
      if (calls++ === 0) throw new Error("the provider is away");
      return "a.b.c";
    };
    await askOnce(cluster, { mechanism: "OAUTHBEARER", token });
    assertEquals([calls, logins.length], [2, 1]);
  });
  await t.step("that always fails", async () => {
    const cluster = new FakeCluster();
    const failing = () => Promise.reject(new Error("the provider is away"));
    const error = await assertRejects(
      () => askOnce(cluster, failing, 50),
      TimeoutError,
      'the function "sasl" of the client failed: the provider is away',
    );
    assert(error.cause instanceof ConnectionError);
  });
  await t.step("that returns something else", async () => {
    const cluster = new FakeCluster();
    const wrong = () => ({ mechanism: "LDAP" }) as unknown as ReturnType<typeof user>;
    await assertRejects(() => askOnce(cluster, wrong), UsageError, "sasl.mechanism");
    const token = () => undefined as unknown as string;
    const none = { mechanism: "OAUTHBEARER", token } as const;
    await assertRejects(() => askOnce(cluster, none), UsageError, "sasl.token");
  });
});

Deno.test("renewalDelayMs() is before the end, and never sooner than brokers accept", () => {
  assertEquals([renewalDelayMs(60_000, 0), renewalDelayMs(60_000, 1)], [51_000, 57_000]);
  assertEquals(renewalDelayMs(500, 0.5), 1050);
  assertEquals(renewalDelayMs(Infinity), Infinity);
});

Deno.test("resolveSasl() refuses wrong options without showing secrets", async (t) => {
  const wrong: readonly [name: string, sasl: unknown, message: string][] = [
    ["a mechanism", { mechanism: "GSSAPI" }, 'sasl.mechanism of "GSSAPI"'],
    ["no user", { mechanism: "PLAIN", password: "canary" }, "sasl.username"],
    ["no password", { mechanism: "PLAIN", username: "alice" }, "sasl.password"],
    ["an empty password", user("PLAIN", ""), "sasl.password"],
    ["a misspelled option", { ...user("PLAIN", "canary"), user: "alice" }, '"user" of sasl'],
    ["a text", "canary", "it must be an object"],
    ["a token with PLAIN", { ...user("PLAIN", "canary"), isDelegationToken: true }, "SCRAM"],
    ["no token", { mechanism: "OAUTHBEARER" }, "sasl.token"],
  ];
  for (const [name, sasl, message] of wrong) {
    await t.step(name, () => {
      const error = assertThrows(() => resolveSasl(sasl as Sasl), UsageError, message);
      assert(!Deno.inspect(error).includes("canary"));
    });
  }
});

Deno.test("resolveClientOptions() refuses security of a broker in the process", () => {
  const broker = new FakeCluster();
  assertThrows(() => resolveClientOptions({ broker, tls: true }), UsageError, '"tls" or "sasl"');
  assertThrows(() => resolveClientOptions({ broker, sasl: user("PLAIN") }), UsageError);
  resolveClientOptions({ broker, tls: false });
});
