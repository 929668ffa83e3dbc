/**
 * A broker's components with a group coordinator, for tests that call handlers directly.
 *
 * @module
 */

import { TestBroker, type TestBrokerOptions } from "../broker_testing.ts";
import { ClusterTopics } from "./cluster_topics.ts";
import { GroupCoordinator, loadGroups } from "./group_coordinator.ts";
import { RegistryOffsetsTopic } from "./registry_offsets_topic.ts";

/** A broker for tests of groups. */
export interface GroupBroker extends AsyncDisposable {
  readonly broker: TestBroker;
  readonly groups: GroupCoordinator;
  /** Stops everything but the data folder, as if the process were about to be killed. */
  stop(): Promise<void>;
}

/** Starts a broker with small limits. Pass the same `fs` again for a restart. */
export async function startGroupBroker(options: TestBrokerOptions = {}): Promise<GroupBroker> {
  const broker = await TestBroker.start({
    ...options,
    config: {
      "group.initial.rebalance.delay.ms": 0,
      "offsets.topic.num.partitions": 3,
      ...options.config,
    },
  });
  const { config, clock, logger, topics, cluster } = broker.context;
  const offsetsTopic = new RegistryOffsetsTopic({ topics, config, clock, logger });
  await offsetsTopic.ensureConfigs();
  await loadGroups();
  const groups = GroupCoordinator.start({
    topic: offsetsTopic,
    topics: new ClusterTopics(cluster),
    config,
    clock,
    logger,
  });
  Object.assign(broker.context, { groups });
  return {
    broker,
    groups,
    stop: async () => {
      await groups.close();
      await broker.stop();
    },
    [Symbol.asyncDispose]: async () => {
      await groups.close();
      await broker.close();
    },
  };
}
