import { assertEquals, assertRejects } from "@std/assert";
import { ManualClock } from "../time/clock.ts";
import { LoginTokens, type TokenRefresh } from "./login_tokens.ts";
import { PeerRefusalError } from "./peer_network.ts";
import { TokenSourceError } from "./token_source.ts";

const REFRESH: TokenRefresh = { factor: 0.8, jitter: 0, minPeriodMs: 60_000, bufferMs: 300_000 };
const BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 1000;
const HOUR_MS = 3_600_000;
const never = new AbortController().signal;

/** A token whose name says how many came before it. */
function tokenOf(number: number, claims: Record<string, unknown>): string {
  const payload = new TextEncoder().encode(JSON.stringify({ ...claims, number }));
  return `e30.${payload.toBase64({ alphabet: "base64url", omitPadding: true })}.x`;
}

function numberOf(token: string): number {
  const payload = Uint8Array.fromBase64(token.split(".")[1]!, { alphabet: "base64url" });
  return JSON.parse(new TextDecoder().decode(payload)).number;
}

interface Given {
  readonly lifeMs?: number;
  readonly isFile?: boolean;
  readonly refresh?: Partial<TokenRefresh>;
  readonly random?: number;
}

function given({ lifeMs = HOUR_MS, isFile = false, refresh = {}, random = 0 }: Given = {}) {
  const clock = new ManualClock();
  const state = { asked: 0, isDown: false, text: undefined as string | undefined };
  const tokens = new LoginTokens({
    source: {
      place: "https://issuer",
      isFile,
      get() {
        state.asked++;
        if (state.isDown) return Promise.reject(new TokenSourceError("https://issuer is down"));
        const iat = clock.now() / 1000;
        const text = state.text ?? tokenOf(state.asked, { iat, exp: iat + lifeMs / 1000 });
        return Promise.resolve(text);
      },
    },
    refresh: () => ({ ...REFRESH, ...refresh }),
    backoffMs: BACKOFF_MS,
    maxBackoffMs: MAX_BACKOFF_MS,
    clock,
    random: () => random,
  });
  return { clock, state, get: async () => numberOf(await tokens.get(never)), tokens };
}

Deno.test("LoginTokens uses a token until its time, and then another", async (t) => {
  const cases: [string, Given, number][] = [
    ["most of its life", {}, 0.8 * HOUR_MS],
    ["with jitter", { random: 1, refresh: { jitter: 0.1 } }, 0.9 * HOUR_MS],
    ["some time before its end", { refresh: { factor: 1 } }, HOUR_MS - 300_000],
    ["not sooner than it should be", { lifeMs: 400_000, refresh: { bufferMs: 340_000 } }, 60_000],
    ["a life shorter than both limits", { lifeMs: 100_000 }, 80_000],
  ];
  for (const [name, options, replaceMs] of cases) {
    await t.step(name, async () => {
      const { clock, get } = given(options);
      assertEquals(await get(), 1);
      clock.advance(replaceMs - 1000);
      assertEquals(await get(), 1);
      clock.advance(2000);
      assertEquals(await get(), 2);
    });
  }
});

Deno.test("LoginTokens asks once for all logins that come meanwhile", async () => {
  const { get, state } = given();
  assertEquals(await Promise.all([get(), get(), get()]), [1, 1, 1]);
  assertEquals(state.asked, 1);
});

Deno.test("LoginTokens uses a valid token while the provider is down, and asks less and less", async () => {
  const { clock, get, state } = given();
  await get();
  clock.advance(0.9 * HOUR_MS);
  state.isDown = true;
  for (const waitMs of [100, 200, 400, 800, 1000, 1000]) {
    const { asked } = state;
    assertEquals(await get(), 1);
    assertEquals(await get(), 1);
    assertEquals(state.asked, asked + 1);
    clock.advance(waitMs - 1);
    assertEquals(await get(), 1);
    assertEquals(state.asked, asked + 1);
    clock.advance(1);
  }
  state.isDown = false;
  const { asked } = state;
  assertEquals(await get(), asked + 1);
});

Deno.test("LoginTokens says why there is no token", async (t) => {
  await t.step("at first, also before the provider is asked again", async () => {
    const { get, state } = given();
    state.isDown = true;
    for (let i = 0; i < 2; i++) {
      await assertRejects(get, PeerRefusalError, "no token to log in with: https://issuer is down");
    }
    assertEquals(state.asked, 1);
  });
  await t.step("after the last one has expired", async () => {
    const { clock, get, state } = given();
    await get();
    state.isDown = true;
    clock.advance(HOUR_MS);
    await assertRejects(get, PeerRefusalError, "https://issuer is down");
  });
  await t.step("if there is no time in it", async () => {
    for (
      const text of ["opaque", "a.b.c", tokenOf(1, {}), tokenOf(1, { exp: "soon" }), "e30.bnVsbA.x"]
    ) {
      const { get, state } = given();
      state.text = text;
      const error = await assertRejects(
        get,
        PeerRefusalError,
        "no JWT with a time of expiry (exp)",
      );
      assertEquals(error.message.includes(text), false);
    }
  });
  await t.step("if it has expired already, without asking again and again", async () => {
    const { get, state } = given({ lifeMs: -1000 });
    await assertRejects(get, PeerRefusalError, "the token that https://issuer gives has expired");
    await assertRejects(get, PeerRefusalError, "has expired");
    assertEquals(state.asked, 1);
  });
});

Deno.test("LoginTokens reads a file for each login, and keeps what it had if that fails", async () => {
  const { get, state } = given({ isFile: true });
  assertEquals([await get(), await get()], [1, 2]);
  state.isDown = true;
  assertEquals(await get(), 2);
});

Deno.test("LoginTokens gives up waiting with the connection, and uses the token later", async () => {
  const clock = new ManualClock();
  const answer = Promise.withResolvers<string>();
  const tokens = new LoginTokens({
    source: { place: "https://issuer", isFile: false, get: () => answer.promise },
    refresh: () => REFRESH,
    backoffMs: 1,
    maxBackoffMs: 1,
    clock,
  });
  const ended = new AbortController();
  const waiting = tokens.get(ended.signal);
  ended.abort(new Error("given up"));
  await assertRejects(() => waiting, Error, "given up");
  await assertRejects(() => tokens.get(ended.signal), Error, "given up");
  answer.resolve(tokenOf(7, { exp: clock.now() / 1000 + 60 }));
  assertEquals(numberOf(await tokens.get(never)), 7);
});
