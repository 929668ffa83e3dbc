import { assertEquals } from "@std/assert";
import { ManualClock } from "../time/clock.ts";
import type { HttpIdentity } from "./authentication.ts";
import type { RestApi } from "./rest/api.ts";
import type { RequestSource } from "./request_source.ts";
import { UserApis } from "./user_apis.ts";

class World {
  readonly clock = new ManualClock();
  opened = 0;
  closed = 0;
  hasStreams = false;
  readonly apis = new UserApis({
    clock: this.clock,
    open: () => {
      this.opened++;
      const close = () => Promise.resolve(void this.closed++);
      const { hasStreams } = this;
      return Promise.resolve({ close, hasStreams } as unknown as RestApi);
    },
  });

  token(lifeMs: number): HttpIdentity {
    const expiresAtMs = this.clock.now() + lifeMs;
    const isCurrent = () => this.clock.now() < expiresAtMs;
    return { principal: { type: "User", name: "alice" }, isCurrent, expiresAtMs };
  }

  async use(identity: HttpIdentity): Promise<void> {
    await this.apis.use(identity, from("10.0.0.1"), () => Promise.resolve());
  }

  /** How many are closed a time later. */
  async closedAfter(ms: number): Promise<number> {
    this.clock.advance(ms);
    for (let turn = 0; turn < 5; turn++) await undefined;
    return this.closed;
  }
}

Deno.test("UserApis ends what a token has begun when the token expires, not only with its next request", async () => {
  const world = new World();
  await world.use(world.token(1000));
  assertEquals(await world.closedAfter(999), 0);
  assertEquals(await world.closedAfter(1), 1);
  assertEquals(world.clock.timerCount, 0);
});

Deno.test("UserApis keeps what a token has begun for as long as the user shows a newer one", async () => {
  const world = new World();
  await world.use(world.token(1000));
  await world.use(world.token(3000));
  // That of another program of the user.
  await world.use(world.token(500));
  assertEquals(await world.closedAfter(2999), 0);
  assertEquals(await world.closedAfter(1), 1);
  assertEquals(world.opened, 1);
});

Deno.test("UserApis ends what a password has begun when the password changes, whatever token its user shows", async () => {
  const world = new World();
  let isCurrent = true;
  await world.use({ principal: { type: "User", name: "alice" }, isCurrent: () => isCurrent });
  await world.use(world.token(1000));
  isCurrent = false;
  world.apis.endRevoked();
  assertEquals(await world.closedAfter(0), 1);
  await world.apis.close();
  assertEquals([world.closed, world.clock.timerCount], [2, 0]);
});

Deno.test("UserApis waits for tokens that expire later than a timer can be set for", async () => {
  const world = new World();
  await world.use(world.token(2 ** 32));
  assertEquals(await world.closedAfter(2 ** 31), 0);
  await world.apis.close();
  assertEquals([world.closed, world.clock.timerCount], [1, 0]);
});

Deno.test("UserApis keeps streams of a user, however long they last and many addresses another user has", async () => {
  const world = new World();
  const user = (name: string): HttpIdentity => ({
    principal: { type: "User", name },
    isCurrent: () => true,
  });
  const answer = () => Promise.resolve();
  world.hasStreams = true;
  await world.apis.use(user("alice"), from("10.0.0.1"), answer);
  world.clock.advance(3_600_000);
  for (let i = 0; i < 300; i++) await world.apis.use(user("eve"), from(`10.0.1.${i}`), answer);
  assertEquals(await world.closedAfter(0), 300 - 64);
  await world.apis.use(user("alice"), from("10.0.0.1"), answer);
  assertEquals(world.opened, 301);
  await world.apis.close();
  assertEquals(world.closed, 301);
});

function from(address: string): RequestSource {
  return { address, isOwn: false };
}
