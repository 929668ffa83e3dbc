import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { newScramCredential, scramClient } from "../../../protocol/sasl/mod.ts";
import {
  scramClientProof,
  type ScramCredential,
  type ScramMechanism,
  scramSaltedPassword,
} from "../../../protocol/sasl/scram.ts";
import {
  formatClientFinalWithoutProof,
  parseServerFirst,
} from "../../../protocol/sasl/scram_messages.ts";
import type { SaslServer, SaslStep } from "./sasl_server.ts";
import { scramServer, type ScramServerOptions } from "./scram_server.ts";

const MECHANISMS = ["SCRAM-SHA-256", "SCRAM-SHA-512"] as const;
const PASSWORD = "secret";
const ITERATIONS = 4096;
const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** Exchanges with a server that knows the user alice. */
class Exchanges {
  oldNonces = 0;
  readonly #options: ScramServerOptions;

  private constructor(mechanism: ScramMechanism, alice: ScramCredential, isStrictNonce: boolean) {
    this.#options = {
      mechanism,
      credentialOf: (user) => user === "alice" ? alice : undefined,
      fakeSaltSecret: new Uint8Array(32).fill(9),
      isStrictNonce,
      onOldNonce: () => this.oldNonces++,
    };
  }

  static async with(mechanism: ScramMechanism, isStrictNonce = false): Promise<Exchanges> {
    const alice = await newScramCredential(mechanism, PASSWORD, ITERATIONS);
    return new Exchanges(mechanism, alice, isStrictNonce);
  }

  start(more: Partial<ScramServerOptions> = {}): SaslServer {
    return scramServer({ ...this.#options, ...more });
  }

  /** Runs an exchange whose last message `change` may replace by another, with the right proof for it. */
  async run(
    { user = "alice", password = PASSWORD, header = "n,,", change = (final: Final) => final },
    server = this.start(),
  ): Promise<SaslStep> {
    const { mechanism } = this.#options;
    const bare = `n=${user},r=client`;
    const challenge = await server.evaluate(encode(header + bare));
    if (challenge.type !== "challenge") return challenge;
    const first = decode(challenge.bytes);
    const { nonce, salt, iterations } = parseServerFirst(first);
    const salted = await scramSaltedPassword(mechanism, password, salt, iterations);
    const final = change({ binding: header, nonce, serverNonce: nonce.slice("client".length) });
    const withoutProof = formatClientFinalWithoutProof(final.binding, final.nonce);
    const proof = scramClientProof(mechanism, salted, `${bare},${first},${withoutProof}`);
    const sent = final.proof?.(proof) ?? proof;
    return await server.evaluate(encode(`${withoutProof},p=${sent.toBase64()}`));
  }
}

interface Final {
  readonly binding: string;
  readonly nonce: string;
  readonly serverNonce: string;
  readonly proof?: (proof: Uint8Array) => Uint8Array;
}

/** The type of a step, and that its client is told no more than what all are told. */
function typeOf(step: SaslStep): string {
  if (step.type === "failure") assertEquals(step.message, undefined);
  return step.type;
}

for (const mechanism of MECHANISMS) {
  Deno.test(`scramServer() accepts the right password of ${mechanism} alone`, async () => {
    const exchanges = await Exchanges.with(mechanism);
    const step = await exchanges.run({});
    assert(step.type === "success");
    assertEquals(step.login.principal, { type: "User", name: "alice" });
    assertEquals(typeOf(await exchanges.run({ header: "y,," })), "success");
    assertEquals(typeOf(await exchanges.run({ header: "n,a=alice," })), "success");
    for (
      const wrong of [
        { password: "Secret" },
        { password: "" },
        { user: "bob" },
        { user: "Alice" },
        { header: "p=tls-unique,," },
        { change: (final: Final) => ({ ...final, binding: "y,," }) },
        { change: (final: Final) => ({ ...final, nonce: `${final.nonce}x` }) },
        { change: (final: Final) => ({ ...final, nonce: final.serverNonce }) },
        { change: (final: Final) => ({ ...final, nonce: "client" }) },
        { change: (final: Final) => ({ ...final, nonce: `x${final.nonce}` }) },
        { change: (final: Final) => ({ ...final, nonce: `clientclient${final.nonce}` }) },
        { change: (final: Final) => ({ ...final, proof: (proof: Uint8Array) => proof.slice(1) }) },
        { change: (final: Final) => ({ ...final, proof: () => new Uint8Array(0) }) },
        {
          change: (final: Final) => ({
            ...final,
            proof: (proof: Uint8Array) => new Uint8Array([...proof, 0]),
          }),
        },
      ]
    ) assertEquals(typeOf(await exchanges.run(wrong)), "failure", JSON.stringify(wrong));
  });

  Deno.test(`scramServer() says with ${mechanism} that the authorization id has to be the user, known or not`, async () => {
    const exchanges = await Exchanges.with(mechanism);
    for (const [user, authzid] of [["alice", "bob"], ["bob", "alice"], ["nobody", "carol"]]) {
      const step = await exchanges.start({}).evaluate(encode(`n,a=${authzid},n=${user},r=client`));
      assert(step.type === "failure");
      assertEquals(
        step.message,
        "Authentication failed: Client requested an authorization id that is different from username",
      );
    }
  });

  Deno.test(`scramServer() answers a user that ${mechanism} does not know like any other`, async () => {
    const exchanges = await Exchanges.with(mechanism);
    const first = async (user: string, more: Partial<ScramServerOptions> = {}) => {
      const step = await exchanges.start(more).evaluate(encode(`n,,n=${user},r=client`));
      assert(step.type === "challenge");
      return parseServerFirst(decode(step.bytes));
    };
    const [once, again, other] = [await first("bob"), await first("bob"), await first("carol")];
    assertEquals(once.salt, again.salt);
    assertNotEquals(once.salt, other.salt);
    assertNotEquals(once.nonce, again.nonce);
    const real = await first("alice");
    assertEquals(once.salt.length, real.salt.length);
    const others = await first("bob", { fakeSaltSecret: new Uint8Array(32) });
    assertNotEquals(once.salt, others.salt);
  });

  Deno.test(`scramServer() answers a user that ${mechanism} does not know with what users' credentials look like`, async () => {
    const exchanges = await Exchanges.with(mechanism);
    const looks = [
      { iterations: 4096, saltBytes: 26, isText: true },
      { iterations: 10_000, saltBytes: 16, isText: false },
    ];
    const looksAt = (of: ScramMechanism, place: number) =>
      of === mechanism ? looks[place < 0.5 ? 0 : 1] : undefined;
    const seen = new Map<number, number>();
    for (let i = 0; i < 64; i++) {
      const step = await exchanges.start({ looksAt }).evaluate(encode(`n,,n=u${i},r=client`));
      assert(step.type === "challenge");
      const { salt, iterations } = parseServerFirst(decode(step.bytes));
      const expected = looks.find((of) => of.iterations === iterations)!;
      assertEquals(salt.length, expected.saltBytes);
      if (expected.isText) assertMatch(decode(salt), /^[0-9a-z]{26}$/);
      seen.set(iterations, (seen.get(iterations) ?? 0) + 1);
    }
    // The names decide, so that they are the same each time.
    assert(seen.get(4096)! > 10 && seen.get(10_000)! > 10);
  });

  Deno.test(`scramServer() takes the nonce of old librdkafka unless ${mechanism} is strict`, async () => {
    const change = (final: Final) => ({ ...final, nonce: `client${final.nonce}` });
    const exchanges = await Exchanges.with(mechanism);
    assertEquals(typeOf(await exchanges.run({ change })), "success");
    assertEquals(exchanges.oldNonces, 1);
    assertEquals(typeOf(await exchanges.run({ change, password: "wrong" })), "failure");
    assertEquals(exchanges.oldNonces, 1);
    const strict = await Exchanges.with(mechanism, true);
    assertEquals(typeOf(await strict.run({ change })), "failure");
    assertEquals(typeOf(await strict.run({})), "success");
  });
}

Deno.test("scramServer() refuses an exchange that was recorded", async () => {
  const mechanism = "SCRAM-SHA-256";
  const exchanges = await Exchanges.with(mechanism);
  const client = scramClient({ mechanism, user: "alice", password: PASSWORD });
  const server = exchanges.start();
  const challenge = await server.evaluate(client.start());
  assert(challenge.type === "challenge");
  const final = (await client.respond(challenge.bytes))!;
  assertEquals(typeOf(await server.evaluate(final)), "success");
  const replayed = exchanges.start();
  await replayed.evaluate(client.start());
  assertEquals(typeOf(await replayed.evaluate(final)), "failure");
});

Deno.test("scramServer() fails for messages that are malformed or too long", async () => {
  const exchanges = await Exchanges.with("SCRAM-SHA-256");
  for (
    const message of [
      new Uint8Array(0),
      encode("hello"),
      encode("n,,n=alice"),
      Uint8Array.of(0xff, 0xfe),
      encode(`n,,n=${"a".repeat(20_000)},r=client`),
    ]
  ) {
    assertEquals(typeOf(await exchanges.start().evaluate(message)), "failure");
    const server = exchanges.start();
    await server.evaluate(encode("n,,n=alice,r=client"));
    assertEquals(typeOf(await server.evaluate(message)), "failure");
  }
});

Deno.test("scramServer() looks up delegation tokens, and only for clients that name one", async () => {
  const exchanges = await Exchanges.with("SCRAM-SHA-256");
  const token = await newScramCredential("SCRAM-SHA-256", PASSWORD, ITERATIONS);
  const login = { principal: { type: "User", name: "owner", isTokenAuthenticated: true } };
  const none = await newScramCredential("SCRAM-SHA-256", "another", ITERATIONS);
  const tokenOf = (id: string) =>
    Promise.resolve(
      id === "token-1" ? { credential: token, login } : { credential: none, login: undefined },
    );
  const run = async (user: string, isToken: boolean) => {
    const client = scramClient({ mechanism: "SCRAM-SHA-256", user, password: PASSWORD, isToken });
    const server = exchanges.start({ tokenOf });
    const challenge = await server.evaluate(client.start());
    assert(challenge.type === "challenge");
    return await server.evaluate((await client.respond(challenge.bytes))!);
  };
  const step = await run("token-1", true);
  assert(step.type === "success");
  assertEquals(step.login, login);
  assertEquals(typeOf(await run("token-1", false)), "failure");
  assertEquals(typeOf(await run("alice", true)), "failure");
  assertEquals(typeOf(await run("alice", false)), "success");
});
