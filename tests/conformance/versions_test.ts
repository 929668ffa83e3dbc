/**
 * Tests that every API answers in every advertised version, with success and with errors, in a form that
 * the version can carry.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import * as messages from "../../protocol/messages/mod.ts";
import { sampleMessage, seededRandom } from "../../protocol/messages/sample_message_testing.ts";
import { eachSeed } from "../../protocol/seeds_testing.ts";
import type { Api, ResponseOf } from "../../protocol/schema/schema.ts";
import { EXCHANGES, type Make, World } from "../support/protocol/exchanges.ts";
import { LocalBroker } from "../support/broker/local_broker.ts";
import { RawConnection } from "../support/protocol/raw_connection.ts";
import { batchOf } from "../support/protocol/records.ts";
import { append, createTopic } from "../support/protocol/requests.ts";

/** Runs `use` with a broker on which the first rebalance of a group is not delayed. */
async function withWorld(use: (world: World, local: LocalBroker) => Promise<void>): Promise<void> {
  await using local = await LocalBroker.start({
    config: { "group.initial.rebalance.delay.ms": 0, "offsets.topic.num.partitions": 1 },
  });
  using connection = await RawConnection.connect(local.address);
  const topicId = await createTopic(connection, "t");
  await append(connection, "t", batchOf(["x"]));
  // The first FindCoordinator creates the offsets topic.
  let errors: number[];
  do {
    await connection.request(messages.findCoordinator, 4, { coordinatorKeys: ["g"] });
    errors = errorsIn(await connection.request(messages.describeGroups, 0, { groups: ["g"] }));
  } while (errors.length > 0);
  await use(new World(connection, topicId), local);
}

/** Returns each API that the broker serves, with its served versions. */
async function servedBy({ connection }: World): Promise<[api: Api, versions: number[]][]> {
  const { apiKeys } = await connection.request(messages.apiVersions, 0, {});
  return apiKeys.map(({ apiKey, minVersion, maxVersion }) => {
    const api = messages.apiByKey(apiKey)!;
    // Produce 0 to 2 are advertised for old clients, but refused.
    const first = Math.max(minVersion, api.versions.min);
    const versions = Array.from({ length: maxVersion - first + 1 }, (_, i) => first + i);
    return [api, versions];
  });
}

/** Returns the unexpected error codes in a response. */
function errorsIn(value: unknown, expected: readonly number[] = []): number[] {
  if (Array.isArray(value)) return value.flatMap((item) => errorsIn(item, expected));
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    if (!/errorcode$/i.test(name)) return errorsIn(inner, expected);
    return inner === ErrorCode.NONE || expected.includes(inner as number) ? [] : [inner as number];
  });
}

Deno.test("Every API answers good and bad requests in every version it advertises", async (t) => {
  await withWorld(async (world) => {
    for (const [api, versions] of await servedBy(world)) {
      const found = EXCHANGES.find((exchange) => exchange.api === api);
      assert(found !== undefined, `${api.name} has requests to be tested with`);
      const { good, bad, firstBad, expected } = found;
      await t.step(`${api.name}, versions ${versions[0]} to ${versions.at(-1)}`, async () => {
        for (const version of versions) {
          const ask = async (make: Make<Api>): Promise<ResponseOf<Api>> =>
            await world.connection.request(api, version, await make(version, world));
          assertEquals(errorsIn(await ask(good), expected), [], `version ${version}`);
          if (bad === undefined || version < firstBad) continue;
          assert(errorsIn(await ask(bad), expected).length > 0, `version ${version} has an error`);
        }
      });
    }
  });
});

/** Fields that would make the broker wait or not answer, and the values they get instead. */
const CALM: Readonly<Record<string, unknown>> = { maxWaitMs: 0, acks: 1, sessionTimeoutMs: 1 };

Deno.test("Every API answers nonsensical requests in every version", async (t) => {
  await eachSeed(t, 1, (seed) =>
    withWorld(async (world) => {
      const random = seededRandom(seed);
      for (const [api, versions] of await servedBy(world)) {
        for (const version of versions) {
          for (const kind of ["minimal", "full", "random", "random", "random", "random"] as const) {
            const { value } = sampleMessage(api.request, version, kind, random);
            for (const [name, calm] of Object.entries(CALM)) if (name in value) value[name] = calm;
            try {
              await world.connection.request(api, version, value);
            } catch (error) {
              const request = `${kind} ${api.name} request of version ${version}`;
              throw new Error(`No answer to ${request}: ${Deno.inspect(value)}`, {
                cause: error,
              });
            }
          }
        }
      }
    }));
});
