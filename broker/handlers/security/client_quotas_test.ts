import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { alterClientQuotas } from "../../../protocol/messages/security/alter_client_quotas.ts";
import { describeClientQuotas } from "../../../protocol/messages/security/describe_client_quotas.ts";
import { MemoryFileSystem } from "../../../storage/mod.ts";
import { ApiError } from "../../api_error.ts";
import { TestBroker } from "../../broker_testing.ts";
import type { AuditEvent } from "../../security/audit/audit_log.ts";
import { EMBEDDED_SESSION } from "../../security/session.ts";
import { alterClientQuotasHandler, describeClientQuotasHandler } from "./client_quotas.ts";

const EXACT = 0;
const DEFAULT = 1;
const ANY = 2;

type Component = [entityType: string, matchType: number, match: string | null];

Deno.test("DescribeClientQuotas returns no quotas and validates its filter (KIP-546)", async () => {
  await using broker = await TestBroker.start();
  const describe = (...components: Component[]) =>
    broker.call(describeClientQuotas, describeClientQuotasHandler, 1, {
      components: components.map(([entityType, matchType, match]) => ({
        entityType,
        matchType,
        match,
      })),
      strict: false,
    });
  const good: Component[][] = [
    [],
    [["user", ANY, null], ["client-id", EXACT, "a"]],
    [["ip", DEFAULT, null]],
  ];
  for (const components of good) {
    const { errorCode, entries } = await describe(...components);
    assertEquals([errorCode, entries], [ErrorCode.NONE, []]);
  }
  const bad: [number, string, ...Component[]][] = [
    [ErrorCode.INVALID_REQUEST, "empty entity type", ["", ANY, null]],
    [ErrorCode.UNSUPPORTED_VERSION, "entity type planet", ["planet", ANY, null]],
    [ErrorCode.UNSUPPORTED_VERSION, "entity type planet", ["planet", EXACT, null]],
    [ErrorCode.UNSUPPORTED_VERSION, "entity type planet", ["planet", DEFAULT, "a"]],
    [ErrorCode.UNSUPPORTED_VERSION, "entity type planet", ["planet", 9, null]],
    [ErrorCode.INVALID_REQUEST, "Unknown match type 9", ["user", 9, null]],
    [ErrorCode.INVALID_REQUEST, "match string to null", ["user", EXACT, null]],
    [ErrorCode.INVALID_REQUEST, "also specified a match string", ["user", DEFAULT, "a"]],
    [ErrorCode.INVALID_REQUEST, "more than once", ["user", ANY, null], ["user", ANY, null]],
    [ErrorCode.INVALID_REQUEST, "IP filter", ["user", ANY, null], ["ip", ANY, null]],
  ];
  for (const [code, text, ...components] of bad) {
    const { errorCode, errorMessage, entries } = await describe(...components);
    assertEquals([errorCode, entries], [code, null]);
    assertStringIncludes(errorMessage!, text);
  }
});

class Quotas {
  readonly broker: TestBroker;

  constructor(broker: TestBroker) {
    this.broker = broker;
  }

  async alter(
    entity: readonly Name[],
    changes: Readonly<Record<string, number | null>>,
    validateOnly = false,
  ): Promise<readonly [code: number, text: string]> {
    const { entries } = await this.broker.call(alterClientQuotas, alterClientQuotasHandler, 1, {
      entries: [{
        entity: entity.map(([entityType, entityName]) => ({ entityType, entityName })),
        ops: Object.entries(changes).map(([key, value]) => ({
          key,
          value: value ?? 0,
          remove: value === null,
        })),
      }],
      validateOnly,
    });
    return [entries[0]!.errorCode, entries[0]!.errorMessage ?? ""];
  }

  /** The quotas that match, by their entity. */
  async describe(components: readonly Component[], strict = false) {
    const { entries } = await this.broker.call(
      describeClientQuotas,
      describeClientQuotasHandler,
      1,
      {
        components: components.map(([entityType, matchType, match]) => ({
          entityType,
          matchType,
          match,
        })),
        strict,
      },
    );
    return Object.fromEntries(entries!.map(({ entity, values }) => [
      entity.map(({ entityType, entityName }) => `${entityType}=${entityName}`).join(" "),
      Object.fromEntries(values.map(({ key, value }) => [key, value])),
    ]));
  }
}

type Name = [type: string, name: string | null];

