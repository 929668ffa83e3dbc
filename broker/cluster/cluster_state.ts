/**
 * This broker's view of the cluster: brokers, topics, partitions and their leaders, settings, and
 * the controller.
 *
 * The `MetadataStore` is the source of truth; this is a typed view that follows its commits.
 * Mutations commit to the store and return when the view, and thus every listener, has caught up.
 * `mod.ts` lists the keys.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { ApiError } from "../api_error.ts";
import type { ConfigTexts } from "../settings/config.ts";
import type { Clock } from "../time/clock.ts";
import type { Logger } from "../logger.ts";
import { CONTROLLER_KEY, ControllerOffice } from "./controller_office.ts";
import { type FeatureLevels, INITIAL_LEVELS } from "./features.ts";
import { MetadataFollower } from "../metadata/metadata_follower.ts";
import {
  MAX_COMMIT_CHANGES,
  type MetadataChange,
  type MetadataEntry,
  type MetadataExpectation,
  type MetadataLogState,
  type MetadataStore,
  RevisionConflictError,
} from "../metadata/metadata_store.ts";
import {
  type BrokerIdentity,
  BROKERS_PREFIX,
  type RegisteredBroker,
  Registration,
} from "./registration.ts";
import { type PartitionChange, partitionCommit } from "./partition_commit.ts";
import {
  decodeValue,
  encodeValue,
  initialIncarnations,
  PARTITIONS_PREFIX,
  topicKey,
  TOPICS_PREFIX,
  type TopicState,
  type TopicValue,
} from "./topic_state.ts";
import { SecurityRecords } from "../security/security_records.ts";
import { DELETED_TOPICS_PREFIX, DeletedTopics, topicDeletion } from "./topic_deletion.ts";
import { type TopicChange, TopicsView } from "./topics_view.ts";
import {
  type BrokerInfo,
  type BrokersChange,
  BrokersView,
  DRAINING_PREFIX,
  type Member,
  type SharedSetting,
} from "./brokers_view.ts";
import {
  brokerConfigsKey,
  CONFIGS_PREFIX,
  type ConfigsChange,
  ConfigsView,
  type ConfiguredResourceType,
  resourceConfigsKey,
} from "./configs_view.ts";
import { Membership } from "./membership.ts";

export type { BrokerInfo } from "./brokers_view.ts";
export type { ConfiguredResourceType } from "./configs_view.ts";
export type { PartitionState, TopicState } from "./topic_state.ts";

/** A change made by a commit. */
export type ClusterChange =
  | TopicChange
  | BrokersChange
  | ConfigsChange
  | { readonly type: "controller" | "features" };

/** Options of {@linkcode ClusterState.open}. */
export interface ClusterStateOptions {
  readonly store: MetadataStore;
  readonly nodeId: number;
  readonly clusterId: string;
  /** The identity of this broker; required if several brokers use the store. */
  readonly identity?: BrokerIdentity;
  /** The listener by which this broker reaches others. Default: PLAINTEXT. */
  readonly interBrokerListener?: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Attempts of a mutation while others change the same keys. */
const MAX_ATTEMPTS = 16;

const FEATURES = "features";

/** A view of the cluster that follows the metadata store. */
export class ClusterState {
  readonly nodeId: number;
  readonly clusterId: string;
  readonly #store: MetadataStore;
  readonly #follower: MetadataFollower;
  readonly #registration: Registration;
  /** Unique to this process; undefined if no other broker uses the store. */
  readonly incarnation: string | undefined;
  readonly #office: ControllerOffice;
  readonly #listeners: Set<(change: ClusterChange) => void> = new Set();
  readonly #brokers: BrokersView;
  /** How brokers are found dead, return and leave. */
  readonly membership: Membership;
  /** Users, rules, quotas and tokens. */
  readonly security: SecurityRecords;
  readonly #topics: TopicsView = new TopicsView();
  readonly #deletedTopics: DeletedTopics;
  readonly #configs: ConfigsView = new ConfigsView();
  #lastDecision = 0;
  #featureLevels: FeatureLevels = INITIAL_LEVELS;
  #isClosed = false;

