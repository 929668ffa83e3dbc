import { assertEquals, assertThrows } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import {
  addRaftVoter,
  APIS,
  apiVersions,
  getTelemetrySubscriptions,
  produce,
  shareAcknowledge,
} from "../../protocol/messages/mod.ts";
import { ApiError } from "../api_error.ts";
import type { RequestContext } from "../handler.ts";
import { HandlerTable, loadHandlers } from "./mod.ts";
import { unservedHandler } from "./unserved.ts";

Deno.test("unservedHandler() rejects every request with the API's name", () => {
  const { handle } = unservedHandler(addRaftVoter);
  const error = assertThrows(() => handle({} as never, {} as RequestContext), ApiError);
  assertEquals(error.code, ErrorCode.UNSUPPORTED_VERSION);
  assertEquals(error.message, "This broker does not serve AddRaftVoter (API key 80)");
});

Deno.test("HandlerTable has a handler for every declared API and advertises the served ones", async () => {
  const table = new HandlerTable();
  for (const { key } of APIS) assertEquals(table.get(key)?.api.key, key);
  const { handle } = table.get(apiVersions.key)!;
  const { apiKeys } = await handle({} as never, {
    apiVersion: 0,
    broker: { cluster: { configuredResources: () => [] } },
  } as unknown as RequestContext) as {
    apiKeys: { apiKey: number }[];
  };
  const keys = new Set(apiKeys.map(({ apiKey }) => apiKey));
  assertEquals(keys.has(produce.key), true);
  for (const { key } of [shareAcknowledge, addRaftVoter, getTelemetrySubscriptions]) {
    assertEquals(keys.has(key), false);
  }
});

Deno.test("HandlerTable's handlers that are loaded late advertise what they serve", async () => {
  const table = new HandlerTable();
  const handlers = await loadHandlers();
  assertEquals(handlers.size, 49);
  for (const [key, { api, advertised }] of handlers) {
    assertEquals([table.get(key)!.api, table.get(key)!.advertised], [api, advertised], api.name);
  }
});
