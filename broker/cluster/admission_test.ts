import { assertEquals, assertRejects } from "@std/assert";
import { TestBroker } from "../broker_testing.ts";
import { AdmissionError, admit, type Applicant } from "./admission.ts";
import { topicsIn } from "./doubts.ts";
import type { TopicState } from "./topic_state.ts";
import { setText, textsOf } from "../metadata/metadata_store_contract_testing.ts";
import type { MetadataStore } from "../metadata/metadata_store.ts";

/** A store that no broker is registered with. */
async function emptyStore(broker: TestBroker): Promise<MetadataStore> {
  await broker.cluster.close();
  await broker.store.commit([{ prefix: "", value: null }]);
  return broker.store;
}

const NEW: Applicant = {
  clusterId: undefined,
  isMember: false,
  nodeId: undefined,
  directoryId: "folder",
  incarnations: [],
  newClusterId: "new",
};

Deno.test("admit() gives the first broker a new cluster, and each folder a number of its own", async () => {
  await using broker = await TestBroker.start();
  const store = await emptyStore(broker);
  const first = await admit(store, NEW);
  assertEquals([first.clusterId, first.nodeId, first.replacedDirectoryId], ["new", 1, undefined]);
  const others = await Promise.all(
    ["b", "c", "d"].map((directoryId) => admit(store, { ...NEW, directoryId, newClusterId: "x" })),
  );
  assertEquals(others.map(({ clusterId }) => clusterId), ["new", "new", "new"]);
  assertEquals(others.map(({ nodeId }) => nodeId).sort(), [2, 3, 4]);
  assertEquals((await store.get("directories/1"))!.revision, first.directoryRevision);
});

Deno.test("admit() deletes what an earlier life of the broker has left", async () => {
  await using broker = await TestBroker.start();
  const store = await emptyStore(broker);
  const { directoryRevision } = await admit(store, NEW);
  const left = '{"directoryId":"folder","host":"a","port":1}';
  await store.commit([setText("brokers/1", left), setText("controller", '{"brokerId":1}')]);
  const again = { ...NEW, clusterId: "new", isMember: true, nodeId: 1 };
  assertEquals((await admit(store, again)).directoryRevision, directoryRevision);
  assertEquals(Object.keys(await textsOf(store)), ["cluster", "directories/1"]);
  await store.commit([setText("controller", '{"brokerId":2}')]);
  await admit(store, again);
  assertEquals((await textsOf(store)).controller, '{"brokerId":2}');
});

Deno.test("admit() gives a number to another folder if no broker runs on the one that had it", async () => {
  await using broker = await TestBroker.start();
  const store = await emptyStore(broker);
  await admit(store, NEW);
  const other = { ...NEW, nodeId: 1, directoryId: "other" };
  assertEquals((await admit(store, other)).replacedDirectoryId, "folder");
});

Deno.test("admit() takes a replaced folder's broker out of the ISR and ELR of replicated partitions first", async () => {
  await using broker = await TestBroker.start();
  const store = await emptyStore(broker);
  await admit(store, NEW);
  const replicas = [[1, 2, 3], [2, 1], [2, 3], [1], ...Array(200).fill([3, 1])];
  const partition = { leaderId: 2, leaderEpoch: 3, isr: [2], elr: [1] };
  await store.commit([
    setText("topics/a", JSON.stringify({ id: "a", replicas, configs: {} })),
    setText("partitions/a/1", JSON.stringify(partition)),
  ]);
  const same = await admit(store, { ...NEW, isMember: true, clusterId: "new", nodeId: 1 });
  assertEquals(same.replacedDirectoryId, undefined);
  assertEquals(Object.keys(await textsOf(store)).filter((key) => /^partitions/.test(key)), [
    "partitions/a/1",
  ]);
  await admit(store, { ...NEW, nodeId: 1, directoryId: "other" });
  const inSync = Array.from(topicsIn(await store.read())).flatMap(({ partitions }) =>
    partitions.map(({ leaderEpoch, isr, elr }) => [leaderEpoch, isr, elr])
  );
  assertEquals(inSync.slice(0, 5), [
    [0, [2, 3], []],
    [3, [2], []],
    [0, [2, 3], []],
    [0, [1], []],
    [0, [3], []],
  ]);
  assertEquals(inSync.slice(5), Array(199).fill([0, [3], []]));
});

Deno.test("admit() takes an old copy of a data folder out of the ISR, but not one whose last process did not register", async () => {
  await using broker = await TestBroker.start();
  const store = await emptyStore(broker);
  await admit(store, NEW);
  const topic = JSON.stringify({ id: "a", replicas: [[2, 1]], configs: {} });
  const directory = '{"directoryId":"folder","incarnation":"second"}';
  await store.commit([setText("topics/a", topic), setText("directories/1", directory)]);
  const isr = async () => Array.from(topicsIn(await store.read()))[0]!.partitions[0]!.isr;
  const again = { ...NEW, clusterId: "new", isMember: true, nodeId: 1 };
  for (const incarnations of [["second", "third"], ["first", "second"], ["second"]]) {
    const { isOldCopy, lastIncarnation } = await admit(store, { ...again, incarnations });
    assertEquals([isOldCopy, lastIncarnation], [false, "second"]);
  }
  assertEquals(await isr(), [2, 1]);
  const old = await admit(store, { ...again, incarnations: ["zeroth", "first"] });
  assertEquals([old.isOldCopy, await isr()], [true, [2]]);
});

Deno.test("admit() repeats what it decided while another broker changed the same partitions", async () => {
  await using broker = await TestBroker.start();
  const store = await emptyStore(broker);
  await admit(store, NEW);
  const topic = JSON.stringify({ id: "a", replicas: [[1, 2]], configs: {} });
  await store.commit([setText("topics/a", topic)]);
  const admitted = admit(store, { ...NEW, nodeId: 1, directoryId: "other" });
  const partition = { leaderId: 2, leaderEpoch: 1, isr: [2, 1] };
  await store.commit([setText("partitions/a/0", JSON.stringify(partition))]);
  await admitted;
  const [{ partitions }] = Array.from(topicsIn(await store.read())) as [TopicState];
  assertEquals([partitions[0]!.leaderEpoch, partitions[0]!.isr], [1, [2]]);
});

Deno.test("admit() refuses before it changes anything", async (t) => {
  await using broker = await TestBroker.start();
  const store = await emptyStore(broker);
  const refuses = async (applicant: Applicant, reason: string) => {
    const before = await textsOf(store);
    await assertRejects(() => admit(store, applicant), AdmissionError, reason);
    assertEquals(await textsOf(store), before);
  };
  const member = { ...NEW, clusterId: "new", isMember: true, nodeId: 1 };
  await t.step(
    "a member of a cluster that the store has lost",
    () => refuses(member, "the metadata store has no cluster, and the data folder belongs to"),
  );
  await admit(store, NEW);
  await t.step(
    "a member of another cluster",
    () =>
      refuses({ ...member, clusterId: "else" }, "belongs to cluster.id else, the store's is new"),
  );
  await store.commit([setText("brokers/1", '{"directoryId":"folder","host":"a","port":1}')]);
  await t.step(
    "another folder under the number of a broker that runs",
    () =>
      refuses(
        { ...NEW, nodeId: 1, directoryId: "other" },
        "node.id 1 is that of the broker at a:1",
      ),
  );
  await store.commit([setText("cluster", '{"id":"new","version":2}')]);
  await t.step("a newer layout", () => refuses(member, "run the newer program"));
});
