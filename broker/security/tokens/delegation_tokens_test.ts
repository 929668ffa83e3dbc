import { assertEquals, assertRejects } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { ApiError } from "../../api_error.ts";
import { BrokerConfig } from "../../settings/config.ts";
import { ManualClock } from "../../time/clock.ts";
import { USER_TYPE } from "../principal.ts";
import { encodeToken, tokenKey } from "./delegation_token.ts";
import { DelegationTokens, type TokenParts } from "./delegation_tokens.ts";

const user = (name: string) => ({ type: USER_TYPE, name });

/** Tokens of a broker whose records are in memory. */
function start() {
  const clock = new ManualClock();
  let listener: (key: string, entry: { value: Uint8Array } | undefined) => void = () => {};
  const security = {
    subscribe: (_: string, of: typeof listener) => listener = of,
    commit: ([{ key, value }]: [{ key: string; value: Uint8Array | null }]) =>
      Promise.resolve(listener(key, value === null ? undefined : { value })),
    expectation: () => ({}),
  };
  const config = BrokerConfig.from({ "delegation.token.secret.key": "correct-horse" } as never);
  const cluster = { security, retry: <T>(change: () => Promise<T>) => change() };
  const tokens = new DelegationTokens({ cluster, config, clock } as unknown as TokenParts);
  const create = (owner: string, requester = owner) =>
    tokens.create({ owner: user(owner), requester: user(requester), renewers: [] });
  const refused = async (owner: string, requester?: string) => {
    const error = await assertRejects(() => create(owner, requester), ApiError);
    assertEquals(error.code, ErrorCode.POLICY_VIOLATION);
  };
  /** Adds tokens as another broker does. */
  const add = (owner: string, count: number) => {
    for (let i = 0; i < count; i++) {
      const id = `${owner}-${i}`;
      const times = { issuedMs: 0, expiryMs: clock.now() + 1000, maxMs: clock.now() + 1000 };
      const token = { id, owner: user(owner), requester: user(owner), renewers: [], ...times };
      listener(tokenKey(id), { value: encodeToken(token) });
    }
  };
  return { tokens, create, refused, add };
}

Deno.test("DelegationTokens bounds the tokens of an owner, whichever client asks for them", async () => {
  const { tokens, create, refused, add } = start();
  add("alice", 999);
  const last = await create("alice", "bob");
  await refused("alice");
  await refused("alice", "bob");
  await create("bob", "alice");
  await tokens.delete(last.id);
  await create("alice");
});

Deno.test("DelegationTokens bounds the tokens of all owners", async () => {
  const { tokens, create, refused, add } = start();
  for (let i = 0; i < 10; i++) add(`user${i}`, i === 9 ? 999 : 1000);
  await create("carol");
  await refused("dave");
  await tokens.delete("user0-0");
  await create("dave");
});

Deno.test("DelegationTokens does the same work for an id without a token, and no more than is bounded", async () => {
  const { tokens, create } = start();
  const { id } = await create("alice");
  const [known, unknown] = [
    await tokens.find(id, "SCRAM-SHA-256"),
    await tokens.find("none", "SCRAM-SHA-256"),
  ];
  assertEquals([known?.login?.principal.name, unknown?.login], ["alice", undefined]);
  assertEquals(unknown!.credential.iterations, known!.credential.iterations);
  assertEquals(unknown!.credential.salt.length, known!.credential.salt.length);
  const found = await Promise.all(
    Array.from({ length: 400 }, () => tokens.find("none", "SCRAM-SHA-256")),
  );
  const refused = found.filter((token) => token === undefined).length;
  assertEquals(refused >= 400 - 256 - 4 && refused < 400 - 256, true);
  assertEquals((await tokens.find(id, "SCRAM-SHA-512"))?.login?.principal.name, "alice");
});