  private constructor(options: ClusterStateOptions, registration: Registration) {
    const { store, nodeId, clusterId, clock, logger } = options;
    this.#store = store;
    this.nodeId = nodeId;
    this.clusterId = clusterId;
    this.#brokers = new BrokersView(options.interBrokerListener);
    this.#deletedTopics = new DeletedTopics(nodeId);
    this.security = new SecurityRecords((changes, expect) => this.#commit(changes, expect));
    this.incarnation = options.identity?.incarnation;
    const show = (key: string, entry: MetadataEntry | undefined, revision: number) => {
      this.#apply(key, entry, revision);
      if (isDecision(key)) this.#lastDecision = Math.max(this.#lastDecision, revision);
    };
    this.#follower = new MetadataFollower({ store, clock, logger, show });
    this.#registration = registration;
    const session = () => registration.session;
    this.#office = new ControllerOffice({ store, nodeId, clock, logger, session });
    this.membership = new Membership({
      store,
      nodeId,
      registration,
      office: this.#office,
      follower: this.#follower,
      brokers: this.#brokers,
      commitAsController: (changes, expect) => this.#commitAsController(changes, expect),
    });
    this.#office.onHeld = () => this.#notify({ type: "controller" });
    registration.onRenewed = () => {
      this.#office.standSoon();
      this.#notify({ type: "brokers" });
    };
  }

  /**
   * Begins a session with the store, reads and follows it, and competes to become the controller.
   * If no broker is the controller, this one is when the promise resolves.
   */
  static async open(options: ClusterStateOptions): Promise<ClusterState> {
    const state = new ClusterState(options, await Registration.open(options));
    try {
      await state.#follower.start();
      // Where a controller is trusted only while it answers, it must be serving.
      if (!state.hasExpiringSessions) await state.#standForOffice();
    } catch (error) {
      await state.close();
      throw error;
    }
    return state;
  }

  /** The brokers, by id. */
  get brokers(): readonly BrokerInfo[] {
    return this.#brokers.all();
  }

  /** The broker with this id, if registered. */
  broker(id: number): BrokerInfo | undefined {
    return this.#brokers.get(id);
  }

  /** Names of the listeners by which registered brokers, and this one, reach each other. */
  get interBrokerListeners(): ReadonlySet<string> {
    return this.#brokers.interBrokerListeners;
  }

  /** The controller's broker id, -1 if there is none. */
  get controllerId(): number {
    return this.#office.holderId;
  }

  /** The controller's epoch, 0 if there is none. */
  get controllerEpoch(): number {
    return this.#follower.revisionOf(CONTROLLER_KEY);
  }

  /** Whether this broker is the controller. */
  isController(): boolean {
    return this.#office.isHeld;
  }

  /** This broker's epoch; 0 while it is not registered. */
  get brokerEpoch(): number {
    const { epoch, isExpiring } = this.#registration;
    return isExpiring ? epoch : this.#brokers.get(this.nodeId)?.epoch ?? 0;
  }

  /** This broker's last epoch, also while it is not registered; 0 before it is for the first time. */
  get lastBrokerEpoch(): number {
    return this.#registration.isExpiring ? this.#registration.lastEpoch : this.brokerEpoch;
  }

  /** Whether a broker that stops responding loses its session only some time later. */
  get hasExpiringSessions(): boolean {
    return this.#registration.isExpiring;
  }

  /** The brokers that have registered, and were not forgotten since; none if only one uses the store. */
  get members(): Iterable<Member> {
    return this.#brokers.members;
  }

  /** Whether a broker belongs to the cluster, registered or not. */
  isMember(id: number): boolean {
    return this.#brokers.isMember(id);
  }

  /** Whether a broker should not lead if another can: it is being drained, or about to stop. */
  isDraining(id: number): boolean {
    return this.#brokers.isDraining(id) || this.isDrained(id);
  }

  /** Whether an operator wants a broker to get no replicas, and to lead nothing that others can. */
  isDrained(id: number): boolean {
    return this.sharedSetting(id, "broker.draining") === "true";
  }

  /** A setting of another broker: as changed at run time, or of its configuration; undefined for neither. */
  sharedSetting(id: number, name: SharedSetting): string | undefined {
    return this.brokerConfigs(id).get(name) ?? this.brokerConfigs("all").get(name) ??
      this.broker(id)?.settings?.[name];
  }

  /** Whether a broker is about to stop. */
  isShuttingDown(id: number): boolean {
    return this.#brokers.isShuttingDown(id);
  }

  /** The commit that last said whether a broker drains or shuts down; 0 if it does neither. */
  drainingRevision(id: number): number {
    return this.#follower.revisionOf(`${DRAINING_PREFIX}${id}`);
  }

  /** The revision of the last change of a topic, of settings or of feature levels. */
  get lastDecision(): number {
    return this.#lastDecision;
  }

  /**
   * Whether another broker may have taken over, because the store has not been reached for too
   * long. While fenced, the broker changes nothing, and leads or coordinates only where it knows that
   * nobody else can (`../replication/leader_fence.ts`).
   */
  get isFenced(): boolean {
    return this.#registration.isFenced;
  }

  /** Resolves when a fence is over, or this broker closed. */
  async unfenced(isOver: () => boolean = () => !this.isFenced): Promise<void> {
    await this.#registration.unfenced(isOver);
  }

  /** The revision of the store that the view has reached. */
  get revision(): number {
    return this.#follower.revision;
  }

  /** Resolves when the view has reached a revision or stopped following. */
  async caughtUp(revision: number): Promise<void> {
    await this.#follower.caughtUp(revision);
  }

  /** The state of the cluster metadata log, if a broker keeps one. */
  get metadataLog(): MetadataLogState | undefined {
    return this.#store.logState;
  }

  /** All topics, in no particular order. */
  topics(): Iterable<TopicState> {
    return this.#topics.all();
  }

  /** The topic with this name, if it exists. */
  topic(name: string): TopicState | undefined {
    return this.#topics.get(name);
  }

  /** The topic with this id, if it exists. */
  topicById(id: string): TopicState | undefined {
    return this.#topics.byId(id);
  }

  /** Names of deleted topics that this broker may still have logs of, by id. */
  get deletedTopics(): ReadonlyMap<string, string> {
    return this.#deletedTopics.byId;
  }

  /** Settings of one broker or of all brokers changed at run time. */
  brokerConfigs(id: number | "all"): ConfigTexts {
    return this.#configs.get(brokerConfigsKey(id));
  }

  /** The finalized feature levels of the cluster. */
  get featureLevels(): FeatureLevels {
    return this.#featureLevels;
  }

  /** The revision of the last change of feature levels; 0 if they are the initial ones. */
  get featuresEpoch(): number {
    return this.#follower.revisionOf(FEATURES);
  }

  /** The settings of a group or of a client metrics subscription. */
  resourceConfigs(type: ConfiguredResourceType, name: string): ConfigTexts {
    return this.#configs.get(resourceConfigsKey(type, name));
  }

  /** The names of the resources of a type that have settings. */
  configuredResources(type: ConfiguredResourceType): string[] {
    return this.#configs.resources(type);
  }

  /**
   * Calls `listener` with each change, after the view has been updated. It must not throw.
   *
   * @returns A function that removes the listener.
   */
  onChange(listener: (change: ClusterChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Registers this broker's address with the cluster. If no broker is the controller, this one is
   * when the promise resolves.
   */
  async registerBroker(address: RegisteredBroker): Promise<void> {
    const known = this.#brokers.get(this.nodeId);
    await this.#follower.caughtUp(await this.#registration.register(address, known));
    if (this.hasExpiringSessions) await this.#standForOffice();
  }

  /**
   * Creates a topic; the first replica of each partition becomes its leader.
   *
   * @throws {RevisionConflictError} If a topic with this name exists.
   * @throws {ApiError} NOT_CONTROLLER, as do all changes of topics and settings.
   */
  async createTopic(topic: {
    readonly name: string;
    readonly id: string;
    readonly replicas: readonly (readonly number[])[];
    readonly configs: ConfigTexts;
  }): Promise<void> {
    const { id, replicas } = topic;
    const incarnations = initialIncarnations(0, replicas, this.#brokers);
    const value: TopicValue = {
      id,
      replicas,
      configs: Object.fromEntries(topic.configs),
      ...(incarnations === undefined ? {} : { incarnations: [incarnations] }),
    };
    const key = topicKey(topic.name);
    await this.#commitAsController([set(key, value)], [{ key, revision: 0 }]);
  }

  /**
   * Deletes a topic.
   *
   * @throws {RevisionConflictError} If the topic has changed.
   */
  async deleteTopic(topic: TopicState): Promise<void> {
    const key = topicKey(topic.name);
    await this.#commitAsController(topicDeletion(topic), [{ key, revision: topic.revision }]);
  }

  /** Records that this broker has removed all logs of deleted topics. */
  async forgetDeletedTopics(ids: Iterable<string>): Promise<void> {
    const changes = this.#deletedTopics.forgetting(ids);
    for (let i = 0; i < changes.length; i += MAX_COMMIT_CHANGES) {
      await this.#commit(changes.slice(i, i + MAX_COMMIT_CHANGES), []);
    }
  }

  /**
   * Adds partitions to a topic.
   *
   * @param replicas The brokers of each new partition.
   * @throws {RevisionConflictError} If the topic has changed.
   */
  async createPartitions(
    topic: TopicState,
    replicas: readonly (readonly number[])[],
  ): Promise<void> {
    const { length } = topic.partitions;
    const known = this.#topics.value(topic.name)?.replicas ?? [];
    const added = initialIncarnations(length, replicas, this.#brokers);
    const incarnations = added === undefined ? topic.incarnations : [...topic.incarnations, added];
    await this.#setTopic(topic, {
      replicas: [...known, ...replicas],
      ...(incarnations.length === 0 ? {} : { incarnations }),
    });
  }

  /**
   * Replaces states of partitions, at most {@linkcode MAX_PARTITION_CHANGES}, unless they have
   * changed meanwhile.
   *
   * @param guards What else the change depends on.
   * @param asController Whether this broker must be the controller.
   * @throws {RevisionConflictError} If a partition has changed or a guard does not hold; the view
   *   then knows the state that was found. Nothing is changed.
   * @throws {ApiError} NOT_CONTROLLER.
   */
  async commitPartitions(
    changes: readonly PartitionChange[],
    guards: readonly MetadataExpectation[],
    asController: boolean,
  ): Promise<void> {
    const commit = partitionCommit(changes, guards);
    try {
      if (asController) return await this.#commitAsController(commit.changes, commit.expect);
      await this.#commit(commit.changes, commit.expect);
    } catch (error) {
      if (error instanceof RevisionConflictError) this.#follower.showConflict(error);
      throw error;
    }
  }

  /**
   * Replaces a topic's settings.
   *
   * @throws {RevisionConflictError} If the topic has changed.
   */
  async setTopicConfigs(topic: TopicState, configs: ConfigTexts): Promise<void> {
    await this.#setTopic(topic, { configs: Object.fromEntries(configs) });
  }

  /** Changes the settings of one or all brokers; `change` may be called more than once. */
  async changeBrokerConfigs(
    id: number | "all",
    change: (configs: ConfigTexts) => ConfigTexts,
  ): Promise<void> {
    await this.#changeConfigs(brokerConfigsKey(id), change);
  }

  /** Changes the settings of a group or subscription; `change` may be called more than once. */
  async changeResourceConfigs(
    type: ConfiguredResourceType,
    name: string,
    change: (configs: ConfigTexts) => ConfigTexts,
  ): Promise<void> {
    await this.#changeConfigs(resourceConfigsKey(type, name), change);
  }

  async #changeConfigs(
    key: string,
    change: (configs: ConfigTexts) => ConfigTexts,
  ): Promise<void> {
    await this.retry(async () => {
      const revision = this.#follower.revisionOf(key);
      const configs = change(this.#configs.get(key));
      const value = configs.size === 0 ? null : encodeValue(Object.fromEntries(configs));
      await this.#commitAsController([{ key, value }], [{ key, revision }]);
    });
  }

  /** Changes finalized feature levels; `change` may be called more than once. */
  async changeFeatureLevels(change: (levels: FeatureLevels) => FeatureLevels): Promise<void> {
    await this.retry(async () => {
      const revision = this.#follower.revisionOf(FEATURES);
      const before = this.#featureLevels;
      const levels = change(before);
      if ([...levels].every(([name, level]) => before.get(name) === level)) return;
      const changes = [set(FEATURES, Object.fromEntries(levels))];
      await this.#commitAsController(changes, [{ key: FEATURES, revision }]);
    });
  }

  /** Runs a mutation, and repeats it if a concurrent change conflicts. */
  async retry<T>(mutation: () => Promise<T>): Promise<T> {
    for (let attempt = 1;; attempt++) {
      try {
        return await mutation();
      } catch (error) {
        if (!(error instanceof RevisionConflictError) || attempt === MAX_ATTEMPTS) throw error;
        this.#follower.showConflict(error);
      }
    }
  }

  /** Stops competing for controller and following the store, which stays open. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#office.close();
    this.#registration.close();
    await this.#follower.close();
  }

  async #standForOffice(): Promise<void> {
    await this.#follower.caughtUp(await this.#office.stand());
  }

  async #setTopic(topic: TopicState, update: Partial<TopicValue>): Promise<void> {
    const key = topicKey(topic.name);
    const known = this.#topics.value(topic.name);
    // It was deleted meanwhile, which the commit finds out.
    const replicas = known?.replicas ?? topic.partitions.map((partition) => partition.replicas);
    const { id, incarnations } = topic;
    const value: TopicValue = {
      id,
      replicas,
      configs: Object.fromEntries(topic.configs),
      ...(incarnations.length === 0 ? {} : { incarnations }),
      ...update,
    };
    await this.#commitAsController([set(key, value)], [{ key, revision: topic.revision }]);
  }

  async #commit(
    changes: readonly MetadataChange[],
    expect: readonly MetadataExpectation[],
  ): Promise<void> {
    await this.#follower.caughtUp(await this.#store.commit(changes, { expect }));
  }

  /** Commits a change that only the controller may make, provided that this broker still is it. */
  async #commitAsController(
    changes: readonly MetadataChange[],
    expect: readonly MetadataExpectation[],
  ): Promise<void> {
    if (!this.#office.isHeld) throw new ApiError(ErrorCode.NOT_CONTROLLER);
    let revision: number;
    try {
      const ofOffice = this.#office.expectation;
      revision = await this.#store.commit(changes, { expect: [...expect, ofOffice] });
    } catch (error) {
      const hasLostOffice = error instanceof RevisionConflictError && error.key === CONTROLLER_KEY;
      if (!hasLostOffice) throw error;
      this.#follower.showConflict(error);
      throw new ApiError(ErrorCode.NOT_CONTROLLER, undefined, { cause: error });
    }
    await this.#follower.caughtUp(revision);
  }

  #apply(key: string, entry: MetadataEntry | undefined, revision: number): void {
    if (key.startsWith(TOPICS_PREFIX)) {
      this.#notify(this.#topics.applyTopic(key.slice(TOPICS_PREFIX.length), entry));
    } else if (key.startsWith(PARTITIONS_PREFIX)) {
      const change = this.#topics.applyPartition(key, entry);
      if (change !== undefined) this.#notify(change);
    } else if (key.startsWith(CONFIGS_PREFIX)) this.#notify(this.#configs.apply(key, entry));
    else if (key.startsWith(DELETED_TOPICS_PREFIX)) this.#deletedTopics.apply(key, entry);
    else if (key === FEATURES) {
      const changed = entry === undefined ? {} : decodeValue<Record<string, number>>(entry);
      this.#featureLevels = new Map([...INITIAL_LEVELS, ...Object.entries(changed)]);
      this.#notify({ type: "features" });
    } else if (key === CONTROLLER_KEY) {
      this.#office.update(entry);
      if (entry === undefined && !this.#isClosed) this.#office.standSoon();
      this.#notify({ type: "controller" });
    } else if (!this.security.apply(key, entry)) {
      if (key === `${BROKERS_PREFIX}${this.nodeId}`) this.#registration.changed(revision);
      const change = this.#brokers.apply(key, entry);
      if (change !== undefined) this.#notify(change);
    }
  }

  #notify(change: ClusterChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}

/** Whether a key is one that only the controller changes, apart from leaders. */
function isDecision(key: string): boolean {
  return key.startsWith(TOPICS_PREFIX) || key.startsWith(CONFIGS_PREFIX) || key === FEATURES;
}

function set(key: string, value: object): MetadataChange {
  return { key, value: encodeValue(value) };
}
