/**
 * Random rules, added and deleted, against an evaluation that is as simple as it can be.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import {
  AclOperation,
  AclPatternType,
  AclPermissionType,
  AclResourceType,
} from "../../../protocol/messages/security/acl_types.ts";
import { Random } from "../../../protocol/random_testing.ts";
import { eachSeed } from "../../../protocol/seeds_testing.ts";
import { silentLogger } from "../../logger.ts";
import { MetadataFollower } from "../../metadata/metadata_follower.ts";
import {
  type MetadataEntry,
  type MetadataEvent,
  type MetadataStore,
  RevisionCompactedError,
} from "../../metadata/metadata_store.ts";
import { systemClock } from "../../time/clock.ts";
import { SecurityRecords } from "../security_records.ts";
import type { Session } from "../session.ts";
import { AclAuthorizer } from "./acl_authorizer.ts";
import { aclCreation, aclKey, type AclRule } from "./acl_rule.ts";

const STEPS = 30;

const TYPES = [AclResourceType.topic, AclResourceType.group];
const NAMES = ["a", "ab", "abc", "b", "*"];
const PATTERNS = [AclPatternType.literal, AclPatternType.prefixed];
const PRINCIPALS = ["User:x", "User:y", "User:*"];
const { read, write, describe, alterConfigs, describeConfigs, all } = AclOperation;
const OPERATIONS = [read, write, describe, alterConfigs, describeConfigs, all];
const ASKED = [read, write, describe, describeConfigs];
const PERMISSIONS = [AclPermissionType.allow, AclPermissionType.deny];
/** Hosts of rules, with the clients' addresses that they concern. */
const HOSTS: Readonly<Record<string, readonly string[]>> = {
  "*": ["10.0.0.1", "10.0.0.2", "::1"],
  "10.0.0.1": ["10.0.0.1"],
  "10.0.0.0/30": ["10.0.0.1", "10.0.0.2"],
  "0:0:0:0:0:0:0:1": ["::1"],
};

const SESSIONS = ["x", "y", "root"].flatMap((name) =>
  HOSTS["*"]!.map((host): Session => ({
    principal: { type: "User", name },
    host,
    listener: { name: "SASL_SSL", protocol: "SASL_SSL" },
    isLocal: false,
  }))
);

/** Every name that rules can tell apart. */
const UNIVERSE = ["", "a", "b", "c", "*"]
  .flatMap((first) => ["", "a", "b", "c"].map((second) => first + second))
  .flatMap((start) => ["", "c", "d", "cd"].map((end) => start + end))
  .filter((name) => name !== "");

/** Kafka's semantics, word for word. */
function reference(
  rules: readonly AclRule[],
  allowsEveryone: boolean,
  { principal, host }: Session,
  operation: number,
  type: number,
  name: string,
): boolean {
  if (principal.name === "root") return true;
  const about = rules.filter((rule) =>
    rule.type === type &&
    (rule.pattern === AclPatternType.prefixed
      ? name.startsWith(rule.name)
      : rule.name === name || rule.name === "*")
  );
  const concerning = about.filter((rule) =>
    (rule.principal === "User:*" || rule.principal === `User:${principal.name}`) &&
    HOSTS[rule.host]!.includes(host)
  );
  const isDenied = concerning.some((rule) =>
    rule.permission === AclPermissionType.deny &&
    (rule.operation === all || rule.operation === operation)
  );
  if (isDenied) return false;
  const isAllowed = concerning.some((rule) =>
    rule.permission === AclPermissionType.allow &&
    (rule.operation === all || rule.operation === operation ||
      operation === describe && [read, write].includes(rule.operation as never) ||
      operation === describeConfigs && rule.operation === alterConfigs)
  );
  return isAllowed || about.length === 0 && allowsEveryone;
}

/** A store whose watch can be interrupted while its content changes. */
class GappyStore {
  readonly entries: Map<string, MetadataEntry> = new Map();
  revision = 0;
  #events: MetadataEvent[] = [];
  #hasGap = false;
  #wake: () => void = () => {};

  read() {
    this.#events = [];
    return Promise.resolve({ revision: this.revision, entries: new Map(this.entries) });
  }

