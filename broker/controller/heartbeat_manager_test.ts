import { assert, assertEquals, assertRejects } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import { ApiError } from "../api_error.ts";
import { HeartbeatingCluster } from "./heartbeat_testing.ts";
import { SILENCE_MS } from "./liveness.ts";

const NO_CONFIGS: ReadonlyMap<string, string> = new Map();
/** Time in which a silent broker is certainly deposed. */
const DEPOSED_MS = SILENCE_MS + 100;
/** Time in which a deposed broker has certainly registered again. */
const RETURN_MS = 5000;

function topic(name: string, id: string) {
  return { name, id: id.padEnd(22, "A"), replicas: [[1]], configs: NO_CONFIGS };
}

/** The brokers and the controller, as one broker shows them. */
function seenBy(cluster: HeartbeatingCluster, id: number): [number[], number] {
  const { brokers, controllerId } = cluster.broker(id).cluster;
  return [brokers.map((broker) => broker.id), controllerId];
}

Deno.test("HeartbeatManager deposes nobody while all brokers respond", async () => {
  await using cluster = await HeartbeatingCluster.start(3);
  await cluster.pass(5000);
  for (const id of [1, 2, 3]) assertEquals(seenBy(cluster, id), [[1, 2, 3], 1]);
});

Deno.test("HeartbeatManager of a broker without others does nothing", async () => {
  await using cluster = await HeartbeatingCluster.start(1);
  await cluster.pass(5000);
  assertEquals(cluster.heartbeatCount, 0);
  assertEquals(cluster.broker(1).clock.timerCount, 0);
});

Deno.test("HeartbeatManager of the controller deposes a killed broker at once, a paused one after silence", async (t) => {
  await t.step("killed", async () => {
    await using cluster = await HeartbeatingCluster.start(3);
    await cluster.kill(2);
    await cluster.pass(100);
    for (const id of [1, 3]) assertEquals(seenBy(cluster, id), [[1, 3], 1]);
  });
  await t.step("paused", async () => {
    await using cluster = await HeartbeatingCluster.start(3);
    cluster.pause(2);
    await cluster.pass(SILENCE_MS - 300);
    assertEquals(seenBy(cluster, 1), [[1, 2, 3], 1]);
    await cluster.pass(400);
    for (const id of [1, 3]) assertEquals(seenBy(cluster, id), [[1, 3], 1]);
  });
});

Deno.test("HeartbeatManager of the other brokers replaces a controller that is killed or paused", async (t) => {
  for (const count of [2, 3, 5]) {
    await t.step(`killed, of ${count} brokers`, async () => {
      await using cluster = await HeartbeatingCluster.start(count);
      await cluster.kill(1);
      await cluster.pass(100);
      const [brokers, controllerId] = seenBy(cluster, 2);
      assertEquals(brokers.length, count - 1);
      assert(brokers.includes(controllerId));
    });
    await t.step(`paused, of ${count} brokers`, async () => {
      await using cluster = await HeartbeatingCluster.start(count);
      cluster.pause(1);
      await cluster.pass(DEPOSED_MS);
      const [brokers, controllerId] = seenBy(cluster, 2);
      assertEquals(brokers.length, count - 1);
      assert(brokers.includes(controllerId));
      assertEquals([...cluster.broker(2).cluster.membership.suspicions], []);
    });
  }
});

Deno.test("HeartbeatManager replaces no controller without a majority of the other brokers", async () => {
  await using cluster = await HeartbeatingCluster.start(4);
  cluster.cut(1, 2);
  // The controller deposes the broker that it does not hear of, not the other way round.
  await cluster.pass(DEPOSED_MS);
  assertEquals(seenBy(cluster, 3), [[1, 3, 4], 1]);
  const { suspicions } = cluster.broker(3).cluster.membership;
  assert([...suspicions].length <= 1);
});

Deno.test("HeartbeatManager keeps a controller that a minority misses, which withdraws what it said", async () => {
  await using cluster = await HeartbeatingCluster.start(5);
  const { cluster: state } = cluster.broker(5);
  for (const id of [2, 3]) cluster.cutOneWay(1, id);
  await cluster.pass(DEPOSED_MS);
  const voters = Array.from(state.membership.suspicions, ({ voterId }) => voterId).sort();
  assertEquals(voters, [2, 3]);
  assertEquals(seenBy(cluster, 5), [[1, 2, 3, 4, 5], 1]);
  cluster.heal();
  await cluster.pass(DEPOSED_MS);
  assertEquals([...state.membership.suspicions], []);
  assertEquals(seenBy(cluster, 5), [[1, 2, 3, 4, 5], 1]);
});

