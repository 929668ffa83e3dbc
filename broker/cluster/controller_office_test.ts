import { assertEquals, assertRejects } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import { ApiError } from "../api_error.ts";
import { TestBroker } from "../broker_testing.ts";
import { silentLogger } from "../logger.ts";
import { ManualClock } from "../time/clock.ts";
import { ClusterState } from "./cluster_state.ts";
import { CONTROLLER_KEY, ControllerOffice } from "./controller_office.ts";
import { CommitUnknownError } from "../metadata/etcd/etcd_error.ts";
import type {
  MetadataEntry,
  MetadataKeyChange,
  MetadataSession,
  MetadataStore,
} from "../metadata/metadata_store.ts";
import { setText } from "../metadata/metadata_store_contract_testing.ts";

const NO_CONFIGS: ReadonlyMap<string, string> = new Map();

function openView(broker: TestBroker, nodeId: number): Promise<ClusterState> {
  return ClusterState.open({
    store: broker.store,
    nodeId,
    clusterId: "cluster",
    clock: broker.clock,
    logger: silentLogger,
  });
}

/** Resolves when a view shows the controller. */
function controllerOf(cluster: ClusterState, id: number): Promise<void> {
  return new Promise((resolve) => {
    const end = cluster.onChange(({ type }) => {
      if (type !== "controller" || cluster.controllerId !== id) return;
      end();
      resolve();
    });
  });
}

Deno.test("ControllerOffice elects one controller at a time, and the next when it is gone", async () => {
  await using broker = await TestBroker.start();
  const other = await openView(broker, 2);
  assertEquals([other.controllerId, other.isController()], [1, false]);
  const topic = { name: "a", id: "t1t1t1t1t1t1t1t1t1t1tA", replicas: [[1]], configs: NO_CONFIGS };
  const error = await assertRejects(() => other.createTopic(topic), ApiError);
  assertEquals(error.code, ErrorCode.NOT_CONTROLLER);
  await broker.cluster.close();
  const taken = controllerOf(other, 2);
  await broker.store.commit([{ key: CONTROLLER_KEY, value: null }]);
  await taken;
  await other.createTopic(topic);
  assertEquals([other.isController(), broker.cluster.isController()], [true, false]);
  await other.close();
});

Deno.test("ControllerOffice keeps a replaced controller from changing anything", async () => {
  await using broker = await TestBroker.start();
  const { cluster, store } = broker;
  const topic = { name: "a", id: "t1t1t1t1t1t1t1t1t1t1tA", replicas: [[1]], configs: NO_CONFIGS };
  const replacing = store.commit([setText(CONTROLLER_KEY, '{"brokerId":2}')]);
  // The old controller does not know yet.
  assertEquals(cluster.isController(), true);
  const error = await assertRejects(() => cluster.createTopic(topic), ApiError);
  assertEquals(error.code, ErrorCode.NOT_CONTROLLER);
  await replacing;
  assertEquals([cluster.isController(), cluster.controllerId], [false, 2]);
  assertEquals(cluster.topic("a"), undefined);
});

/** A candidate whose session expires, and whose commits are carried out without an answer. */
async function silentlyElected(
  commit: (office: ControllerOffice) => Promise<unknown>,
  sessionName = "mine",
): Promise<ControllerOffice> {
  const entries = new Map<string, MetadataEntry>();
  let current = "mine";
  const session = () => ({ name: current, deadline: 1e9, isCertain: true }) as MetadataSession;
  const store = {
    commit: ([change]: readonly MetadataKeyChange[]) => {
      entries.set(change!.key, { value: change!.value!, revision: 7, created: 7 });
      return Promise.reject(new CommitUnknownError("silent"));
    },
  } as unknown as MetadataStore;
  const office = new ControllerOffice({
    store,
    nodeId: 1,
    clock: new ManualClock(),
    logger: silentLogger,
    session,
  });
  await assertRejects(() => commit(office), CommitUnknownError);
  assertEquals(office.isHeld, false);
  current = sessionName;
  office.update(entries.get(CONTROLLER_KEY));
  return office;
}

Deno.test("ControllerOffice.stand() takes the office when an unanswered claim was carried out", async () => {
  const office = await silentlyElected((office) => office.stand());
  assertEquals([office.isHeld, office.expectation.revision], [true, 7]);
  office.update({ value: new TextEncoder().encode('{"brokerId":2}'), revision: 9, created: 9 });
  assertEquals(office.isHeld, false);
});

Deno.test("ControllerOffice.takeOver() takes the office when an unanswered claim was carried out", async () => {
  const office = await silentlyElected((office) => office.takeOver([], []));
  assertEquals([office.isHeld, office.holderId], [true, 1]);
});

Deno.test("ControllerOffice.update() does not take an office that was claimed with a lost session", async () => {
  const office = await silentlyElected((office) => office.stand(), "next");
  assertEquals([office.isHeld, office.holderId], [false, 1]);
});
