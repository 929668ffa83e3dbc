/**
 * Simulates groups of consumers with random faults, for the randomized test.
 *
 * Each consumer behaves like a careful client: it joins, revokes partitions when told to, reads
 * from the committed offset, commits, and handles every error. It may also hang, die, leave, and
 * commit late. The coordinator restarts, losing what was not durable, and sometimes fails to write.
 * One group uses the classic protocol, one KIP-848, and one has members of both, so that it is
 * converted back and forth.
 *
 * @module
 */

import { DiskFullError } from "../../../storage/errors.ts";
import { ManualClock } from "../../time/clock.ts";
import { BrokerConfig } from "../../settings/config.ts";
import { silentLogger } from "../../logger.ts";
import type { ConsumerGroup } from "../consumer/consumer_group.ts";
import { GroupCoordinator } from "../group_coordinator.ts";
import type { GroupShard } from "../group_shard.ts";
import type { Random } from "../../../protocol/random_testing.ts";
import { MemoryOffsetsTopic, MemoryTopics, topicIdOf, turn } from "../testing.ts";
import { ClassicConsumer } from "./classic_consumer.ts";
import {
  type Consumer,
  REBALANCE_TIMEOUT_MS,
  SESSION_TIMEOUT_MS,
  TOPIC,
  type World,
} from "./consumer.ts";
import { InvariantError, Ledger, PARTITION_COUNT } from "./ledger.ts";
import { ModernConsumer } from "./modern_consumer.ts";

const MEMBERS_PER_GROUP = 5;

