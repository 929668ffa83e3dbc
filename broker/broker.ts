/**
 * A broker: opens its data, registers with its cluster, serves clients, and shuts down cleanly.
 *
 * @module
 */

import { ConfigSource } from "../protocol/messages/configs/describe_configs.ts";
import { CoordinatorType } from "../protocol/messages/groups/find_coordinator.ts";
import type { FrameChannel } from "../protocol/frames/channel.ts";
import { DescriptorReserve } from "../storage/file_system/descriptor_reserve.ts";
import { DenoFileSystem } from "../storage/file_system/deno_file_system.ts";
import type { FileSystem } from "../storage/file_system/file_system.ts";
import type { LogDirectory } from "../storage/log_directory.ts";
import { BatchValidations } from "./validation/batch_validations.ts";
import { type Clock, systemClock } from "./time/clock.ts";
import { SHARED_SETTINGS } from "./cluster/brokers_view.ts";
import { ClusterState } from "./cluster/cluster_state.ts";
import { shutDownControlled } from "./controller/controlled_shutdown.ts";
import { ElectionManager } from "./controller/election_manager.ts";
import { forwardCoordinatorTopicCreation, forwardCreation } from "./cluster/forwarded_creation.ts";
import { ForwardingManager } from "./cluster/forwarding_manager.ts";
import { HeartbeatManager } from "./controller/heartbeat_manager.ts";
import type { MetadataStore } from "./metadata/metadata_store.ts";
import type { PeerNetwork } from "./peers/peer_network.ts";
import { Peers } from "./peers/peers.ts";
import { PreferredLeaders } from "./controller/preferred_leaders.ts";
import { RequestedElections } from "./controller/requested_elections.ts";
import { ReassignmentManager } from "./controller/reassignment_manager.ts";
import { DiskSpace } from "./disk_space.ts";
import { BrokerConfig, type GivenSettings } from "./settings/config.ts";
import { FetchSessions } from "./fetch_sessions.ts";
import { ClusterTopics } from "./groups/cluster_topics.ts";
import { GroupCoordinator } from "./groups/group_coordinator.ts";
import { RegistryOffsetsTopic } from "./groups/registry_offsets_topic.ts";
import type { BrokerContext } from "./handler.ts";
import { HandlerTable } from "./handlers/mod.ts";
import { logLosses } from "./log_losses.ts";
import { endpointsOf, openListeners } from "./opening/open_listeners.ts";
import type { HostPort } from "./settings/listener.ts";
import { createLogger, type Logger, silentLogger } from "./logger.ts";
import { openDirectory } from "./opening/open_directory.ts";
import { openPeerNetwork } from "./opening/open_peer_network.ts";
import { openTransactions } from "./opening/open_transactions.ts";
import { keepMetadataPrivate } from "./private_metadata.ts";
import { type ClusterSurroundings, openMetadata } from "./opening/open_metadata.ts";
import { Maintenance } from "./maintenance.ts";
import { MemoryBudget } from "./memory_budget.ts";
import { BrokerCounters } from "./metrics/broker_counters.ts";
import { ProducerIds } from "./producer_ids.ts";
import { Replication } from "./replication/replication.ts";
import { throttledRates } from "./replication/replication_throttle.ts";
import { LeaderFence } from "./replication/leader_fence.ts";
import { ReplicaSessions } from "./replication/replica_sessions.ts";
import { openSaslGate } from "./network/sasl/open_sasl_gate.ts";
import { type BootstrapUser, bootstrapUser } from "./bootstrap_user.ts";
import { bindListeners } from "./network/bind_listeners.ts";
import { Server } from "./network/server.ts";
import { ClientTelemetry } from "./telemetry/client_telemetry.ts";
import { Timeouts } from "./time/timeouts.ts";
import { HungDisk } from "./replication/hung_disk.ts";
import { settleDoubts } from "./replication/doubtful_logs.ts";
import { leaveOnDamage } from "./topics/failing_logs/damaged_log.ts";
import { leaveOnLogFailure } from "./topics/failing_logs/log_failure.ts";
import { TopicRegistry } from "./topics/topic_registry.ts";
import { openAuditLog } from "./security/audit/open_audit_log.ts";
import { QuotaView } from "./security/quotas/quota_view.ts";
import { Quotas } from "./security/quotas/quotas.ts";
import { openAclAuthorizer } from "./security/authorizer/open_acl_authorizer.ts";
import type { Session } from "./security/session.ts";
import { Turns } from "./network/turns.ts";