Deno.test("HeartbeatManager replaces a controller that runs, but that a majority misses", async () => {
  await using cluster = await HeartbeatingCluster.start(5);
  for (const id of [2, 3, 4]) cluster.cutOneWay(1, id);
  await cluster.pass(DEPOSED_MS);
  const [brokers, controllerId] = seenBy(cluster, 5);
  assertEquals(brokers, [2, 3, 4, 5]);
  assert([2, 3, 4].includes(controllerId));
  assertEquals(cluster.broker(1).cluster.isController(), false);
});

Deno.test("HeartbeatManager lets one of two brokers win that accuse each other", async () => {
  await using cluster = await HeartbeatingCluster.start(2);
  cluster.cut(1, 2);
  await cluster.pass(DEPOSED_MS);
  const views = [seenBy(cluster, 1), seenBy(cluster, 2)];
  const [brokers, controllerId] = views[0]!;
  assertEquals(views[1], [brokers, controllerId]);
  assertEquals(brokers, [controllerId]);
  const controllers = [1, 2].filter((id) => cluster.broker(id).cluster.isController());
  assertEquals(controllers, [controllerId]);
});

Deno.test("HeartbeatManager of a broker that was paused condemns nobody", async (t) => {
  for (const id of [1, 2]) {
    const role = id === 1 ? "the controller" : "another broker";
    await t.step(`${role}, of which the others know nothing`, async () => {
      await using cluster = await HeartbeatingCluster.start(3);
      const { clock } = cluster.broker(id);
      // Too short for the others, and long after the last it has heard of them.
      clock.skip(10_000);
      await cluster.pass(1000);
      for (const at of [1, 2, 3]) assertEquals(seenBy(cluster, at), [[1, 2, 3], 1]);
    });
  }
});

Deno.test("A deposed controller commits nothing, and returns as one of the others", async () => {
  await using cluster = await HeartbeatingCluster.start(3);
  const { cluster: state } = cluster.broker(1);
  cluster.pause(1);
  await cluster.pass(DEPOSED_MS);
  const [, controllerId] = seenBy(cluster, 2);
  const error = await assertRejects(() => state.createTopic(topic("a", "a")), ApiError);
  assertEquals(error.code, ErrorCode.NOT_CONTROLLER);
  assertEquals([state.isController(), state.isFenced], [false, true]);
  cluster.broker(1).resume!();
  await cluster.pass(RETURN_MS);
  for (const id of [1, 2, 3]) assertEquals(seenBy(cluster, id), [[1, 2, 3], controllerId]);
  assertEquals([state.isController(), state.isFenced], [false, false]);
});

Deno.test("A deposed broker registers again only when it can reach the controller", async () => {
  await using cluster = await HeartbeatingCluster.start(3);
  cluster.cut(1, 2);
  await cluster.pass(DEPOSED_MS + RETURN_MS);
  assertEquals(seenBy(cluster, 3), [[1, 3], 1]);
  assertEquals(cluster.broker(2).cluster.isFenced, true);
  cluster.heal();
  await cluster.pass(2 * RETURN_MS);
  assertEquals(seenBy(cluster, 3), [[1, 2, 3], 1]);
  assertEquals(cluster.broker(2).cluster.isFenced, false);
});

Deno.test("HeartbeatManager.known() resolves when every broker has applied a change", async () => {
  await using cluster = await HeartbeatingCluster.start(3);
  const { cluster: state, heartbeats } = cluster.broker(1);
  await state.createTopic(topic("a", "a"));
  let isKnown = false;
  const known = heartbeats.known(state.lastDecision).then(() => isKnown = true);
  await cluster.rest();
  assertEquals(isKnown, true);
  await known;
  for (const id of [2, 3]) assert(cluster.broker(id).cluster.topic("a") !== undefined);
});

Deno.test("HeartbeatManager.known() does not wait for long for a broker that does not respond", async () => {
  await using cluster = await HeartbeatingCluster.start(3);
  const { cluster: state, heartbeats } = cluster.broker(1);
  cluster.pause(3);
  await state.createTopic(topic("a", "a"));
  let isOver = false;
  const known = heartbeats.known(state.lastDecision).then(() => isOver = true);
  await cluster.pass(400);
  assertEquals(isOver, false);
  await cluster.pass(200);
  assertEquals(isOver, true);
  await known;
});

Deno.test("HeartbeatManager logs once a minute that another broker does not let this one act as a broker", async () => {
  await using cluster = await HeartbeatingCluster.start(2);
  cluster.refusal = ErrorCode.CLUSTER_AUTHORIZATION_FAILED;
  await cluster.pass(2000);
  assertEquals(cluster.errors.length, 1);
  assert(cluster.errors[0]!.startsWith("Another broker refuses this one: allow ClusterAction"));
  await cluster.pass(60_000);
  assertEquals(cluster.errors.length, 2);
});
