/**
 * Fuzz test of a broker with random and mutated frames.
 *
 * Invariants: the broker keeps serving a well-behaved client and loses none of its records; it logs no
 * error, because no frame is the broker's fault; when the clients have disconnected, their memory is free
 * again. `DQUEUE_TEST_FUZZ_FRAMES` sets the number of frames.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import { metadata } from "../../protocol/messages/mod.ts";
import { seededRandom } from "../../protocol/messages/sample_message_testing.ts";
import { eachSeed } from "../../protocol/seeds_testing.ts";
import { LocalBroker } from "../support/broker/local_broker.ts";
import { memoryNeeded } from "../support/memory_needed.ts";
import { attack, Attacker, FrameSource, servedApis } from "../support/protocol/fuzzing.ts";
import { RawConnection } from "../support/protocol/raw_connection.ts";
import { batchOf, recordsOf } from "../support/protocol/records.ts";
import { append, createTopic, read } from "../support/protocol/requests.ts";

const FRAMES = Number(Deno.env.get("DQUEUE_TEST_FUZZ_FRAMES") ?? 10_000);
/** How much memory in use may differ for other reasons: caches, code, garbage not yet collected. */
const MEMORY_TOLERANCE = 16 * 1024 * 1024;

/** Returns the bytes in use after the attacker has disconnected and the broker has freed its memory. */
async function memoryInUse(
  { broker }: LocalBroker,
  attacker: Attacker,
  bystander: RawConnection,
): Promise<number> {
  attacker.close();
  while (broker.connectionCount > 1) await bystander.request(metadata, 12, { topics: [] });
  return memoryNeeded();
}

Deno.test(`Broker keeps serving under ${FRAMES} random and mutated frames`, async (t) => {
  await eachSeed(t, 1, async (seed) => {
    await using local = await LocalBroker.start({
      config: { "auto.create.topics.enable": false, "group.initial.rebalance.delay.ms": 0 },
    });
    using bystander = await RawConnection.connect(local.address);
    await createTopic(bystander, "t");
    await createTopic(bystander, "fuzz");
    const source = new FrameSource(seededRandom(seed), await servedApis(bystander));
    const attacker = new Attacker(() => RawConnection.connect(local.address));
    await attack(attacker, source, Math.ceil(FRAMES / 10));
    const before = await memoryInUse(local, attacker, bystander);
    const rounds = 20;
    for (let round = 0; round < rounds; round++) {
      await attack(attacker, source, Math.ceil(FRAMES / rounds));
      const { errorCode } = await append(bystander, "t", batchOf([`${round}`]));
      assertEquals(errorCode, ErrorCode.NONE, `round ${round}`);
    }
    const after = await memoryInUse(local, attacker, bystander);
    assert(after <= before + MEMORY_TOLERANCE, `memory went from ${before} to ${after} bytes`);
    const { served, closed, waiting } = attacker.outcomes;
    assert(served > FRAMES / 10 && closed > FRAMES / 10 && waiting < FRAMES / 100, "a fair mix");
    const values = recordsOf((await read(bystander, "t", 0)).records).map(({ value }) => value);
    assertEquals(values, Array.from({ length: rounds }, (_, round) => `${round}`));
  });
});