/** Loaded when it is needed; `preload.ts` makes it part of the graph of a program that embeds a broker. */
const MEMORY = "../storage/file_system/memory_file_system.ts";

/** Options of {@linkcode Broker.start}. */
export interface BrokerOptions {
  /**
   * `"disk"` keeps data in the folder that `log.dirs` names; `"memory"` keeps it in this process
   * until the broker is closed. Default: `"disk"`.
   */
  readonly storage?: "disk" | "memory";
  /**
   * Addresses to listen on, as `HOST:PORT`, or `NAME://HOST:PORT` with the name of a listener; port 0
   * lets the system choose one. Default: none in memory, where `connect()` needs none, otherwise the setting `listeners`.
   */
  readonly listen?: string | readonly string[];
  /**
   * Settings, by Kafka's names. Default: each setting's default, except that
   * `group.initial.rebalance.delay.ms` is 0 in memory.
   */
  readonly config?: GivenSettings | BrokerConfig;
  /** Receives log lines. Default: a logger that writes to stderr, or none in memory. */
  readonly logger?: Logger;
  /** Time and timers. Default: the system clock. */
  readonly clock?: Clock;
  /** The file system for `"disk"`. Default: the machine's. */
  readonly fileSystem?: FileSystem;
  /**
   * The first administrator of a new cluster: created if the cluster has never had a user or an ACL, and
   * allowed everything. Default: none.
   */
  readonly bootstrapUser?: BootstrapUser;
  /** The cluster in this process that the broker belongs to; see `Cluster`. Default: one of its own. */
  readonly membership?: ClusterMembership;
  /** What connects the broker to its cluster, for simulations. Default: TCP, and etcd's HTTP API. */
  readonly surroundings?: ClusterSurroundings;
  /**
   * Called when the broker can never serve again, because the metadata store is not the one it was, or
   * the log of a partition with other replicas failed. It then serves nothing, and should be closed.
   */
  readonly onFatal?: (error: Error) => void;
  /**
   * Called before the broker serves clients, which wait until it resolves: others that share its metadata
   * can start, so that clients find them.
   */
  readonly onRegistered?: (broker: RegisteredBroker) => Promise<void>;
}

/** What a broker that is registered with its cluster knows. */
export interface RegisteredBroker {
  /** Id of the cluster. */
  readonly clusterId: string;
  /** The cluster's metadata, until the broker is closed. */
  readonly store: MetadataStore;
}

/** What a broker shares with others of its process. */
export interface ClusterMembership {
  /** Where the cluster's metadata is; the broker closes its use of it. */
  readonly store: MetadataStore;
  /**
   * Whether its brokers fail one by one, so that one can have replicas of what another leads. Default:
   * no, they are threads of one process.
   */
  readonly failsAlone?: boolean;
  /** Opens a connection to the broker with this address, for a client; undefined if there is none. */
  connect(address: string, session?: Session): FrameChannel | undefined;
}

/**
 * Defaults of a memory broker. Its groups belong to tests, which do not start many members one
 * after the other.
 */
export const MEMORY_CONFIG = { "group.initial.rebalance.delay.ms": 0 } as const;

/** The data folder within a memory broker's file system. */
export const MEMORY_FOLDER = "/data";

/** The parts of a broker, for what serves them beside Kafka's protocol. */
export interface BrokerParts {
  readonly context: BrokerContext;
  readonly server: Server;
  readonly directory: LogDirectory;
  readonly membership: ClusterMembership | undefined;
  readonly store: MetadataStore;
  /** How it reaches the other brokers of its cluster. */
  readonly network: PeerNetwork;
  /** When it began to serve clients, in milliseconds since the epoch. */
  readonly startedMs: number;
}

/** Returns the parts of a broker. */
export let partsOf: (broker: Broker) => BrokerParts;

/**
 * A running broker.
 *
 * @example In a unit test
 * ```ts
 * import { Broker } from "@dqueue/dqueue/broker";
 * import { Client } from "@dqueue/dqueue/client";
 *
 * await using broker = await Broker.start({ storage: "memory" });
 * await using client = new Client({ broker });
 * ```
 */
export class Broker {
  static {
    partsOf = (broker) => broker.#parts;
  }

  readonly #parts: BrokerParts;
  readonly #resources: AsyncDisposableStack;
  #closing: Promise<void> | undefined;

