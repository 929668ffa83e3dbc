/**
 * The components of a broker without its server, in memory and on a manual clock, for tests that
 * call handlers directly.
 *
 * @module
 */

import { codec } from "../protocol/schema/codec.ts";
import { Reader } from "../protocol/primitives/reader.ts";
import { RecordBatch, RecordBatchBuilder } from "../protocol/records/mod.ts";
import type {
  Api,
  RequestOf,
  RequestTo,
  ResponseOf,
  ResponseTo,
} from "../protocol/schema/schema.ts";
import { Writer } from "../protocol/primitives/writer.ts";
import { type FileSystem, LogDirectory, MemoryFileSystem } from "../storage/mod.ts";
import { BatchValidations } from "./validation/batch_validations.ts";
import { ManualClock } from "./time/clock.ts";
import { ClusterState } from "./cluster/cluster_state.ts";
import { ForwardingManager } from "./cluster/forwarding_manager.ts";
import { ElectionManager } from "./controller/election_manager.ts";
import { ReassignmentManager } from "./controller/reassignment_manager.ts";
import { HeartbeatManager } from "./controller/heartbeat_manager.ts";
import { tcpNetwork } from "./peers/peer_network.ts";
import { Peers } from "./peers/peers.ts";
import { RequestedElections } from "./controller/requested_elections.ts";
import { LocalMetadataStore, METADATA_LOG_NAME } from "./metadata/local_metadata_store.ts";
import { BrokerConfig } from "./settings/config.ts";
import { FetchSessions } from "./fetch_sessions.ts";
import {
  type ApiHandler,
  type BrokerContext,
  NO_RESPONSE,
  type RequestContext,
} from "./handler.ts";
import { type Logger, silentLogger } from "./logger.ts";
import { MemoryBudget } from "./memory_budget.ts";
import { DiskSpace } from "./disk_space.ts";
import { BrokerCounters } from "./metrics/broker_counters.ts";
import { ProducerIds } from "./producer_ids.ts";
import type { BrokerSettings } from "./settings/settings.ts";
import type { AppendResult, Partition } from "./topics/partition.ts";
import { LeaderFence } from "./replication/leader_fence.ts";
import { ReplicaSessions } from "./replication/replica_sessions.ts";
import { ClientTelemetry } from "./telemetry/client_telemetry.ts";
import { Timeouts } from "./time/timeouts.ts";
import { type NewTopic, TopicRegistry } from "./topics/topic_registry.ts";
import { type AuditLog, noAudit } from "./security/audit/audit_log.ts";
import { type Authorizer, openAuthorizer } from "./security/authorizer.ts";
import { QuotaView } from "./security/quotas/quota_view.ts";
import { Quotas } from "./security/quotas/quotas.ts";
import type { SecurityRecords } from "./security/security_records.ts";
import { EMBEDDED_SESSION, type Session } from "./security/session.ts";
import { Turns } from "./network/turns.ts";

/** Options of a test broker. */
export interface TestBrokerOptions {
  readonly config?: Partial<BrokerSettings>;
  readonly fs?: FileSystem;
  readonly clock?: ManualClock;
  readonly logger?: Logger;
  /** Whether the broker has not heard of the metadata store for too long. Default: it has. */
  readonly isFenced?: () => boolean;
  /** Makes the authorizer. Default: everyone may do everything. */
  readonly authorizer?: (records: SecurityRecords) => Authorizer;
  /** Default: nothing is recorded. */
  readonly audit?: AuditLog;
}

/** The components of a broker. */
export class TestBroker {
  readonly context: BrokerContext;
  readonly directory: LogDirectory;
  readonly store: LocalMetadataStore;
  readonly clock: ManualClock;
  /** The session of the requests that follow. */
  session: Session = EMBEDDED_SESSION;
  readonly #stopFollowing: () => void;

  private constructor(
    context: BrokerContext,
    directory: LogDirectory,
    store: LocalMetadataStore,
    clock: ManualClock,
    stopFollowing: () => void,
  ) {
    this.context = context;
    this.directory = directory;
    this.store = store;
    this.clock = clock;
    this.#stopFollowing = stopFollowing;
  }

