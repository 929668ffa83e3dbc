import { assertEquals } from "@std/assert";
import { silentLogger } from "../../logger.ts";
import { SecurityRecords } from "../security_records.ts";
import { formatQuotaRecord, type QuotaEntity, quotaKey, type QuotaValues } from "./quota_entity.ts";
import { QuotaView } from "./quota_view.ts";

const RATE = "producer_byte_rate";

class World {
  readonly records = new SecurityRecords(() => Promise.resolve());
  readonly errors: string[] = [];
  readonly view = new QuotaView(this.records, {
    ...silentLogger,
    error: (message) => this.errors.push(message),
  });
  #revision = 0;

  set(entity: QuotaEntity, values: QuotaValues | null): void {
    this.put(quotaKey(entity), values === null ? null : formatQuotaRecord({ entity, values }));
  }

  put(key: string, value: Uint8Array | null): void {
    const revision = ++this.#revision;
    this.records.apply(key, value === null ? undefined : { value, revision, created: revision });
  }
}

Deno.test("QuotaView.of() takes the most specific entity that has a value, and shares it as Kafka does", () => {
  const world = new World();
  // From the least specific to the most.
  const steps: [QuotaEntity, string][] = [
    [{ clientId: null }, '[null,"app"]'],
    [{ clientId: "app" }, '[null,"app"]'],
    [{ user: null }, '["alice"]'],
    [{ user: null, clientId: null }, '["alice","app"]'],
    [{ user: null, clientId: "app" }, '["alice","app"]'],
    [{ user: "alice" }, '["alice"]'],
    [{ user: "alice", clientId: null }, '["alice","app"]'],
    [{ user: "alice", clientId: "app" }, '["alice","app"]'],
  ];
  assertEquals(world.view.hasClientQuotas, false);
  for (const [place, [entity, bucket]] of steps.entries()) {
    // An entity without this quota does not hide those below it.
    world.set(entity, { "request_percentage": 1 });
    const below = place === 0 ? undefined : { limit: place, bucket: steps[place - 1]![1] };
    assertEquals(world.view.of(RATE, "alice", "app"), below);
    world.set(entity, { [RATE]: place + 1 });
    assertEquals(world.view.of(RATE, "alice", "app"), { limit: place + 1, bucket });
  }
  assertEquals(world.view.of(RATE, "bob", "app")?.limit, 5);
  assertEquals(world.view.of(RATE, "alice", "other")?.limit, 7);
  assertEquals(world.view.of(RATE, "bob", "other"), { limit: 4, bucket: '["bob","other"]' });
  // A user's own quota comes before all of the default user.
  world.set({ user: "alice", clientId: null }, null);
  assertEquals(world.view.of(RATE, "alice", "other"), { limit: 6, bucket: '["alice"]' });
  for (const [entity] of steps) world.set(entity, null);
  assertEquals(world.view.of(RATE, "alice", "app"), undefined);
  assertEquals(world.view.hasClientQuotas, false);
});

Deno.test("QuotaView.ofAddress() knows an address by its value, and IPv6 by 64 bits", () => {
  const world = new World();
  const rate = (value: number) => ({ "connection_creation_rate": value });
  world.set({ ip: "10.0.0.1" }, rate(1));
  world.set({ ip: "2001:db8::1" }, rate(2));
  const limit = (host: string) => world.view.ofAddress(host)?.limit;
  assertEquals(["10.0.0.1", "::ffff:10.0.0.1", "10.0.0.2", ""].map(limit), [
    1,
    1,
    undefined,
    undefined,
  ]);
  assertEquals(["2001:db8::1", "2001:db8:0:0:9::7", "2001:db8:0:1::1"].map(limit), [
    2,
    2,
    undefined,
  ]);
  world.set({ ip: null }, rate(9));
  assertEquals(["10.0.0.1", "10.0.0.2"].map(limit), [1, 9]);
  assertEquals([world.view.hasClientQuotas, world.view.hasAddressQuotas], [false, true]);
});

Deno.test("QuotaView ignores records that are no quotas, and logs them", () => {
  const world = new World();
  const encoder = new TextEncoder();
  for (const [index, text] of ["", "7", "{}", '{"user":"a","values":{"x":"y"}}'].entries()) {
    world.put(`quotas/${index}`, encoder.encode(text));
  }
  assertEquals([world.errors.length, [...world.view.all()].length], [4, 0]);
});

Deno.test("quotaKey() tells names, defaults and absent parts apart", () => {
  const entities: QuotaEntity[] = [
    { user: "a" },
    { user: null },
    { clientId: "a" },
    { user: "a", clientId: null },
    { user: null, clientId: "a" },
    { user: "a&client-id=b" },
    { user: "a", clientId: "b" },
    { ip: null },
  ];
  assertEquals(new Set(entities.map(quotaKey)).size, entities.length);
  assertEquals(quotaKey({ clientId: "x/y", user: "ü" }), "quotas/user=%C3%BC&client-id=x%2Fy");
});
