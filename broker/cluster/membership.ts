/**
 * How brokers of a cluster are found dead, return and leave, as changes of the metadata store.
 *
 * @module
 */

import {
  type BrokerInfo,
  type BrokersView,
  DRAINING_PREFIX,
  type DrainingValue,
} from "./brokers_view.ts";
import { CONTROLLER_KEY, type ControllerOffice, holderOf } from "./controller_office.ts";
import type { Suspicion } from "./suspicions.ts";
import type { MetadataFollower } from "../metadata/metadata_follower.ts";
import {
  type MetadataChange,
  type MetadataExpectation,
  type MetadataStore,
  SESSIONS_PREFIX,
} from "../metadata/metadata_store.ts";
import { brokerConfigsKey } from "./configs_view.ts";
import { BROKERS_PREFIX, DIRECTORIES_PREFIX, type Registration } from "./registration.ts";
import { accusation, dismissal, withdrawal } from "./suspicions.ts";
import { encodeValue } from "./topic_state.ts";

/** What a membership changes and knows. */
export interface MembershipOptions {
  readonly store: MetadataStore;
  readonly nodeId: number;
  readonly registration: Registration;
  readonly office: ControllerOffice;
  readonly follower: MetadataFollower;
  readonly brokers: BrokersView;
  /** Commits a change that only the controller may make. */
  commitAsController(
    changes: readonly MetadataChange[],
    expect: readonly MetadataExpectation[],
  ): Promise<void>;
}

/** This broker among the others. */
export class Membership {
  readonly #options: MembershipOptions;
  /** Epochs of brokers that this one has deposed. */
  readonly #deposed: Set<number> = new Set();
  #isStopping = false;

  constructor(options: MembershipOptions) {
    this.#options = options;
  }

  /** Statements of brokers that the controller is dead. */
  get suspicions(): Iterable<Suspicion> {
    return this.#options.brokers.suspicions();
  }

  /** Whether this broker has ended, or tried to end, the registration with an epoch. */
  hasDeposed(epoch: number): boolean {
    return this.#deposed.has(epoch);
  }

  /**
   * Sets what is awaited before this broker registers again, after it has lost its session. If it
   * fails, it is called again later.
   */
  set beforeReturn(ready: () => Promise<void>) {
    this.#options.registration.beforeReturn = ready;
  }

  /** Reads from the store who is the controller, if it is another broker. */
  async currentController(): Promise<BrokerInfo | undefined> {
    const { store, nodeId, brokers } = this.#options;
    const office = await store.get(CONTROLLER_KEY);
    const id = office === undefined ? -1 : holderOf(office);
    if (id === -1 || id === nodeId) return undefined;
    const entry = await store.get(`${BROKERS_PREFIX}${id}`);
    if (entry === undefined) throw new Error(`The controller, broker ${id}, is not registered`);
    return brokers.decode(id, entry);
  }

  /** States that the controller is dead. */
  async accuse(suspicion: Suspicion): Promise<void> {
    const { store, registration } = this.#options;
    const { session, expectation } = registration;
    if (session === undefined) return;
    await store.commit([accusation(suspicion, session)], { expect: [expectation] });
  }

  /** Withdraws this broker's statement. */
  async withdraw(suspicion: Suspicion): Promise<void> {
    await this.#options.store.commit([withdrawal(suspicion)]);
  }

  /**
   * Ends the registration and the session of another broker that is dead. If it was the controller,
   * this broker becomes it in the same commit.
   *
   * @throws {RevisionConflictError} If either broker has registered again meanwhile, or another has
   *   decided.
   * @throws {ApiError} NOT_CONTROLLER.
   */
  async depose({ id, epoch, session }: BrokerInfo): Promise<void> {
    const { registration, office, follower, commitAsController } = this.#options;
    this.#deposed.add(epoch);
    const key = `${BROKERS_PREFIX}${id}`;
    const changes: MetadataChange[] = [{ key, value: null }, dismissal(id)];
    if (session !== undefined) changes.push({ key: `${SESSIONS_PREFIX}${session}`, value: null });
    const expect = [{ key, revision: epoch }, registration.expectation];
    if (office.holderId !== id) await commitAsController(changes, expect);
    else await follower.caughtUp(await office.takeOver(changes, expect));
  }

  /** Announces that this broker is about to stop. */
  async beginShutdown(): Promise<void> {
    this.#isStopping = true;
    await this.stepBack();
  }

  /** Lets others lead what this broker leads, and not wait for it as a follower. */
  async stepBack(): Promise<void> {
    const { store, nodeId, registration, follower } = this.#options;
    const { session, expectation } = registration;
    if (session === undefined) return;
    const value: DrainingValue = { isShuttingDown: true };
    const change = { key: `${DRAINING_PREFIX}${nodeId}`, value: encodeValue(value), session };
    await follower.caughtUp(await store.commit([change], { expect: [expectation] }));
  }

  /** Takes back {@linkcode stepBack}, unless this broker is about to stop. */
  async stepForward(): Promise<void> {
    if (this.#isStopping) return;
    const { store, nodeId, registration, follower } = this.#options;
    const change = { key: `${DRAINING_PREFIX}${nodeId}`, value: null };
    const expect = [registration.expectation];
    await follower.caughtUp(await store.commit([change], { expect }));
  }

  /**
   * Forgets a broker that has stopped for good: its number is free.
   *
   * @returns Whether it was known.
   * @throws {RevisionConflictError} If it has been started meanwhile.
   */
  async forget(id: number): Promise<boolean> {
    const { store, commitAsController } = this.#options;
    const key = `${DIRECTORIES_PREFIX}${id}`;
    const directory = await store.get(key);
    if (directory === undefined) return false;
    // Its settings are not those of the next broker that gets the number.
    const keys = [key, `${DRAINING_PREFIX}${id}`, brokerConfigsKey(id)];
    const changes = keys.map((key) => ({ key, value: null }));
    const stopped = { key: `${BROKERS_PREFIX}${id}`, revision: 0 };
    await commitAsController(changes, [{ key, revision: directory.revision }, stopped]);
    return true;
  }

  /** Lets another broker become the controller, if this one is. */
  async resign(): Promise<void> {
    await this.#options.office.resign();
  }

  /** Does not register again if the session is lost, because this broker is about to stop. */
  retire(): void {
    this.#options.registration.close();
  }

  /** Leaves the cluster for good, as if this process had ended: others take over what it leads. */
  async leave(): Promise<void> {
    await this.#options.registration.withdraw();
  }
}