  /** Starts a test broker. Pass the same `fs` again for a restart. */
  static async start(options: TestBrokerOptions = {}): Promise<TestBroker> {
    const { clock = new ManualClock(), logger = silentLogger } = options;
    const fs = options.fs ?? new MemoryFileSystem({ now: () => clock.now() });
    const config = BrokerConfig.from(options.config ?? {});
    const nodeId = config.get("node.id");
    const nowMs = clock.now();
    const directory = await LogDirectory.open(fs, "/data", {
      nowMs,
      producerIdExpirationMs: () => config.get("producer.id.expiration.ms"),
    });
    const log = directory.get(METADATA_LOG_NAME) ?? directory.create(METADATA_LOG_NAME, { nowMs });
    const store = await LocalMetadataStore.open(log, { clock });
    const cluster = await ClusterState.open({
      store,
      nodeId,
      clusterId: "cluster-of-the-test-00",
      clock,
      logger,
    });
    await cluster.registerBroker({ host: "localhost", port: 9092, rack: null });
    const follow = () =>
      config.setDynamic(cluster.brokerConfigs("all"), cluster.brokerConfigs(nodeId));
    follow();
    const stopFollowing = cluster.onChange(({ type }) => type === "broker-configs" && follow());
    const replicaSessions = new ReplicaSessions();
    const { isFenced = () => false } = options;
    const fenced = {
      get isFenced() {
        return isFenced();
      },
    };
    const fence = new LeaderFence({ cluster: fenced, sessions: replicaSessions, clock });
    const topics = await TopicRegistry.open({ cluster, config, directory, clock, logger, fence });
    const requestMemory = new MemoryBudget(1 << 20);
    const elections = new ElectionManager({ cluster, config, clock, logger });
    const context: Omit<BrokerContext, "groups" | "transactions" | "markers" | "verifier"> = {
      nodeId,
      config,
      cluster,
      forwarding: new ForwardingManager({
        cluster,
        peers: new Peers({ network: tcpNetwork, nodeId, clock }),
        clock,
        settled: () => topics.settled(),
      }),
      elections: new RequestedElections({
        cluster,
        elections,
        peers: new Peers({ network: tcpNetwork, nodeId, clock }),
        ownLog: ({ topic, index }) => topics.partition(topic, index)?.log,
      }),
      heartbeats: new HeartbeatManager({
        cluster,
        network: tcpNetwork,
        clock,
        logger,
        settled: () => topics.settled(),
        mayShutDown: () => true,
      }),
      reassignments: new ReassignmentManager({
        cluster,
        config,
        view: elections.view,
        clock,
        logger,
      }),
      topics,
      producerIds: new ProducerIds(store),
      fetchSessions: new FetchSessions(0),
      replicaSessions,
      requestMemory,
      validations: new BatchValidations(requestMemory),
      responseMemory: new MemoryBudget(config.get("queued.max.response.bytes")),
      timeouts: new Timeouts(clock),
      turns: new Turns(clock),
      counters: new BrokerCounters(),
      disk: new DiskSpace(undefined),
      telemetry: new ClientTelemetry(),
      audit: options.audit ?? noAudit,
      quotas: new Quotas(new QuotaView(cluster.security, logger), clock),
      authorizer: options.authorizer?.(cluster.security) ?? openAuthorizer,
      clock,
      logger,
    };
    // Tests of groups and transactions have their own coordinators.
    return new TestBroker(context as BrokerContext, directory, store, clock, stopFollowing);
  }

  get topics(): TopicRegistry {
    return this.context.topics;
  }

  get cluster(): ClusterState {
    return this.context.cluster;
  }

  /** Creates a topic, with one partition by default. */
  async createTopic(name: string, topic: Omit<NewTopic, "name"> = {}): Promise<Partition> {
    await this.topics.createTopic({ name, ...topic });
    return this.topics.partition(name, 0)!;
  }

