import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  AUDIENCE,
  ISSUER,
  keySetOf,
  TokenIssuer,
  tokenSettings,
} from "../../../tests/support/security/token_issuer.ts";
import { TemporaryFolder } from "../../../tests/support/temporary_folder.ts";
import { silentLogger } from "../../logger.ts";
import { BrokerConfig, ConfigError } from "../../settings/config.ts";
import { ManualClock } from "../../time/clock.ts";
import { TokenError, type ValidateToken } from "./oauthbearer_server.ts";
import { openTokenValidator } from "./token_validator.ts";

const SUBJECT = "alice";

/** A validator of tokens whose keys are in a file. */
class Validator {
  readonly clock: ManualClock = new ManualClock(Date.now());
  readonly validate: ValidateToken;
  readonly #folder: TemporaryFolder;

  private constructor(folder: TemporaryFolder, settings: Record<string, unknown>) {
    this.#folder = folder;
    this.validate = openTokenValidator({
      config: BrokerConfig.from({ ...tokenSettings(this.keysFile), ...settings } as never),
      clock: this.clock,
      logger: silentLogger,
    }, "SASL_PLAINTEXT");
  }

  static async start(
    issuers: readonly TokenIssuer[],
    settings: Record<string, unknown> = {},
  ): Promise<Validator> {
    const validator = new Validator(await TemporaryFolder.create(), settings);
    await validator.publish(...issuers);
    return validator;
  }

  get keysFile(): string {
    return `${this.#folder.path}/keys.json`;
  }

  async publish(...issuers: readonly TokenIssuer[]): Promise<void> {
    await Deno.writeTextFile(this.keysFile, keySetOf(...issuers));
  }

  async refuses(token: string, reason: string): Promise<void> {
    const error = await assertRejects(() => this.validate(token), TokenError, reason);
    assertEquals(error.message.includes(token.slice(0, 20)), false);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#folder[Symbol.asyncDispose]();
  }
}

Deno.test("openTokenValidator() accepts tokens signed by any of the usual algorithms", async () => {
  for (const algorithm of ["PS256", "ES256", "ES384", "EdDSA"]) {
    const issuer = await TokenIssuer.create(algorithm);
    await using validator = await Validator.start([issuer]);
    const { subject, expiresAtMs } = await validator.validate(await issuer.sign());
    assertEquals(subject, SUBJECT, algorithm);
    assert(Math.abs(expiresAtMs - Date.now() - 3_600_000) < 60_000);
  }
});

Deno.test("openTokenValidator() refuses tokens that do not say what they must", async () => {
  const issuer = await TokenIssuer.create();
  await using validator = await Validator.start([issuer]);
  const missing = (claim: string) => ({ claims: { [claim]: undefined } });
  for (
    const [options, reason] of [
      [{ issuedIn: -7200, expiresIn: -31 }, "has expired"],
      [{ issuedIn: 60 }, "not valid yet"],
      [{ notBeforeIn: 60 }, "not valid yet"],
      [{ issuedIn: 10, expiresIn: 5 }, "times are invalid"],
      [{ issuer: "https://other.example" }, "issuer is not the expected one"],
      [missing("iss"), "issuer is not the expected one"],
      [{ audience: "other" }, "audience is not the expected one"],
      [missing("aud"), "audience is not the expected one"],
      [missing("exp"), "claim exp is missing"],
      [missing("iat"), "claim iat is missing"],
      [missing("sub"), "names no user"],
      [{ subject: " " }, "names no user"],
      [{ subject: "x".repeat(2000) }, "names no user"],
      [{ claims: { sub: 7 } }, "names no user"],
      [{ claims: { scope: { a: 1 } } }, "scope is invalid"],
      [{ claims: { scope: [1] } }, "scope is invalid"],
      [{ header: { kid: "other" } }, "unknown key"],
      [{ header: { kid: undefined } }, "does not name its key"],
      [{ header: { crit: ["x"], x: 1 } }, "malformed"],
    ] as const
  ) {
    let token: string;
    try {
      token = await issuer.sign(options);
    } catch {
      // The library signs no tokens with unknown critical fields.
      continue;
    }
    await validator.refuses(token, reason);
  }
  for (const options of [{ claims: { scope: "a b" } }, { claims: { scope: ["a", "b"] } }]) {
    assertEquals((await validator.validate(await issuer.sign(options))).subject, SUBJECT);
  }
});

Deno.test("openTokenValidator() allows clocks to differ a little", async () => {
  const issuer = await TokenIssuer.create();
  await using validator = await Validator.start([issuer]);
  for (
    const options of [{ issuedIn: -7200, expiresIn: -20 }, { issuedIn: 20 }, { notBeforeIn: 20 }]
  ) {
    await validator.validate(await issuer.sign(options));
  }
  await using strict = await Validator.start([issuer], {
    "sasl.oauthbearer.clock.skew.seconds": 0,
  });
  await strict.refuses(await issuer.sign({ issuedIn: -7200, expiresIn: -20 }), "has expired");
});

