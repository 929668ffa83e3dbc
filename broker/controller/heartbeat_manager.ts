/**
 * Heartbeats between brokers (KIP-631), and what follows from them.
 *
 * Every broker sends heartbeats to the controller, on a connection of its own. They say that the
 * broker is alive, and which metadata it has applied: the controller answers a request that changed
 * metadata when every broker knows the change.
 *
 * If brokers lose their sessions only some time after they die, heartbeats are sent all the time,
 * and a dead broker is deposed: the controller removes it, or, if it was the controller, a majority
 * of the others does and one of them takes over (`liveness.ts`). Otherwise a heartbeat is sent only
 * when metadata has changed. A broker without others sends none.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import {
  brokerHeartbeat,
  type BrokerHeartbeatRequest,
  type BrokerHeartbeatResponse,
} from "../../protocol/messages/cluster/broker_heartbeat.ts";
import { ApiError } from "../api_error.ts";
import type { Logger } from "../logger.ts";
import type { Clock } from "../time/clock.ts";
import { pause } from "../time/pause.ts";
import type { BrokerInfo, ClusterChange, ClusterState } from "../cluster/cluster_state.ts";
import { isCondemned, Liveness, MAX_LATE_MS, SILENCE_MS } from "./liveness.ts";
import type { Suspicion } from "../cluster/suspicions.ts";
import { RevisionConflictError } from "../metadata/metadata_store.ts";
import type { PeerNetwork } from "../peers/peer_network.ts";
import { Peers, PeerUnreachableError } from "../peers/peers.ts";

/** Options of heartbeats. */
export interface HeartbeatManagerOptions {
  readonly cluster: ClusterState;
  readonly network: PeerNetwork;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Resolves when this broker has applied its view of the cluster. */
  settled(): Promise<void>;
  /** Whether a broker can stop without anybody waiting for it. */
  mayShutDown(brokerId: number): boolean;
}

/** Interval of heartbeats. */
const INTERVAL_MS = 250;
/** Time limit of a heartbeat's answer. */
const ANSWER_TIMEOUT_MS = SILENCE_MS;
/** Refused connections after which nothing listens there any more, and the delay between them. */
const MAX_REFUSALS = 3;
const REFUSAL_DELAY_MS = 10;
/** Attempts to get an answer of a broker whose connection has ended. */
const MAX_PROBES = 10;
/** Time that a deposed broker waits for a controller that responds, and the delay of its attempts. */
const RETURN_MS = 3000;
const RETRY_MS = 50;
/** Between two log lines about a broker that refuses this one. */
const REFUSAL_INTERVAL_MS = 60_000;
/** Time that a change of metadata waits for brokers to know it. */
const SPREAD_MS = 500;

const VERSION = 1;

/** What the controller has learned from a broker's heartbeats. */
interface Report {
  readonly epoch: number;
  /** The metadata that the broker has applied. */
  revision: number;
}

/** Changes of metadata that clients ask for, and expect all brokers to know afterwards. */
const ANNOUNCED: ReadonlySet<ClusterChange["type"]> = new Set([
  "topic",
  "broker-configs",
  "resource-configs",
  "features",
]);

/** Sends and receives heartbeats. */
export class HeartbeatManager {
  readonly #options: HeartbeatManagerOptions;
  readonly #peers: Peers;
  readonly #liveness: Liveness = new Liveness();
  readonly #reports: Map<number, Report> = new Map();
  readonly #closing = new AbortController();
  /** Called when reports or the set of brokers have changed. */
  readonly #waiters: Set<() => void> = new Set();
  /** Brokers whose addresses are being tried. */
  readonly #probing: Set<number> = new Set();
  #unsubscribe: () => void = () => {};
  /** This broker's statement that the controller is dead. */
  #suspicion: Suspicion | undefined;
  #timer: number | undefined;
  /** When the timer is due. */
  #dueMs = Infinity;
  #lastBeatMs = -Infinity;
  #isBeating = false;
  /** When it was last logged that another broker refuses this one, by the monotonic clock. */
  #refusalLoggedMs = -Infinity;
  #isAnnouncing = false;
  #isJudging = false;
  /** Whether something has changed since the judgement under way began. */
  #mustJudgeAgain = false;
  /** The last decision that this broker has applied, and a revision that includes it. */
  #applied = { decision: -1, revision: 0 };

  constructor(options: HeartbeatManagerOptions) {
    this.#options = options;
    const { cluster, network, clock } = options;
    const onLost = (id: number) => this.#lost(id);
    this.#peers = new Peers({ network, nodeId: cluster.nodeId, clock, onLost });
  }