/** The groups, their coordinator, and random events. */
export class Simulation implements World {
  readonly clock: ManualClock = new ManualClock();
  readonly random: Random;
  readonly #topic = new MemoryOffsetsTopic(2);
  readonly #topics = new MemoryTopics();
  readonly #config = BrokerConfig.from({
    "group.initial.rebalance.delay.ms": 500,
    "group.consumer.session.timeout.ms": SESSION_TIMEOUT_MS,
  });
  readonly #consumers: Consumer[] = [];
  readonly #ledgers: Map<string, Ledger> = new Map();
  #coordinator: GroupCoordinator;
  #nextId = 1;

  constructor(random: Random) {
    this.random = random;
    this.#topics.set(TOPIC, PARTITION_COUNT);
    this.#coordinator = this.#start();
    for (const groupId of ["classic", "modern", "mixed"]) {
      const ledger = new Ledger();
      this.#ledgers.set(groupId, ledger);
      for (let i = 0; i < MEMBERS_PER_GROUP; i++) {
        const isModern = groupId === "modern" || (groupId === "mixed" && i % 2 === 0);
        const kind = isModern ? ModernConsumer : ClassicConsumer;
        this.#consumers.push(new kind(this, groupId, ledger, i));
      }
    }
  }

  #start(): GroupCoordinator {
    return GroupCoordinator.start({
      topic: this.#topic,
      topics: this.#topics,
      config: this.#config,
      clock: this.clock,
      logger: silentLogger,
      uniqueId: () => String(this.#nextId++),
    });
  }

  shard(groupId: string): GroupShard | undefined {
    try {
      return this.#coordinator.shardOf(groupId);
    } catch {
      return undefined;
    }
  }

  async settle<T>(promise: Promise<T>): Promise<T | undefined> {
    for (const log of this.#topic.logs) log.release();
    return await promise.catch(() => undefined);
  }

  async close(): Promise<void> {
    await this.#coordinator.close();
  }

  /** Performs a random action and checks the invariants. */
  async step(): Promise<void> {
    const { random } = this;
    const consumer = random.pick(this.#consumers);
    const act = random.weighted<() => void | Promise<void>>([
      [40, () => consumer.work()],
      [4, () => consumer.workLate()],
      [20, () => this.clock.advance(random.below(random.chance(0.1) ? 6000 : 500))],
      [20, () => this.#release()],
      [6, () => consumer.start()],
      [3, () => void (consumer.isHanging = !consumer.isHanging)],
      [1, () => consumer.die()],
      [1, () => consumer.leave()],
      [0.5, () => this.#failNextWrite()],
      [0.5, () => this.#restart()],
    ]);
    await act();
    for (const other of this.#consumers) {
      other.keepAlive();
      if (random.chance(0.3)) await other.act();
    }
    await turn();
    for (const [groupId, ledger] of this.#ledgers) this.#check(groupId, ledger);
  }

  #check(groupId: string, ledger: Ledger): void {
    const shard = this.shard(groupId);
    if (shard === undefined) return;
    for (const [partition, { offset }] of shard.offsets.ofGroup(groupId)?.get(TOPIC) ?? []) {
      ledger.read(partition, offset);
    }
    const group = shard.group(groupId);
    if (group?.type !== "consumer") return;
    checkOwners(group);
    for (const consumer of this.#consumers) {
      if (consumer.groupId === groupId && consumer.isRunning) checkConsumer(group, consumer);
    }
  }

  #release(): void {
    for (const log of this.#topic.logs) {
      log.release(1 + this.random.below(3));
      log.isHeld = this.random.chance(0.5);
    }
  }

  #failNextWrite(): void {
    this.random.pick(this.#topic.logs).nextFailure = new DiskFullError("The disk is full");
  }

  async #restart(): Promise<void> {
    for (const log of this.#topic.logs) {
      // Some of the pending writes succeeded.
      log.release(this.random.below(3));
      log.crash();
      if (this.random.chance(0.3)) log.compact();
    }
    for (const consumer of this.#consumers) consumer.disconnect();
    await this.#coordinator.close();
    this.#coordinator = this.#start();
    await this.#coordinator.loaded();
  }

  /** Runs all consumers without faults until they agree, within a limit. */
  async converge(): Promise<void> {
    for (const log of this.#topic.logs) {
      log.isHeld = false;
      log.nextFailure = undefined;
    }
    for (const consumer of this.#consumers) consumer.isHanging = false;
    const limitMs = 3 * (SESSION_TIMEOUT_MS + REBALANCE_TIMEOUT_MS);
    for (let ms = 0; ms < limitMs; ms += 250) {
      for (const log of this.#topic.logs) log.release();
      for (const consumer of this.#consumers) {
        if (consumer.isSettled) consumer.keepAlive();
        else await consumer.act();
      }
      await turn();
      this.clock.advance(250);
    }
    // Pending requests have been answered.
    for (const consumer of this.#consumers) await consumer.act();
    for (const groupId of this.#ledgers.keys()) this.#checkConverged(groupId);
  }

  #checkConverged(groupId: string): void {
    const live = this.#consumers.filter((consumer) =>
      consumer.groupId === groupId && consumer.isRunning
    );
    for (const { name, isSettled } of live) {
      if (!isSettled) throw new InvariantError(`${name} does not settle`);
    }
    if (live.length === 0) return;
    const { state } = this.shard(groupId)!.group(groupId)!;
    if (state !== "Stable") throw new InvariantError(`"${groupId}" is ${state}`);
    const generations = new Set(live.map(({ generation }) => generation));
    if (generations.size > 1) {
      throw new InvariantError(`"${groupId}" is in generations ${[...generations].join(", ")}`);
    }
    const owned = live.flatMap(({ positions }) => [...positions?.keys() ?? []]).sort();
    const all = Array.from({ length: PARTITION_COUNT }, (_, partition) => partition);
    if (owned.join() !== all.join()) {
      throw new InvariantError(`"${groupId}" has partitions ${owned.join(", ")}`);
    }
  }
}

/** Checks that no partition is held by two members, including during revocation. */
function checkOwners({ groupId, members }: ConsumerGroup): void {
  const owners = new Map<string, string>();
  for (const { memberId, assigned, pendingRevocation } of members.values()) {
    for (const held of [assigned, pendingRevocation]) {
      for (const [topicId, partitions] of held) {
        for (const partition of partitions) {
          const key = `${topicId}-${partition}`;
          const other = owners.get(key) ?? memberId;
          if (other !== memberId) {
            throw new InvariantError(`${key} of "${groupId}" is held by ${other} and ${memberId}`);
          }
          owners.set(key, memberId);
        }
      }
    }
  }
}

/** Checks that a consumer holds only its own partitions and knows only durable state. */
function checkConsumer(group: ConsumerGroup, consumer: Consumer): void {
  const { name, generation, positions = new Map<number, number>() } = consumer;
  const member = group.members.get(consumer.memberId);
  if (member === undefined || member.memberEpoch < 0) return;
  if (consumer instanceof ModernConsumer && generation > member.memberEpoch) {
    throw new InvariantError(`${name} is in epoch ${generation}, known is ${member.memberEpoch}`);
  }
  // A response in flight may have advanced it to the next epoch.
  const isPrevious = consumer instanceof ModernConsumer && generation > 0 &&
    generation === member.previousMemberEpoch;
  if (generation !== member.memberEpoch && !isPrevious) return;
  for (const partition of positions.keys()) {
    if (group.ownerOf(topicIdOf(TOPIC), partition) === member.memberId) continue;
    throw new InvariantError(`${name} holds partition ${partition}, which it does not own`);
  }
}