  /**
   * The addresses that the broker listens on, as bound; empty if it only serves in-process
   * connections.
   */
  readonly addresses: readonly HostPort[];

  private constructor(
    parts: BrokerParts,
    addresses: readonly HostPort[],
    resources: AsyncDisposableStack,
  ) {
    this.#parts = parts;
    this.addresses = addresses;
    this.#resources = resources;
  }

  /**
   * Starts a broker. It serves clients when the promise resolves.
   *
   * @throws {ConfigError} If a setting is invalid, or the data folder belongs to another broker.
   * @throws {DataFolderLockedError} If another process has the data folder open.
   * @throws {Deno.errors.AddrInUse} If another program listens on an address.
   */
  static async start(options: BrokerOptions = {}): Promise<Broker> {
    await using opened = new AsyncDisposableStack();
    const config = configOf(options);
    const inMemory = options.storage === "memory";
    const logger = options.logger ??
      (inMemory ? silentLogger : createLogger({ level: config.get("log.level") }));
    const clock = options.clock ?? systemClock;
    const listeners = openListeners(options, config);
    const isInProcess = inMemory || options.fileSystem !== undefined;
    const descriptors = isInProcess && listeners.all.length === 0
      ? undefined
      : opened.use(DescriptorReserve.open());
    const fs = await fileSystemOf(options, descriptors);
    const counters = new BrokerCounters();
    const disk = new HungDisk(clock);
    let onLogFailure: ReturnType<typeof leaveOnLogFailure> = () => {};
    const onOffline: typeof onLogFailure = (log, error) => onLogFailure(log, error);
    let onDamage: ReturnType<typeof leaveOnDamage> = () => {};
    const onLoss: typeof onDamage = (log, offset) => onDamage(log, offset);
    const directory = opened.use(
      await openDirectory({
        fs,
        path: inMemory ? MEMORY_FOLDER : config.get("log.dirs"),
        hasOwnStore: options.membership === undefined,
        config,
        clock,
        logger,
        counters,
        onOffline,
        onLoss,
        onSyncing: (sync) => disk.syncing(sync),
      }),
    );
    logRecoveries(directory, logger);
    const { store: shared, failsAlone } = options.membership ?? {};
    const { openStore } = options.surroundings ?? {};
    const metadata = await openMetadata({
      directory,
      config,
      clock,
      logger,
      shared,
      failsAlone,
      openStore,
    });
    opened.defer(() => metadata.close());
    if (!isInProcess) await keepMetadataPrivate(directory.path);
    const { store, nodeId } = metadata;
    // Others that share its metadata start once it is registered.
    const isShared = options.membership !== undefined || options.onRegistered !== undefined;
    const hasPeers = isShared || config.get("metadata") !== "local";
    const network = options.surroundings?.network ??
      await openPeerNetwork({ nodeId, listeners, config, hasPeers, clock, logger });
    store.failed?.then((error) => {
      logger.error("Stopped serving for good", { error });
      options.onFatal?.(error);
    });
    const cluster = await ClusterState.open({
      ...metadata,
      interBrokerListener: listeners.interBroker.name,
      clock,
      logger,
    });
    opened.defer(() => cluster.close());
    if (options.bootstrapUser !== undefined) {
      await bootstrapUser(cluster, store, options.bootstrapUser, logger);
    }
    followDynamicConfigs(config, cluster);
    const replicaSessions = new ReplicaSessions();
    const replication = new Replication({
      cluster,
      sessions: replicaSessions,
      network,
      clock,
      logger,
      maxLagMs: () => config.get("replica.lag.time.max.ms"),
      ...throttledRates(config, cluster),
    });
    cluster.onChange((change) => {
      if (change.type === "topic") counters.partitionChanges.note(change, nodeId);
    });
    const topics = await TopicRegistry.open({
      cluster,
      config,
      directory,
      clock,
      logger,
      replication,
      counters: counters.maintenance,
      fence: new LeaderFence({ cluster, sessions: replicaSessions, clock }),
    });
    const { onFatal } = options;
    onLogFailure = leaveOnLogFailure({
      topics,
      membership: cluster.membership,
      logger,
      onFatal,
    });
    onDamage = leaveOnDamage({ topics, cluster, logger });
    opened.defer(() => topics.close());
    opened.defer(() => replication.close());
    const maintenance = Maintenance.start({
      directory,
      topics,
      config,
      clock,
      logger,
      onCheckpoint: metadata.note,
    });
    opened.defer(() => maintenance.close());
    const peers = new Peers({ network, nodeId, clock });
    opened.defer(() => peers.close());
    const settled = () => topics.settled();
    const forwarding = new ForwardingManager({ cluster, peers, clock, settled });
    opened.defer(() => forwarding.close());
    const elections = new ElectionManager({ cluster, config, clock, logger });
    const preferred = new PreferredLeaders({ cluster, elections, config, clock, logger });
    const reassignments = new ReassignmentManager({
      cluster,
      config,
      view: elections.view,
      clock,
      logger,
    });
    const heartbeats = new HeartbeatManager({
      cluster,
      network,
      clock,
      logger,
      settled,
      mayShutDown: (id) => elections.mayShutDown(id),
    });
    const stopping = new AbortController();
    opened.defer(() => stopping.abort());
    const createElsewhere = (keyType: number) => () =>
      forwardCoordinatorTopicCreation(forwarding, keyType, stopping.signal);
    const offsetsTopic = new RegistryOffsetsTopic({
      topics,
      config,
      clock,
      logger,
      createElsewhere: createElsewhere(CoordinatorType.group),
    });
    await offsetsTopic.ensureConfigs();
    const groups = opened.use(
      GroupCoordinator.start({
        topic: offsetsTopic,
        topics: new ClusterTopics(cluster),
        config,
        configsOf: (groupId) => cluster.resourceConfigs("groups", groupId),
        clock,
        logger,
        counters: counters.groups,
      }),
    );
    const producerIds = new ProducerIds(store, { isAhead: cluster.hasExpiringSessions });
    const timeouts = new Timeouts(clock);
    opened.defer(() => timeouts.close());
    const { transactions, markers, verifier } = opened.use(
      await openTransactions({
        cluster,
        topics,
        groups,
        producerIds,
        network,
        config,
        clock,
        timeouts,
        logger,
        counters: counters.transactions,
        createElsewhere: createElsewhere(CoordinatorType.transaction),
      }),
    );

    const audit = opened.use(openAuditLog({
      config,
      clock,
      logger,
      topics,
      cluster,
      createElsewhere: (name) =>
        forwardCreation(forwarding, name, { clientId: "audit", signal: stopping.signal }),
    }));
    const requestMemory = new MemoryBudget(config.get("queued.max.request.bytes"));
    const validations = new BatchValidations(requestMemory);
    opened.defer(() => validations.close());
    const context: BrokerContext = {
      nodeId,
      config,
      cluster,
      forwarding,
      heartbeats,
      elections: new RequestedElections({
        cluster,
        elections,
        peers,
        ownLog: ({ topic, index }) => topics.partition(topic, index)?.log,
      }),
      reassignments,
      topics,
      groups,
      producerIds,
      transactions,
      markers,
      verifier,
      fetchSessions: new FetchSessions(config.get("max.incremental.fetch.session.cache.slots")),
      replicaSessions,
      requestMemory,
      validations,
      responseMemory: new MemoryBudget(config.get("queued.max.response.bytes")),
      timeouts,
      turns: new Turns(clock),
      counters,
      audit,
      quotas: new Quotas(new QuotaView(cluster.security, logger), clock),
      authorizer: openAclAuthorizer({ config, records: cluster.security, audit, logger }),
      telemetry: new ClientTelemetry(),
      disk: new DiskSpace(isInProcess ? undefined : directory.path),
      clock,
      logger,
    };
    const handlers = new HandlerTable();
    const server = new Server(context, handlers, descriptors);
    opened.defer(() => server.close());
    const gate = await openSaslGate(context, handlers, listeners);
    if (gate !== undefined) {
      server.useGate(gate);
      opened.defer(() => gate.close());
    }
    opened.defer(() => {
      heartbeats.close();
      elections.close();
      preferred.close();
      const { brokerEpoch } = cluster;
      if (brokerEpoch > 0) directory.brokerEpoch = brokerEpoch;
      reassignments.close();
      cluster.membership.retire();
    });
    opened.defer(() => disk.close());
    const addresses = await bindListeners(server, listeners.all, { config, clock, logger });
    if (cluster.incarnation !== undefined) {
      await settleDoubts({ cluster, directory, topics, logger });
    }
    await cluster.registerBroker({
      ...endpointsOf(listeners, addresses),
      rack: config.get("broker.rack"),
      settings: sharedSettings(config),
    });
    heartbeats.start();
    // A broker of its own has none to hold, and nowhere to move replicas.
    if (cluster.incarnation !== undefined) {
      elections.start();
      preferred.start();
      reassignments.start();
      disk.start(cluster, logger);
      context.producerIds.takeAhead();
    }
    await options.onRegistered?.({ clusterId: cluster.clusterId, store });
    server.start();
    replication.start();
    const { membership } = options;
    const startedMs = Date.now();
    const parts = { context, server, directory, membership, store, network, startedMs };
    return new Broker(parts, addresses, opened.move());
  }

