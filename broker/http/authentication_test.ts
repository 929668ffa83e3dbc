import { assertEquals, assertRejects } from "@std/assert";
import { newScramCredential, type ScramCredential } from "../../protocol/sasl/scram.ts";
import type { BrokerContext } from "../handler.ts";
import { silentLogger } from "../logger.ts";
import { encodeUser, userKey } from "../security/credentials/user_record.ts";
import { SecurityRecords } from "../security/security_records.ts";
import { ManualClock } from "../time/clock.ts";
import { HttpAuthentication } from "./authentication.ts";
import { HttpError } from "./http_error.ts";

const REQUEST = new Request("http://localhost/v3/clusters", {
  headers: { authorization: `Basic ${btoa("alice:secret")}` },
});

class World implements Disposable {
  readonly records = new SecurityRecords(() => Promise.resolve());
  readonly authentication = new HttpAuthentication({
    cluster: { security: this.records },
    clock: Object.assign(new ManualClock(), {
      setTimeout: (callback: () => void) => (queueMicrotask(callback), 0),
    }),
    logger: silentLogger,
    counters: { authentications: { succeeded: 0, failed: 0 } },
    config: { get: () => 1, ofListener: () => ({ get: () => null }) },
  } as unknown as BrokerContext);

  set(credential: ScramCredential | undefined): void {
    const value = credential && encodeUser(new Map([["SCRAM-SHA-256", credential]]));
    this.records.apply(userKey("alice")!, value && { value, revision: 1, created: 1 });
  }

  [Symbol.dispose](): void {
    this.authentication.close();
  }
}

for (const change of ["changed", "deleted"]) {
  Deno.test(`HttpAuthentication.identify() refuses a password that is ${change} while it is checked`, async () => {
    using world = new World();
    world.set(await newScramCredential("SCRAM-SHA-256", "secret", 4096));
    const other = await newScramCredential("SCRAM-SHA-256", "other", 4096);
    const identified = world.authentication.identify(REQUEST);
    world.set(change === "deleted" ? undefined : other);
    const error = await assertRejects(() => identified, HttpError);
    assertEquals(error.status, 401);
  });
}

Deno.test("HttpAuthentication.identify() knows a user by its password", async () => {
  using world = new World();
  world.set(await newScramCredential("SCRAM-SHA-256", "secret", 4096));
  const { principal, isCurrent } = await world.authentication.identify(REQUEST);
  assertEquals([principal, isCurrent()], [{ type: "User", name: "alice" }, true]);
  world.set(undefined);
  assertEquals(isCurrent(), false);
});