Deno.test("openTokenValidator() refuses tokens that others have made or changed", async () => {
  const [issuer, stranger] = [await TokenIssuer.create(), await TokenIssuer.create()];
  await using validator = await Validator.start([issuer]);
  const base64url = (text: string) =>
    new TextEncoder().encode(text).toBase64({ alphabet: "base64url", omitPadding: true });
  const [header, claims, signature] = (await issuer.sign()).split(".") as [string, string, string];
  await validator.refuses(await stranger.sign(), "signature is wrong");
  const admin = claims.replace(/.*/, base64url(JSON.stringify({ sub: "admin", iss: ISSUER })));
  await validator.refuses(`${header}.${admin}.${signature}`, "signature is wrong");
  await validator.refuses(`${header}.${claims}.`, "the token");
  const none = base64url('{"alg":"none"}');
  await validator.refuses(`${none}.${claims}.`, "algorithm that is not accepted");
  await validator.refuses(`${none}.${claims}.${signature}`, "algorithm that is not accepted");
  // Signed with the public key as if it were a secret.
  const hmac = base64url('{"alg":"HS256","kid":"key-1"}');
  await validator.refuses(`${hmac}.${claims}.${signature}`, "algorithm that is not accepted");
  // A key that the token brings with it.
  const jwk = base64url(JSON.stringify({ alg: "ES256", kid: "own", jwk: stranger.jwk }));
  await validator.refuses(`${jwk}.${claims}.${signature}`, "unknown key");
  for (const text of ["", "a", "a.b", "a.b.c", "a.b.c.d.e", "..", "é.b.c"]) {
    await assertRejects(() => validator.validate(text), TokenError);
  }
  await assertRejects(() => validator.validate("a".repeat(70_000)), TokenError, "too long");
});

Deno.test("openTokenValidator() reads keys again for a token whose key it does not know, at most every ten seconds", async () => {
  const [old, fresh] = [
    await TokenIssuer.create("ES256", "old"),
    await TokenIssuer.create("ES256", "new"),
  ];
  await using validator = await Validator.start([old]);
  await validator.validate(await old.sign());
  await validator.publish(old, fresh);
  await validator.refuses(await fresh.sign(), "unknown key");
  validator.clock.advance(10_000);
  await validator.validate(await fresh.sign());
  // What is no longer published is forgotten with the next read.
  await validator.publish(fresh);
  await validator.validate(await old.sign());
  validator.clock.advance(3_600_000);
  const token = await fresh.sign({ expiresIn: 90_000 });
  await validator.validate(token);
  await validator.refuses(await old.sign({ expiresIn: 90_000 }), "unknown key");
});

Deno.test("openTokenValidator() uses the last keys for a day if they cannot be read", async () => {
  const issuer = await TokenIssuer.create();
  await using validator = await Validator.start([issuer]);
  const token = await issuer.sign({ expiresIn: 200_000 });
  await validator.validate(token);
  await Deno.writeTextFile(validator.keysFile, "{");
  validator.clock.advance(20 * 3_600_000);
  await validator.validate(token);
  validator.clock.advance(5 * 3_600_000);
  await validator.refuses(token, "cannot be read");
  await validator.publish(issuer);
  validator.clock.advance(10_000);
  await validator.validate(token);
});

Deno.test("openTokenValidator() reads keys by HTTP without following redirects, and not too many bytes", async (t) => {
  const issuer = await TokenIssuer.create();
  const token = await issuer.sign();
  const answers = new Map<string, () => Response>([
    ["/keys", () => new Response(keySetOf(issuer))],
    ["/moved", () => new Response(null, { status: 302, headers: { location: "/keys" } })],
    ["/error", () => new Response("no", { status: 500 })],
    ["/large", () => new Response(" ".repeat(1_100_000) + keySetOf(issuer))],
  ]);
  let requests = 0;
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => {
      requests++;
      return answers.get(new URL(request.url).pathname)!();
    },
  );
  const at = (path: string) =>
    Validator.start([], {
      "sasl.oauthbearer.jwks.endpoint.url": `http://127.0.0.1:${server.addr.port}${path}`,
    });
  try {
    await using validator = await at("/keys");
    // Tokens that come at once share a request.
    const claims = await Promise.all(Array.from({ length: 20 }, () => validator.validate(token)));
    assertEquals([claims.length, requests], [20, 1]);
    for (const path of ["/moved", "/error", "/large"]) {
      await t.step(path, async () => {
        await using failing = await at(path);
        await failing.refuses(token, "cannot be read");
        // It is not asked again at once.
        const before = requests;
        await failing.refuses(token, "cannot be read");
        assertEquals(requests, before);
        failing.clock.advance(10_000);
        await failing.refuses(token, "cannot be read");
        assertEquals(requests, before + 1);
      });
    }
  } finally {
    await server.shutdown();
  }
});

Deno.test("openTokenValidator() takes users from another claim, and any issuer and audience if told to", async () => {
  const issuer = await TokenIssuer.create();
  await using validator = await Validator.start([issuer], {
    "sasl.oauthbearer.sub.claim.name": "client_id",
    "sasl.oauthbearer.expected.issuer": "*",
    "sasl.oauthbearer.expected.audience": "*",
  });
  const token = await issuer.sign({
    issuer: "https://other.example",
    audience: "other",
    claims: { client_id: "service" },
  });
  assertEquals((await validator.validate(token)).subject, "service");
  await using several = await Validator.start([issuer], {
    "sasl.oauthbearer.expected.audience": `other,${AUDIENCE}`,
  });
  await several.validate(await issuer.sign());
});

Deno.test("openTokenValidator() needs URL, issuer and audience", () => {
  const all = tokenSettings("/keys.json");
  for (const setting of Object.keys(all)) {
    const { [setting]: _, ...rest } = all;
    const options = {
      config: BrokerConfig.from(rest as never),
      clock: new ManualClock(),
      logger: silentLogger,
    };
    assertThrows(() => openTokenValidator(options, "EXTERNAL"), ConfigError, setting);
  }
  for (
    const url of [
      "http://keys.example/jwks",
      "ftp://127.0.0.1/keys",
      "keys.json",
      "file://host/keys.json",
      "https://user:secret@keys.example/",
    ]
  ) {
    assertThrows(
      () => BrokerConfig.from({ "sasl.oauthbearer.jwks.endpoint.url": url } as never),
      Error,
    );
  }
});