  /** The cluster's id, 22 characters of base64url. */
  get clusterId(): string {
    return this.#parts.context.cluster.clusterId;
  }

  /** The broker's id in its cluster. */
  get nodeId(): number {
    return this.#parts.context.nodeId;
  }

  /** Number of open connections. */
  get connectionCount(): number {
    return this.#parts.server.connectionCount;
  }

  /**
   * Opens a connection within this process, without a socket. A client created with `new Client({
   * broker })` uses it.
   *
   * @param address Where another broker of the same `Cluster` listens, to connect to that. Default: this
   *   broker.
   * @throws {Deno.errors.ConnectionRefused} If the broker has been closed.
   */
  connect(address?: string): FrameChannel {
    const other = address === undefined ? undefined : this.#parts.membership?.connect(address);
    return other ?? this.connectHere();
  }

  /**
   * Opens a connection to this broker.
   *
   * @param session Whom it acts for. Default: nobody who has authenticated.
   * @throws {Deno.errors.ConnectionRefused} If the broker has been closed.
   */
  connectHere(session?: Session): FrameChannel {
    return this.#parts.server.connect(session);
  }

  /**
   * Stops like a process that crashes: connections end at once, and no response is sent any more. The
   * memory, files and ports of the broker are free when this resolves. For tests.
   */
  async abort(): Promise<void> {
    this.#parts.server.abort();
    await (this.#closing ??= this.#resources.disposeAsync());
  }

  /**
   * Lets other brokers of the cluster take over, then stops serving clients, flushes and closes all
   * logs (a clean shutdown, after which the next start does not need to recover them). Closing twice
   * returns the same promise.
   */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    await shutDownControlled({
      ...this.#parts.context,
      lastActiveMs: () => this.#parts.server.lastActiveMs,
    });
    await this.#resources.disposeAsync();
  }

