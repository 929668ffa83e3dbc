import { assertEquals } from "@std/assert";
import { Random } from "../../../protocol/random_testing.ts";
import { ZERO_UUID } from "../../../protocol/primitives/uuid.ts";
import type { CommittedOffset } from "./offset_store.ts";
import { PendingOffsets } from "./pending_offsets.ts";

function committed(offset: number): CommittedOffset {
  return {
    offset,
    leaderEpoch: -1,
    metadata: "",
    commitTimestampMs: 0,
    expireTimestampMs: -1,
    topicId: ZERO_UUID,
    recordOffset: offset,
  };
}

Deno.test("PendingOffsets agrees with a list of all that is pending", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = new Random(seed);
    const pending = new PendingOffsets();
    let model: { producerId: number; key: string; offset: number }[] = [];
    for (let step = 0; step < 200; step++) {
      const group = random.pick(["g", "h"]);
      const topic = random.pick(["a", "b"]);
      const partition = random.below(2);
      const key = `${group}/${topic}/${partition}`;
      const producerId = random.below(3);
      const act = random.below(4);
      if (act < 2) {
        pending.set(producerId, group, topic, partition, committed(step));
        model = model.filter((other) => other.producerId !== producerId || other.key !== key);
        model.push({ producerId, key, offset: step });
      } else if (act === 2) {
        pending.delete(group, topic, partition);
        model = model.filter((other) => other.key !== key);
      } else {
        const taken = pending.take(producerId).map(({ groupId, topic, partition, committed }) => ({
          producerId,
          key: `${groupId}/${topic}/${partition}`,
          offset: committed.offset,
        }));
        const byKey = (a: { key: string }, b: { key: string }) => a.key < b.key ? -1 : 1;
        const expected = model.filter((other) => other.producerId === producerId);
        assertEquals(taken.sort(byKey), expected.sort(byKey));
        model = model.filter((other) => other.producerId !== producerId);
      }
      assertEquals(pending.has(group, topic, partition), model.some((other) => other.key === key));
      const groupIds = new Set(model.map(({ key }) => key.split("/")[0]!));
      assertEquals(new Set(pending.groupIds()), groupIds);
      assertEquals(pending.ofGroup(group) !== undefined, groupIds.has(group));
    }
  }
});
