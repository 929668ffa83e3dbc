import { assertEquals } from "@std/assert";
import { isCondemned, Liveness, SILENCE_MS } from "./liveness.ts";
import type { Suspicion } from "../cluster/suspicions.ts";

const TWO = { id: 2, epoch: 20 };
const THREE = { id: 3, epoch: 30 };

Deno.test("Liveness.dead() gives the brokers that have been silent for too long", () => {
  const liveness = new Liveness();
  liveness.watch([TWO, THREE], 1000);
  assertEquals(liveness.nextMs, 1000 + SILENCE_MS);
  liveness.heard(THREE, 1500);
  assertEquals(liveness.dead(1000 + SILENCE_MS - 1), []);
  assertEquals(liveness.dead(1000 + SILENCE_MS), [TWO]);
  assertEquals(liveness.dead(1500 + SILENCE_MS), [TWO, THREE]);
  liveness.heard(TWO, 3000);
  assertEquals(liveness.dead(3000), [THREE]);
});

Deno.test("Liveness.refused() makes a broker dead until it is heard of", () => {
  const liveness = new Liveness();
  liveness.watch([TWO], 0);
  liveness.refused(TWO);
  assertEquals(liveness.dead(1), [TWO]);
  liveness.heard(TWO, 1);
  assertEquals(liveness.dead(1), []);
});

Deno.test("Liveness ignores what concerns another registration of a broker", () => {
  const liveness = new Liveness();
  liveness.watch([TWO], 0);
  liveness.heard({ id: 2, epoch: 19 }, 1000);
  liveness.refused({ id: 2, epoch: 19 });
  liveness.refused(THREE);
  assertEquals(liveness.dead(SILENCE_MS - 1), []);
  assertEquals(liveness.dead(SILENCE_MS), [TWO]);
  const again = { id: 2, epoch: 21 };
  liveness.watch([again], SILENCE_MS);
  assertEquals(liveness.dead(SILENCE_MS), []);
  liveness.watch([again], 2 * SILENCE_MS);
  assertEquals(liveness.dead(2 * SILENCE_MS), [again]);
});

Deno.test("Liveness.restart() counts the silence of all from then on, and not refusals", () => {
  const liveness = new Liveness();
  liveness.watch([TWO, THREE], 0);
  liveness.refused(THREE);
  liveness.restart(10_000);
  assertEquals(liveness.dead(10_000), [THREE]);
  assertEquals(liveness.dead(10_000 + SILENCE_MS), [TWO, THREE]);
});

Deno.test("Liveness.watch() forgets brokers that are no longer watched", () => {
  const liveness = new Liveness();
  liveness.watch([TWO], 0);
  liveness.watch([], 0);
  assertEquals([liveness.dead(10_000), liveness.nextMs], [[], Infinity]);
});

Deno.test("isCondemned() requires a majority of the other registered brokers", () => {
  const controller = { id: 1, epoch: 7 };
  const by = (...voters: number[]): Suspicion[] =>
    voters.map((voterId) => ({ voterId, accusedId: 1, controllerEpoch: 7 }));
  assertEquals(isCondemned(controller, [1, 2], by(2)), true);
  assertEquals(isCondemned(controller, [1, 2], by()), false);
  assertEquals(isCondemned(controller, [1, 2, 3], by(2)), false);
  assertEquals(isCondemned(controller, [1, 2, 3], by(2, 2)), false);
  assertEquals(isCondemned(controller, [1, 2, 3], by(2, 3)), true);
  assertEquals(isCondemned(controller, [1, 2, 3, 4, 5], by(2, 3)), false);
  assertEquals(isCondemned(controller, [1, 2, 3, 4, 5], by(2, 3, 4)), true);
});

Deno.test("isCondemned() counts neither brokers that are not registered nor what was said of others", () => {
  const controller = { id: 1, epoch: 7 };
  const brokers = [1, 2, 3];
  const said = { voterId: 2, accusedId: 1, controllerEpoch: 7 };
  assertEquals(isCondemned(controller, brokers, [said, { ...said, voterId: 4 }]), false);
  assertEquals(isCondemned(controller, brokers, [said, { ...said, voterId: 1 }]), false);
  const earlier = { ...said, voterId: 3, controllerEpoch: 6 };
  assertEquals(isCondemned(controller, brokers, [said, earlier]), false);
  const ofAnother = { ...said, voterId: 3, accusedId: 2 };
  assertEquals(isCondemned(controller, brokers, [said, ofAnother]), false);
});
