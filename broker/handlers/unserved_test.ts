import { assertEquals } from "@std/assert";
import { codec } from "../../protocol/codec.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import {
  produce,
  shareAcknowledge,
  streamsGroupHeartbeat,
  unregisterBroker,
  writeTxnMarkers,
} from "../../protocol/messages/mod.ts";
import { Reader } from "../../protocol/reader.ts";
import type { Api, ResponseOf, ResponseTo } from "../../protocol/schema.ts";
import { Writer } from "../../protocol/writer.ts";
import type { RequestContext } from "../handler.ts";
import { HandlerTable } from "./mod.ts";
import { unservedHandler } from "./unserved.ts";

Deno.test("unservedHandler() refuses in the API's own form, naming it, in every version", () => {
  for (const api of [shareAcknowledge, streamsGroupHeartbeat, unregisterBroker] as Api[]) {
    const handler = unservedHandler(api)!;
    const answer = handler.handle({} as never, {} as RequestContext) as ResponseTo<Api>;
    for (let version = api.versions.min; version <= api.versions.max; version++) {
      const writer = new Writer();
      codec(api.response, version).encode(writer, answer);
      const decoded = codec(api.response, version).decode(new Reader(writer.takeBytes()));
      const { errorCode, errorMessage } = decoded as ResponseOf<typeof unregisterBroker>;
      assertEquals(errorCode, ErrorCode.UNSUPPORTED_VERSION);
      assertEquals(errorMessage, `This broker does not serve ${api.name} (API key ${api.key})`);
    }
  }
});

Deno.test("unservedHandler() leaves alone what has no place for an error of the whole", () => {
  for (const api of [produce, writeTxnMarkers] as Api[]) {
    assertEquals(unservedHandler(api), undefined);
  }
});

Deno.test("HandlerTable advertises nothing that it does not serve", async () => {
  const table = new HandlerTable();
  const { apiKeys } = await table.get(18)!.handle({} as never, {
    apiVersion: 0,
  } as RequestContext) as { apiKeys: { apiKey: number }[] };
  const keys = new Set(apiKeys.map(({ apiKey }) => apiKey));
  for (
    const { key } of [shareAcknowledge, streamsGroupHeartbeat, unregisterBroker, writeTxnMarkers]
  ) {
    assertEquals(keys.has(key), false);
  }
});