  /** Closes the broker. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function configOf({ config = {}, storage }: BrokerOptions): BrokerConfig {
  if (config instanceof BrokerConfig) return config;
  return BrokerConfig.from(storage === "memory" ? { ...MEMORY_CONFIG, ...config } : config);
}

async function fileSystemOf(
  { storage, fileSystem }: BrokerOptions,
  descriptors: DescriptorReserve | undefined,
): Promise<FileSystem> {
  if (storage !== "memory") return fileSystem ?? new DenoFileSystem(descriptors);
  const { MemoryFileSystem }: typeof import("../storage/file_system/memory_file_system.ts") =
    await import(MEMORY);
  return new MemoryFileSystem();
}

/**
 * Logs what has changed since the broker stopped and what a crash left: a torn batch that was not
 * acknowledged, or worse.
 */
function logRecoveries(directory: LogDirectory, logger: Logger): void {
  for (const log of directory.logs) {
    logLosses(log, logger);
    const { name, recovery } = log;
    if (recovery?.problem === undefined) continue;
    const { fromOffset, logEndOffset, truncatedBytes, problem } = recovery;
    logger.warn("Truncated a log whose end was damaged by a crash", {
      log: name,
      recoveryPoint: fromOffset,
      logEndOffset,
      bytes: truncatedBytes,
      problem,
    });
  }
}

function followDynamicConfigs(config: BrokerConfig, cluster: ClusterState): void {
  const update = () =>
    config.setDynamic(cluster.brokerConfigs("all"), cluster.brokerConfigs(cluster.nodeId));
  update();
  cluster.onChange((change) => {
    if (change.type === "broker-configs") update();
  });
}

/** The settings of the configuration that other brokers go by, where they are not the defaults. */
function sharedSettings(config: BrokerConfig): Record<string, string> {
  return Object.fromEntries(SHARED_SETTINGS.flatMap((name) => {
    const given = config.valuesOf(name)
      .find(({ source }) => source === ConfigSource.staticBroker)?.text;
    return given == null ? [] : [[name, String(given)]];
  }));
}
