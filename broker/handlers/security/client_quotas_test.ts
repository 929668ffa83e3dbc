import { assertEquals, assertStringIncludes } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { alterClientQuotas } from "../../../protocol/messages/security/alter_client_quotas.ts";
import { describeClientQuotas } from "../../../protocol/messages/security/describe_client_quotas.ts";
import { TestBroker } from "../../broker_testing.ts";
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

Deno.test("AlterClientQuotas accepts removing quotas and rejects setting them", async () => {
  await using broker = await TestBroker.start();
  const alter = async (
    entity: [type: string, name: string | null][],
    key: string,
    value: number | null,
  ) => {
    const { entries } = await broker.call(alterClientQuotas, alterClientQuotasHandler, 1, {
      entries: [{
        entity: entity.map(([entityType, entityName]) => ({ entityType, entityName })),
        ops: [{ key, value: value ?? 0, remove: value === null }],
      }],
      validateOnly: false,
    });
    return [entries[0]!.errorCode, entries[0]!.errorMessage ?? ""] as const;
  };
  const rate = "producer_byte_rate";
  assertEquals(await alter([["user", "a"]], rate, null), [ErrorCode.NONE, ""]);
  const [code, text] = await alter([["user", null]], rate, 1000);
  assertEquals(code, ErrorCode.UNSUPPORTED_VERSION);
  assertStringIncludes(text, "this broker has no client quotas");
  for (
    const [entity, key, value, problem] of [
      [[], rate, 1, "empty client quota entity"],
      [[["planet", "a"]], rate, 1, "entity type: planet"],
      [[["user", ""]], rate, 1, "Empty user"],
      [[["user", "a"]], "speed", 1, "Invalid configuration key speed"],
      [[["ip", "::1"]], rate, 1, `Invalid configuration key ${rate}`],
      [[["user", "a"]], rate, -1, "must be greater than 0"],
      [[["user", "a"]], rate, NaN, "must be greater than 0"],
      [[["user", "a"], ["ip", "::1"]], rate, 1, "IP entity"],
    ] as [[string, string][], string, number, string][]
  ) {
    const [code, text] = await alter(entity, key, value);
    assertEquals(code, ErrorCode.INVALID_REQUEST, problem);
    assertStringIncludes(text, problem);
  }
});