Deno.test("AlterClientQuotas keeps quotas, which DescribeClientQuotas finds by each kind of filter", async () => {
  await using broker = await TestBroker.start();
  const quotas = new Quotas(broker);
  const ok = [ErrorCode.NONE, ""] as const;
  const rate = { "producer_byte_rate": 1000 };
  const entities: Name[][] = [
    [["user", "a"]],
    [["user", null]],
    [["client-id", "x"], ["user", "a"]],
    [["user", "a"], ["client-id", null]],
    [["client-id", "x"]],
  ];
  for (const entity of entities) assertEquals(await quotas.alter(entity, rate), ok);
  assertEquals(await quotas.alter([["ip", "::1"]], { "connection_creation_rate": 5 }), ok);
  for (
    const [components, strict, expected] of [
      [[], false, 6],
      [[], true, 0],
      [[["user", EXACT, "a"]], false, 3],
      [[["user", EXACT, "a"]], true, 1],
      [[["user", DEFAULT, null]], false, 1],
      [[["user", ANY, null]], false, 4],
      [[["user", ANY, null]], true, 2],
      [[["user", EXACT, "a"], ["client-id", ANY, null]], false, 2],
      [[["user", EXACT, "a"], ["client-id", DEFAULT, null]], true, 1],
      [[["client-id", EXACT, "x"]], true, 1],
      [[["ip", ANY, null]], false, 1],
      [[["user", EXACT, "b"]], false, 0],
    ] as [Component[], boolean, number][]
  ) {
    const found = await quotas.describe(components, strict);
    assertEquals(Object.keys(found).length, expected, components.join());
  }
  assertEquals(await quotas.describe([["client-id", EXACT, "x"], ["user", EXACT, "a"]]), {
    "user=a client-id=x": rate,
  });
});

Deno.test("AlterClientQuotas changes what it names, removes, only validates, and lasts over a restart", async () => {
  const fs = new MemoryFileSystem();
  const entity: Name[] = [["user", "a"]];
  const all: Component[] = [["user", ANY, null]];
  {
    await using broker = await TestBroker.start({ fs });
    const quotas = new Quotas(broker);
    await quotas.alter(entity, { "producer_byte_rate": 1, "request_percentage": 2.5 });
    await quotas.alter(entity, { "consumer_byte_rate": 3, "producer_byte_rate": null });
    await quotas.alter(entity, { "consumer_byte_rate": 9 }, true);
    await quotas.alter([["user", "b"]], { "consumer_byte_rate": null });
  }
  await using broker = await TestBroker.start({ fs });
  const quotas = new Quotas(broker);
  const values = { "consumer_byte_rate": 3, "request_percentage": 2.5 };
  assertEquals(await quotas.describe(all), { "user=a": values });
  assertEquals(broker.context.quotas.isActive, true);
  await quotas.alter(entity, { "consumer_byte_rate": null, "request_percentage": null });
  assertEquals(await quotas.describe(all), {});
  assertEquals(broker.context.quotas.isActive, false);
});

Deno.test("AlterClientQuotas loses no change of concurrent requests", async () => {
  await using broker = await TestBroker.start();
  const quotas = new Quotas(broker);
  const values = {
    "producer_byte_rate": 1,
    "consumer_byte_rate": 2,
    "request_percentage": 3,
    "controller_mutation_rate": 4,
  };
  await Promise.all(
    Object.entries(values).map(([key, value]) => quotas.alter([["user", "a"]], { [key]: value })),
  );
  assertEquals(await quotas.describe([]), { "user=a": values });
});

Deno.test("AlterClientQuotas validates entities and values as Kafka does", async () => {
  await using broker = await TestBroker.start();
  const quotas = new Quotas(broker);
  const rate = "producer_byte_rate";
  for (
    const [entity, key, value, problem] of [
      [[], rate, 1, "empty client quota entity"],
      [[["planet", "a"]], rate, 1, "entity type: planet"],
      [[["user", ""]], rate, 1, "Empty user"],
      [[["user", "a"], ["user", "b"]], rate, 1, "twice"],
      [[["user", "a"]], "speed", 1, "Invalid configuration key speed"],
      [[["user", "a"]], "connection_creation_rate", 1, "Invalid configuration key"],
      [[["ip", "::1"]], rate, 1, `Invalid configuration key ${rate}`],
      [[["ip", "nowhere"]], "connection_creation_rate", 1, "nowhere is not a valid IP"],
      [[["user", "a"]], rate, -1, "must be greater than 0"],
      [[["user", "a"]], rate, NaN, "must be greater than 0"],
      [[["user", "a"]], rate, Infinity, "too large for a LONG"],
      [[["user", "a"]], "request_percentage", Infinity, "finite"],
      [[["user", "a"]], rate, 1.5, "cannot be a fractional value"],
      [[["user", "a"]], rate, 1e19, "too large for a LONG"],
      [[["ip", null]], "connection_creation_rate", 2 ** 31, "too large for an INT"],
      [[["user", "a"], ["ip", "::1"]], rate, 1, "IP entity"],
    ] as [Name[], string, number, string][]
  ) {
    const [code, text] = await quotas.alter(entity, { [key]: value });
    assertEquals(code, ErrorCode.INVALID_REQUEST, problem);
    assertStringIncludes(text, problem);
  }
  assertEquals(await quotas.describe([]), {});
});

