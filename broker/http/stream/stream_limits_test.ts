import { assert, assertEquals } from "@std/assert";
import { Broker } from "../../mod.ts";
import { Client } from "../../../client/mod.ts";
import { StreamCounters } from "../http_counters.ts";
import { Places } from "../places.ts";
import { StreamLimits } from "./stream_limits.ts";

async function withLimits(test: (limits: StreamLimits) => void): Promise<void> {
  await using broker = await Broker.start({ storage: "memory" });
  await using client = new Client({ broker });
  const places = new Places({ all: 5, ofUser: 5 });
  test(new StreamLimits(client, new StreamCounters(), { take: () => places.take(undefined) }, 2));
}

Deno.test("StreamLimits.enter() refuses an address that has its streams, and no other", () =>
  withLimits((limits) => {
    const first = limits.enter("sse", "192.0.2.1");
    using _second = limits.enter("websocket", "192.0.2.1");
    assertEquals(limits.enter("sse", "192.0.2.1"), undefined);
    using other = limits.enter("sse", "192.0.2.2");
    assert(other !== undefined);
    assertEquals(limits.counters.readers, { sse: 2, websocket: 1 });
    assertEquals(limits.counters.closed.limit, 1);
    first![Symbol.dispose]();
    first![Symbol.dispose]();
    using again = limits.enter("sse", "192.0.2.1");
    assert(again !== undefined, "one has ended");
    assertEquals(limits.enter("sse", "192.0.2.1"), undefined, "it has ended only once");
  }));

Deno.test("StreamLimits.enter() lets this machine have all streams, and nobody more", () =>
  withLimits((limits) => {
    const addresses = ["127.0.0.1", "127.0.0.1", "127.0.0.1", "::1", "::ffff:127.0.0.1"];
    for (const address of addresses) assert(limits.enter("sse", address) !== undefined);
    assertEquals(limits.enter("sse", "127.0.0.1"), undefined);
    assertEquals(limits.enter("sse", "192.0.2.1"), undefined);
    assertEquals(limits.streamCount, 5);
  }));
