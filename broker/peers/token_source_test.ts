import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { parseJaasConfig } from "../../protocol/sasl/jaas_config.ts";
import { parseBrokerConfig } from "../settings/config.ts";
import { tokenSource, TokenSourceError } from "./token_source.ts";

const URL_NAME = "sasl.oauthbearer.token.endpoint.url";
const CREDENTIALS = "sasl.oauthbearer.client.credentials";
const MODULE = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule";
const SECRET = "canary-secret";

function sourceOf(file: Record<string, string>, jaas?: string) {
  const config = parseBrokerConfig({ file }).ofListener("INTERNAL");
  return tokenSource(config, jaas === undefined ? undefined : parseJaasConfig(jaas));
}

interface Asked {
  readonly method: string;
  readonly authorization: string | null;
  readonly type: string | null;
  readonly body: string;
}

/** A provider that answers with what is given. */
class Provider implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly asked: Asked[] = [];
  answer: (request: Request) => Response | Promise<Response> = () =>
    Response.json({ access_token: "a.b.c" });

  constructor() {
    const onListen = () => {};
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen }, async (request) => {
      this.asked.push({
        method: request.method,
        authorization: request.headers.get("authorization"),
        type: request.headers.get("content-type"),
        body: await request.text(),
      });
      return await this.answer(request);
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/token`;
  }

  source(more: Record<string, string> = {}) {
    return sourceOf({
      [URL_NAME]: this.url,
      [`${CREDENTIALS}.client.id`]: "broker",
      [`${CREDENTIALS}.client.secret`]: SECRET,
      ...more,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

const basic = (text: string) => `Basic ${new TextEncoder().encode(text).toBase64()}`;

Deno.test("TokenSource asks a provider with client credentials", async () => {
  await using provider = new Provider();
  assertEquals(await provider.source().get(), "a.b.c");
  provider.answer = () => Response.json({ id_token: "d.e.f", expires_in: 3600 });
  const scope = { "sasl.oauthbearer.scope": "kafka:all read" };
  assertEquals(await provider.source(scope).get(), "d.e.f");
  const type = "application/x-www-form-urlencoded;charset=UTF-8";
  const common = { method: "POST", authorization: basic(`broker:${SECRET}`), type };
  assertEquals(provider.asked, [
    { ...common, body: "grant_type=client_credentials" },
    { ...common, body: "grant_type=client_credentials&scope=kafka%3Aall+read" },
  ]);
});

Deno.test("TokenSource takes from the login module what settings do not say", async () => {
  await using provider = new Provider();
  const jaas = `${MODULE} required clientId="söhne" clientSecret="pw:1" scope="s";`;
  await sourceOf({ [URL_NAME]: provider.url }, jaas).get();
  await sourceOf({
    [URL_NAME]: provider.url,
    [`listener.name.internal.oauthbearer.${CREDENTIALS}.client.id`]: "other",
    [`listener.name.internal.${CREDENTIALS}.client.secret`]: SECRET,
  }, jaas).get();
  assertEquals(provider.asked.map(({ authorization, body }) => [authorization, body]), [
    [basic("söhne:pw:1"), "grant_type=client_credentials&scope=s"],
    [basic(`other:${SECRET}`), "grant_type=client_credentials&scope=s"],
  ]);
});

Deno.test("TokenSource says why a provider gives no token, and keeps the secret", async (t) => {
  await using provider = new Provider();
  const fails = async (message: string, more = {}) => {
    const query = { [URL_NAME]: `${provider.url}?key=canary-query`, ...more };
    const error = await assertRejects(
      () => provider.source(query).get(),
      TokenSourceError,
      message,
    );
    assert(!error.message.includes("canary"), error.message);
  };
  const hanging = Promise.withResolvers<Response>();
  const cases: [string, Provider["answer"], string, Record<string, string>?][] = [
    [
      "refusal",
      () => Response.json({ error: "invalid_client", error_description: "No" }, { status: 401 }),
      `${provider.url} gives no token: it answers 401 (invalid_client: No); check ${CREDENTIALS}.client.id`,
    ],
    ["failure", () => new Response("oops", { status: 503 }), "it answers 503"],
    ["no JSON", () => new Response("<html>"), "its answer has no access_token"],
    ["null", () => Response.json(null), "its answer has no access_token"],
    ["another type", () => Response.json({ access_token: 1 }), "its answer has no access_token"],
    [
      "redirection",
      () => Response.redirect(provider.url.replace("/token", "/elsewhere"), 307),
      "redirect",
    ],
    ["a flood", () => new Response("x".repeat(65 * 1024)), "more than 65536 bytes"],
    [
      "no answer",
      () => hanging.promise,
      "it has not answered within 2 ms",
      { "sasl.login.connect.timeout.ms": "1", "sasl.login.read.timeout.ms": "1" },
    ],
  ];
  for (const [name, answer, message, more] of cases) {
    await t.step(name, async () => {
      provider.answer = answer;
      await fails(message, more);
    });
  }
  hanging.resolve(new Response());
});

Deno.test("TokenSource reads a file", async () => {
  const path = await Deno.makeTempFile();
  try {
    const source = sourceOf({ [URL_NAME]: `file://${path}` });
    await Deno.writeTextFile(path, "a.b.c\n");
    assertEquals([source.isFile, await source.get()], [true, "a.b.c"]);
    await Deno.writeTextFile(path, "d.e.f");
    assertEquals(await source.get(), "d.e.f");
    await Deno.writeTextFile(path, " \n");
    await assertRejects(() => source.get(), TokenSourceError, "is empty");
    await Deno.writeTextFile(path, "x".repeat(64 * 1024 + 1));
    await assertRejects(() => source.get(), TokenSourceError, "at most 65536");
    await Deno.remove(path);
    await assertRejects(() => source.get(), TokenSourceError, "cannot be read");
  } finally {
    await Deno.remove(path).catch(() => {});
  }
});

Deno.test("tokenSource() says which setting is missing", () => {
  const url = { [URL_NAME]: "https://issuer.example/token" };
  const cases: [Record<string, string>, string][] = [
    [{}, `set ${URL_NAME}`],
    [url, `set ${CREDENTIALS}.client.id to its name at https://issuer.example/token`],
    [{ ...url, [`${CREDENTIALS}.client.id`]: "broker" }, `set ${CREDENTIALS}.client.secret`],
  ];
  for (const [file, message] of cases) {
    assertThrows(() => sourceOf(file), TokenSourceError, message);
  }
  for (const bad of ["http://issuer.example/token", "ftp://x/", "issuer", "https://a:b@issuer/"]) {
    assertThrows(() => sourceOf({ [URL_NAME]: bad }), Error, URL_NAME);
  }
});