Deno.test("AlterClientQuotas carries out the first of several entries for one entity, and says so", async () => {
  await using broker = await TestBroker.start();
  const quotas = new Quotas(broker);
  const set = (value: number, key = "producer_byte_rate") => ({ key, value, remove: false });
  const entity = (...names: Name[]) =>
    names.map(([entityType, entityName]) => ({ entityType, entityName }));
  const { entries } = await broker.call(alterClientQuotas, alterClientQuotasHandler, 1, {
    entries: [
      { entity: entity(["user", "a"]), ops: [set(1)] },
      { entity: entity(["user", "a"]), ops: [set(2)] },
      { entity: entity(["user", "b"], ["client-id", null]), ops: [set(3)] },
      { entity: entity(["client-id", null], ["user", "b"]), ops: [set(4)] },
      { entity: entity(["user", "c"]), ops: [set(5), set(6)] },
      { entity: entity(["user", "d"]), ops: [set(7), { ...set(8), remove: true }] },
      { entity: entity(["user", "e"]), ops: [set(9), set(10, "consumer_byte_rate")] },
    ],
    validateOnly: false,
  });
  const { INVALID_REQUEST, NONE } = ErrorCode;
  assertEquals(
    entries.map(({ entity, errorCode }) => [entity[0]!.entityName, errorCode]),
    [...["a", "b", "c", "d"].map((name) => [name, INVALID_REQUEST]), ["e", NONE]],
  );
  assertStringIncludes(entries[0]!.errorMessage!, 'Ignoring duplicate entity user="a"');
  assertStringIncludes(entries[2]!.errorMessage!, "Duplicate quota key producer_byte_rate");
  assertEquals(await quotas.describe([]), {
    "user=a": { "producer_byte_rate": 1 },
    "user=b client-id=null": { "producer_byte_rate": 3 },
    "user=e": { "producer_byte_rate": 9, "consumer_byte_rate": 10 },
  });
});

Deno.test("AlterClientQuotas removes what does not exist without an error", async () => {
  await using broker = await TestBroker.start();
  const quotas = new Quotas(broker);
  const rate = "producer_byte_rate";
  for (
    const [entity, key] of [
      [[["user", "a"]], rate],
      [[["user", "a"]], "speed"],
      [[["user", "a"]], "connection_creation_rate"],
      [[["ip", "::1"]], rate],
    ] as [Name[], string][]
  ) assertEquals(await quotas.alter(entity, { [key]: null }), [ErrorCode.NONE, ""]);
  assertEquals(await quotas.describe([]), {});
});

Deno.test("AlterClientQuotas is for this machine's clients while the cluster is open, and is audited", async () => {
  const events: AuditEvent[] = [];
  await using broker = await TestBroker.start({
    audit: { record: (event) => void events.push(event) },
  });
  const quotas = new Quotas(broker);
  broker.session = { ...EMBEDDED_SESSION, host: "10.0.0.1", isLocal: false };
  const alter = () =>
    quotas.alter([["user", "a"], ["client-id", null]], { "request_percentage": 7 });
  const { code } = await assertRejects(alter, ApiError, "on the broker's machine");
  assertEquals([code, events], [ErrorCode.CLUSTER_AUTHORIZATION_FAILED, []]);
  broker.session = EMBEDDED_SESSION;
  await alter();
  assertEquals(
    events.map(({ event, resource, before, after }) => [event, resource, before, after]),
    [
      ["change", "user=a,client-id=<default>", {}, { "request_percentage": 7 }],
    ],
  );
});