  /** Begins, when this broker is registered. */
  start(): void {
    const { cluster } = this.#options;
    this.#unsubscribe = cluster.onChange((change) => this.#changed(change));
    cluster.membership.beforeReturn = () => this.#mayReturn();
    this.#wake();
    this.#announce();
  }

  /** Whether brokers are watched, and this one is among them. */
  get #isActive(): boolean {
    const { cluster } = this.#options;
    return cluster.hasExpiringSessions && cluster.brokerEpoch !== 0 && this.#others.length > 0 &&
      !this.#closing.signal.aborted;
  }

  get #others(): readonly BrokerInfo[] {
    const { cluster } = this.#options;
    return cluster.brokers.filter(({ id }) => id !== cluster.nodeId);
  }

  /** The controller, if it is another broker. */
  get #controller(): BrokerInfo | undefined {
    const { cluster } = this.#options;
    const { controllerId, nodeId } = cluster;
    return controllerId === nodeId ? undefined : cluster.broker(controllerId);
  }

  /**
   * Handles another broker's heartbeat.
   *
   * @param ended Aborted when the connection has ended that it came on.
   */
  receive(request: BrokerHeartbeatRequest, ended: AbortSignal): BrokerHeartbeatResponse {
    const { cluster, clock, mayShutDown } = this.#options;
    const { brokerId, brokerEpoch: epoch, currentMetadataOffset: revision } = request;
    const answer = { errorCode: ErrorCode.NONE, shouldShutDown: false };
    if (!cluster.isController()) return { ...answer, errorCode: ErrorCode.NOT_CONTROLLER };
    const known = cluster.broker(brokerId);
    if (known === undefined) return { ...answer, errorCode: ErrorCode.BROKER_ID_NOT_REGISTERED };
    if (epoch < known.epoch) return { ...answer, errorCode: ErrorCode.STALE_BROKER_EPOCH };
    this.#liveness.heard({ id: brokerId, epoch }, clock.monotonic());
    const report = this.#reports.get(brokerId);
    if (report?.epoch !== epoch) {
      this.#reports.set(brokerId, { epoch, revision });
      // Its next connection has its own report.
      ended.addEventListener("abort", () => this.#lost(brokerId), { once: true });
    } else report.revision = Math.max(report.revision, revision);
    this.#notify();
    return {
      ...answer,
      isFenced: false,
      isCaughtUp: revision >= cluster.lastDecision,
      shouldShutDown: request.wantShutDown && cluster.isShuttingDown(brokerId) &&
        mayShutDown(brokerId),
    };
  }

  /** Resolves when every broker has applied a revision of the metadata, or after some time. */
  async known(revision: number): Promise<void> {
    const { clock } = this.#options;
    const isKnown = () =>
      this.#closing.signal.aborted || this.#others.every(({ id, epoch }) => {
        const report = this.#reports.get(id);
        return report?.epoch === epoch && report.revision >= revision;
      });
    if (isKnown()) return;
    await new Promise<void>((resolve) => {
      const check = () => {
        if (isKnown()) end();
      };
      const end = () => {
        clock.clearTimeout(timer);
        this.#waiters.delete(check);
        resolve();
      };
      const timer = clock.setTimeout(end, SPREAD_MS);
      this.#waiters.add(check);
    });
  }

  /** Whether this broker, which is about to stop, can do so without anybody waiting for it. */
  async mayShutDown(): Promise<boolean> {
    const { cluster, mayShutDown } = this.#options;
    if (cluster.isController()) return mayShutDown(cluster.nodeId);
    const controller = this.#controller;
    if (controller === undefined) return false;
    // Until it knows the new leaders itself, clients wait here for their answers.
    return (await this.#ask(controller, true)).shouldShutDown && mayShutDown(cluster.nodeId);
  }

  /** Stops sending and judging. */
  close(): void {
    this.#closing.abort();
    this.#unsubscribe();
    this.#setTimer(Infinity);
    this.#peers.close();
    this.#notify();
  }

  #notify(): void {
    for (const waiter of [...this.#waiters]) waiter();
  }

  #changed(change: ClusterChange): void {
    if (change.type === "brokers" || change.type === "controller") {
      for (const id of this.#reports.keys()) {
        if (this.#options.cluster.broker(id) === undefined) this.#reports.delete(id);
      }
      this.#notify();
      this.#wake();
      this.#announce();
    } else if (change.type === "suspicions") this.#wake();
    else if (ANNOUNCED.has(change.type)) this.#announce();
  }

  /** Tells the controller what this broker has applied, as soon as it has applied everything. */
  async #announce(): Promise<void> {
    const { cluster, settled } = this.#options;
    if (this.#isAnnouncing) return;
    this.#isAnnouncing = true;
    try {
      do {
        const { lastDecision: decision, revision } = cluster;
        await settled();
        this.#applied = { decision, revision };
        const controller = this.#controller;
        if (controller === undefined || cluster.brokerEpoch === 0) continue;
        if (this.#closing.signal.aborted) break;
        await this.#beat(controller);
      } while (this.#applied.decision < cluster.lastDecision);
    } catch {
      // The next heartbeat reports it, or the controller stops waiting.
    } finally {
      this.#isAnnouncing = false;
    }
  }

  /** Watches the brokers it should, and does what is due. */
  #wake(): void {
    const { cluster, clock } = this.#options;
    const nowMs = clock.monotonic();
    if (nowMs - this.#dueMs > MAX_LATE_MS) this.#liveness.restart(nowMs);
    if (!this.#isActive) {
      this.#liveness.watch([], nowMs);
      this.#setTimer(Infinity);
      return;
    }
    const controller = this.#controller;
    const isController = cluster.isController();
    this.#liveness.watch(isController ? this.#others : controller ? [controller] : [], nowMs);
    if (!isController && controller !== undefined && !this.#isBeating) {
      const nextMs = this.#lastBeatMs + INTERVAL_MS;
      if (nowMs >= nextMs) this.#beat(controller).catch(() => {});
    }
    this.#judge();
    const { nextMs } = this.#liveness;
    this.#setTimer(nowMs + (nextMs > nowMs ? Math.min(nextMs - nowMs, INTERVAL_MS) : INTERVAL_MS));
  }

  /** Calls `#wake` at a time. */
  #setTimer(dueMs: number): void {
    const { clock } = this.#options;
    if (this.#timer !== undefined) clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#dueMs = dueMs;
    if (dueMs === Infinity) return;
    this.#timer = clock.setTimeout(() => {
      this.#timer = undefined;
      this.#wake();
    }, dueMs - clock.monotonic());
  }

  /** Sends a heartbeat and resolves with its answer. */
  async #beat(controller: BrokerInfo): Promise<BrokerHeartbeatResponse> {
    const { cluster, clock } = this.#options;
    this.#isBeating = true;
    this.#lastBeatMs = clock.monotonic();
    try {
      const answer = await this.#ask(controller);
      this.#liveness.heard(controller, clock.monotonic());
      if (this.#suspicion !== undefined) this.#withdraw();
      return answer;
    } catch (error) {
      if (cluster.hasExpiringSessions) {
        // The connection may be dead without the broker being so.
        this.#peers.disconnect(controller.id);
        if (isRefusal(error)) this.#lost(controller.id);
      }
      throw error;
    } finally {
      this.#isBeating = false;
    }
  }

  async #ask(peer: BrokerInfo, wantShutDown = false): Promise<BrokerHeartbeatResponse> {
    const { cluster } = this.#options;
    const { nodeId: brokerId, brokerEpoch, lastDecision } = cluster;
    const { decision, revision } = this.#applied;
    const answer = await this.#peers.request(peer, brokerHeartbeat, VERSION, {
      brokerId,
      brokerEpoch: brokerEpoch === 0 ? -1 : brokerEpoch,
      currentMetadataOffset: decision < lastDecision ? revision : cluster.revision,
      wantFence: false,
      wantShutDown,
      offlineLogDirs: [],
    }, ANSWER_TIMEOUT_MS);
    if (answer.errorCode === ErrorCode.CLUSTER_AUTHORIZATION_FAILED) this.#logRefusal(peer);
    return answer;
  }

  /** Logs that another broker does not take this one for a broker, once a minute. */
  #logRefusal({ id }: BrokerInfo): void {
    const { clock, logger } = this.#options;
    const nowMs = clock.monotonic();
    if (nowMs - this.#refusalLoggedMs < REFUSAL_INTERVAL_MS) return;
    this.#refusalLoggedMs = nowMs;
    logger.error(
      "Another broker refuses this one: allow ClusterAction on the cluster to the user that this one " +
        "is there (its certificate or login; User:ANONYMOUS without), or name it in super.users",
      { brokerId: id },
    );
  }

  /** A connection to or from a broker has ended: finds out at once whether it is dead. */
  #lost(id: number): void {
    const { cluster } = this.#options;
    const report = this.#reports.get(id);
    if (!this.#isActive || this.#probing.has(id)) return;
    const broker = cluster.broker(id);
    const isWatched = cluster.isController() || cluster.controllerId === id;
    if (broker === undefined || !isWatched) return;
    if (report !== undefined) this.#reports.delete(id);
    this.#probing.add(id);
    this.#probe(broker).finally(() => this.#probing.delete(id));
  }

  async #probe(broker: BrokerInfo): Promise<void> {
    const { clock } = this.#options;
    let refusals = 0;
    for (let i = 0; i < MAX_PROBES && this.#isActive; i++) {
      try {
        await this.#ask(broker);
        this.#liveness.heard(broker, clock.monotonic());
        return;
      } catch (error) {
        // A process that is ending may still accept a connection.
        if (isRefusal(error)) refusals++;
        else if (error instanceof PeerUnreachableError) return;
        else refusals = 0;
      }
      if (refusals === MAX_REFUSALS) {
        this.#liveness.refused(broker);
        this.#wake();
        return;
      }
      await pause(this.#options.clock, REFUSAL_DELAY_MS, this.#closing.signal);
    }
  }

  /** Deposes brokers that are dead, as far as that is up to this one. */
  async #judge(): Promise<void> {
    const { logger } = this.#options;
    this.#mustJudgeAgain = true;
    if (this.#isJudging) return;
    this.#isJudging = true;
    try {
      while (this.#mustJudgeAgain) {
        this.#mustJudgeAgain = false;
        await this.#depose();
      }
    } catch (error) {
      // Another broker has decided, or the dead one has returned.
      const isSettled = error instanceof RevisionConflictError || error instanceof ApiError;
      if (!isSettled && !this.#closing.signal.aborted) {
        logger.warn("Cannot depose a broker that does not respond", { error });
      }
    } finally {
      this.#isJudging = false;
    }
  }

  async #depose(): Promise<void> {
    const { cluster, clock, logger } = this.#options;
    for (const { id, epoch } of this.#liveness.dead(clock.monotonic())) {
      const broker = cluster.broker(id);
      if (broker?.epoch !== epoch || !this.#isActive) continue;
      if (!cluster.isController() && !await this.#isCondemned(broker)) continue;
      await cluster.membership.depose(broker);
      logger.warn("Deposed a broker that does not respond", { brokerId: id });
    }
  }

  /** States that the controller is dead; whether a majority says so. */
  async #isCondemned({ id }: BrokerInfo): Promise<boolean> {
    const { cluster, logger } = this.#options;
    const { nodeId: voterId, controllerEpoch } = cluster;
    if (cluster.controllerId !== id) return false;
    const suspicion = { voterId, accusedId: id, controllerEpoch };
    const brokers = cluster.brokers.map((broker) => broker.id);
    const controller = { id, epoch: controllerEpoch };
    if (isCondemned(controller, brokers, [...cluster.membership.suspicions, suspicion])) {
      return true;
    }
    if (this.#suspicion?.controllerEpoch !== controllerEpoch) {
      logger.warn("The controller does not respond", { brokerId: id });
      this.#suspicion = suspicion;
      await cluster.membership.accuse(suspicion);
    }
    return false;
  }

  /** The controller is alive after all. */
  async #withdraw(): Promise<void> {
    const suspicion = this.#suspicion;
    this.#suspicion = undefined;
    if (suspicion === undefined) return;
    try {
      await this.#options.cluster.membership.withdraw(suspicion);
    } catch {
      // It ends with this broker's session or with the controller's epoch.
    }
  }

  /** Fails unless the controller, if there is one, can be reached. */
  async #mayReturn(): Promise<void> {
    const { cluster, clock } = this.#options;
    const deadlineMs = clock.monotonic() + RETURN_MS;
    for (;;) {
      const controller = await cluster.membership.currentController();
      if (controller === undefined) return;
      try {
        const { errorCode } = await this.#ask(controller);
        if (errorCode !== ErrorCode.NOT_CONTROLLER) return;
        throw new ApiError(errorCode);
      } catch (error) {
        // Another may become the controller soon.
        if (this.#closing.signal.aborted || clock.monotonic() >= deadlineMs) throw error;
      }
      this.#peers.disconnect(controller.id);
      await pause(this.#options.clock, RETRY_MS, this.#closing.signal);
    }
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof PeerUnreachableError &&
    error.cause instanceof Deno.errors.ConnectionRefused;
}
