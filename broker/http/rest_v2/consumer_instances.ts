/**
 * The consumers that live in this broker. One that is not used for five minutes is closed.
 *
 * @module
 */

import { HttpError } from "../http_error.ts";
import {
  ConsumerInstance,
  type InstanceContext,
  type InstanceOptions,
} from "./consumer_instance.ts";

/** How long a consumer may be idle. */
const MAX_IDLE_MS = 5 * 60 * 1000;
const SWEEP_MS = 10_000;
/** Consumers that were closed because they were idle, to tell their clients. */
const MAX_REMEMBERED = 1000;

/** Keeps the consumers. */
export class ConsumerInstances {
  readonly #context: InstanceContext;
  readonly #instances: Map<string, ConsumerInstance> = new Map();
  readonly #places: WeakMap<ConsumerInstance, Disposable> = new WeakMap();
  readonly #expired: Set<string> = new Set();
  #timer: number | undefined;

  constructor(context: InstanceContext) {
    this.#context = context;
  }

  /**
   * Creates a consumer.
   *
   * @param isReplacement Whether it may take the place of one with the same name.
   * @throws {HttpError} 409 if there is one with the same name, 429 if there are too many.
   */
  async create(options: InstanceOptions, isReplacement: boolean): Promise<void> {
    const key = keyOf(options.group, options.id);
    const before = this.#instances.get(key);
    if (before !== undefined && !isReplacement) {
      const seconds = Math.round((this.#nowMs() - before.createdMs) / 1000);
      throw new HttpError(
        409,
        `Consumer "${options.id}" of group "${options.group}" exists, since ${seconds} s; ` +
          "delete it, or take it over with ?replace=true",
        { errorCode: 40902 },
      );
    }
    if (before !== undefined) this.#leave(key, before);
    const place = this.#context.places.take();
    if (place === undefined) {
      throw new HttpError(429, "There are too many consumers already", {
        headers: { "retry-after": "10" },
      });
    }
    this.#expired.delete(key);
    const instance = new ConsumerInstance(options, this.#context);
    this.#instances.set(key, instance);
    this.#places.set(instance, place);
    this.#context.counters.consumers++;
    this.#schedule();
    await before?.close();
  }

  /**
   * The consumer of a group with an id.
   *
   * @throws {HttpError} 404 with the reason, if there is none.
   */
  get(group: string, id: string): ConsumerInstance {
    const key = keyOf(group, id);
    const instance = this.#instances.get(key);
    if (instance !== undefined) return instance;
    const reason = this.#expired.has(key)
      ? `it was closed after ${MAX_IDLE_MS / 1000} s without a request`
      : `broker ${this.#context.broker.nodeId} has none of that name; a consumer is on the broker ` +
        "that created it, whose address is its base_uri";
    throw new HttpError(404, `There is no consumer "${id}" of group "${group}": ${reason}`, {
      errorCode: 40403,
    });
  }

  /** Whether a consumer lives here. */
  has(group: string, id: string): boolean {
    return this.#instances.has(keyOf(group, id));
  }

  /** Closes a consumer. */
  async delete(group: string, id: string): Promise<void> {
    const instance = this.get(group, id);
    this.#leave(keyOf(group, id), instance);
    await instance.close();
  }

  /** Closes all. */
  async close(): Promise<void> {
    if (this.#timer !== undefined) this.#context.broker.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    const instances = [...this.#instances];
    for (const [key, instance] of instances) this.#leave(key, instance);
    await Promise.all(instances.map(([, instance]) => instance.close()));
  }

  #schedule(): void {
    this.#timer ??= this.#context.broker.clock.setTimeout(() => {
      this.#timer = undefined;
      this.#sweep();
      if (this.#instances.size > 0) this.#schedule();
    }, SWEEP_MS);
  }

  #sweep(): void {
    const oldestMs = this.#nowMs() - MAX_IDLE_MS;
    for (const [key, instance] of this.#instances) {
      if (!instance.isIdleSince(oldestMs)) continue;
      this.#leave(key, instance);
      this.#expired.add(key);
      instance.close().catch((error) => {
        this.#context.broker.logger.warn("Cannot close an idle consumer", { error });
      });
    }
    for (const key of this.#expired) {
      if (this.#expired.size <= MAX_REMEMBERED) break;
      this.#expired.delete(key);
    }
  }

  #leave(key: string, instance: ConsumerInstance): void {
    this.#instances.delete(key);
    this.#places.get(instance)?.[Symbol.dispose]();
    this.#context.counters.consumers--;
  }

  #nowMs(): number {
    return this.#context.broker.clock.monotonic();
  }
}

function keyOf(group: string, id: string): string {
  return JSON.stringify([group, id]);
}