  /**
   * Calls a handler as a connection does: request and response pass through their codecs.
   *
   * @param holdBack Called if the connection's next request must wait.
   */
  async call<A extends Api>(
    api: A,
    apiHandler: ApiHandler,
    apiVersion: number,
    request: RequestTo<A>,
    holdBack: RequestContext["holdBack"] = () => {},
  ): Promise<ResponseOf<A>> {
    const callbacks: (() => void)[] = [];
    const decoded = reencode(api.request, apiVersion, request as never);
    const context: RequestContext = {
      api: api.name,
      apiVersion,
      clientId: "test",
      peer: "test:1",
      session: this.session,
      signal: new AbortController().signal,
      broker: this.context,
      keepFrame: () => {},
      whenTaken: (callback) => callbacks.push(callback),
      claim: () => undefined,
      holdBack,
      waited: () => {},
    };
    const answer = await apiHandler.handle(decoded as RequestOf<Api>, context);
    if (answer === NO_RESPONSE) throw new TypeError(`${api.name} sent no response`);
    const response = reencode(api.response, apiVersion, answer as ResponseTo<Api> as never);
    for (const callback of callbacks) callback();
    return response as ResponseOf<A>;
  }

  /** Shuts down cleanly. */
  async close(): Promise<void> {
    await this.stop();
    await this.directory.close();
  }

  /** Stops everything but the data folder, as if the process were about to be killed. */
  async stop(): Promise<void> {
    this.#stopFollowing();
    this.context.validations.close();
    await this.topics.close();
    await this.cluster.close();
    await this.store.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function reencode(
  message: Parameters<typeof codec>[0],
  apiVersion: number,
  value: never,
): unknown {
  const writer = new Writer();
  codec(message, apiVersion).encode(writer, value);
  return codec(message, apiVersion).decode(new Reader(writer.takeBytes()));
}

/** Builds a record batch with these values, as a producer sends it. */
export function batchOf(
  values: readonly string[],
  options: ConstructorParameters<typeof RecordBatchBuilder>[0] & { readonly timestamp?: number } =
    {},
): RecordBatch {
  const builder = new RecordBatchBuilder(options);
  for (const value of values) builder.append(options.timestamp ?? 1_700_000_000_000, null, value);
  return new RecordBatch(builder.build());
}

/** The values of all records from an offset that are readable. */
export async function valuesFrom(partition: Partition, offset: number): Promise<string[]> {
  const { chunks } = await partition.read(offset, {
    maxBytes: 1 << 20,
    minOneBatch: true,
    isolationLevel: 0,
  });
  const values: string[] = [];
  for (const chunk of chunks) {
    for (let position = 0; position < chunk.length;) {
      const batch = new RecordBatch(chunk, position);
      for (const record of batch.records()) {
        if (record.offset >= offset) values.push(new TextDecoder().decode(record.value!));
      }
      position += batch.sizeInBytes;
    }
  }
  return values;
}

/** The producer of a batch in a transaction. */
export interface TransactionOf {
  readonly producerId: number;
  /** Default: 0. */
  readonly producerEpoch?: number;
  /** Default: 0. */
  readonly baseSequence?: number;
}

/** Builds a batch of a producer's transaction. */
export function transactionalBatchOf(
  values: readonly string[],
  { producerId, producerEpoch = 0, baseSequence = 0 }: TransactionOf,
): RecordBatch {
  return batchOf(values, { producerId, producerEpoch, baseSequence, isTransactional: true });
}

/** Appends a batch of a transaction, as if its coordinator had confirmed it. */
export function appendInTransaction(
  partition: Partition,
  values: readonly string[],
  transaction: TransactionOf,
): AppendResult {
  const batch = transactionalBatchOf(values, transaction);
  const { producerId, producerEpoch, baseSequence } = batch;
  const verification = partition.log.startVerification(producerId, producerEpoch, baseSequence);
  return partition.append(batch, { acks: -1, nowMs: 1_700_000_000_000, verification });
}

/** Appends the marker that ends a transaction. */
export function endTransaction(
  partition: Partition,
  isCommit: boolean,
  { producerId, producerEpoch = 0 }: TransactionOf,
): AppendResult {
  return partition.appendMarker({
    producerId,
    producerEpoch,
    coordinatorEpoch: 0,
    isCommit,
    isTransactionV2: false,
    nowMs: 1_700_000_000_000,
  });
}