  async *watch(from: number, { signal }: { signal?: AbortSignal }): AsyncGenerator<MetadataEvent> {
    signal?.addEventListener("abort", () => this.#wake());
    while (signal?.aborted !== true) {
      if (this.#hasGap) {
        this.#hasGap = false;
        throw new RevisionCompactedError(from, this.revision);
      }
      const event = this.#events.shift();
      if (event !== undefined) yield event;
      else await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  /** Changes a key; watchers see it only if there is no gap. */
  set(key: string, value: Uint8Array | null, isSeen: boolean): void {
    const revision = ++this.revision;
    const entry = value === null ? undefined : { value, revision, created: revision };
    if (entry === undefined) this.entries.delete(key);
    else this.entries.set(key, entry);
    if (isSeen) this.#events.push({ revision, changes: [{ key, entry }] });
    else this.#hasGap = true;
    this.#wake();
  }
}

/** An authorizer that follows a store. */
async function follow(store: GappyStore, allowsEveryone: boolean) {
  const records = new SecurityRecords(() => Promise.resolve());
  const follower = new MetadataFollower({
    store: store as unknown as MetadataStore,
    clock: systemClock,
    logger: silentLogger,
    show: (key, entry) => records.apply(key, entry),
  });
  await follower.start();
  const authorizer = new AclAuthorizer({
    records,
    isRequired: true,
    superUsers: new Set(["User:root"]),
    allowsEveryoneWithoutRule: allowsEveryone,
    logger: silentLogger,
  });
  return { follower, authorizer };
}

Deno.test("AclAuthorizer decides as the rules say after each random change, restart and gap of the watch", async (t) => {
  await eachSeed(t, 6, async (seed) => {
    const random = new Random(seed);
    const pick = <T>(items: readonly T[]): T => random.pick(items);
    const allowsEveryone = random.below(3) === 0;
    const store = new GappyStore();
    const rules = new Map<string, AclRule>();
    let followed = await follow(store, allowsEveryone);
    try {
      for (let step = 0; step < STEPS; step++) {
        // Sometimes several changes are missed at once.
        const isSeen = random.below(5) > 0;
        for (let changes = isSeen ? 1 : 1 + random.below(4); changes > 0; changes--) {
          if (rules.size > 0 && random.below(5) < 2) {
            const key = pick([...rules.keys()]);
            rules.delete(key);
            store.set(key, null, isSeen);
            continue;
          }
          const rule: AclRule = {
            type: pick(TYPES),
            name: pick(NAMES),
            pattern: pick(PATTERNS),
            principal: pick(PRINCIPALS),
            host: pick(Object.keys(HOSTS)),
            operation: pick(OPERATIONS),
            permission: pick(PERMISSIONS),
          };
          const { value } = await aclCreation(rule) as { value: Uint8Array };
          const key = await aclKey(rule);
          rules.set(key, rule);
          store.set(key, value, isSeen);
        }
        await followed.follower.caughtUp(store.revision);
        if (random.below(10) === 0) {
          followed.authorizer.close();
          await followed.follower.close();
          followed = await follow(store, allowsEveryone);
        }
        compare([...rules.values()], allowsEveryone, followed.authorizer, step);
      }
    } finally {
      await followed.follower.close();
    }
  });
});

function compare(
  rules: readonly AclRule[],
  allowsEveryone: boolean,
  authorizer: AclAuthorizer,
  step: number,
): void {
  for (const session of SESSIONS) {
    for (const type of TYPES) {
      for (const operation of ASKED) {
        const expected = (name: string) =>
          reference(rules, allowsEveryone, session, operation, type, name);
        // Twice: the second answer is the one that was kept.
        for (const name of [...NAMES, "z", ...NAMES]) {
          const actual = authorizer.mayDo(session, operation, type, name);
          if (actual === expected(name)) continue;
          throw new Error(explained(rules, session, operation, type, name, actual, step));
        }
        if (step % 5 > 0) continue;
        const somewhere = authorizer.mayDoSomewhere(session, operation, type);
        const where = UNIVERSE.filter(expected);
        assertEquals(somewhere, where.length > 0, `step ${step}, ${JSON.stringify(rules)}`);
      }
    }
  }
}

function explained(
  rules: readonly AclRule[],
  { principal: { name: who }, host }: Session,
  operation: number,
  type: number,
  name: string,
  actual: boolean,
  step: number,
): string {
  const question = JSON.stringify({ who, host, operation, type, name });
  return `Step ${step}: ${question} is ${actual ? "allowed" : "denied"} by ${
    JSON.stringify(rules)
  }`;
}
