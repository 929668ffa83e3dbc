/**
 * A broker that is asked what it allows: one of this process, or any other such as Apache Kafka.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { Broker } from "../../../broker/mod.ts";
import { partsOf } from "../../../broker/broker.ts";
import { EMBEDDED_LISTENER } from "../../../broker/security/mod.ts";
import * as messages from "../../../protocol/messages/mod.ts";
import {
  AclOperation,
  AclPatternType,
  AclPermissionType,
  AclResourceType,
  CLUSTER_RESOURCE,
} from "../../../protocol/messages/security/acl_types.ts";
import { ErrorCode } from "../../../protocol/errors.ts";
import { ChannelConnection, type Requester } from "../protocol/channel_connection.ts";
import { RawConnection } from "../protocol/raw_connection.ts";
import { batchOf } from "../protocol/records.ts";
import { produceRequest } from "../protocol/requests.ts";
import type { Grant, Made, Names } from "./access_table.ts";

/** A rule as CreateAcls takes it. */
export interface Rule {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly resourcePatternType: number;
  readonly principal: string;
  readonly host: string;
  readonly operation: number;
  readonly permissionType: number;
}

/** The name of all resources. */
const WILDCARD = "*";
const TOPIC = "real-topic";
const NAMES = { topic: TOPIC, group: "real-group", transactionalId: "real-transaction" };
/** Topics that requests are about. */
const TOPICS = [TOPIC, `${TOPIC}-auto`, `${TOPIC}-new`];
const timeoutMs = 10_000;

/** How long Kafka takes to apply a rule that it has answered. */
const SETTLE_MS = 30;

/** A broker, a client without rights, and an administrator. */
export class AccessTarget implements AsyncDisposable {
  /** Sends the requests that are checked. */
  readonly client: Requester;
  readonly admin: Requester;
  /** Who the client is. */
  readonly principal: string;
  names: Names = { ...NAMES, topicId: "" };
  readonly #resources: AsyncDisposableStack;
  readonly #isElsewhere: boolean;

  private constructor(
    client: Requester,
    admin: Requester,
    principal: string,
    resources: AsyncDisposableStack,
    isElsewhere: boolean,
  ) {
    this.client = client;
    this.admin = admin;
    this.principal = principal;
    this.#resources = resources;
    this.#isElsewhere = isElsewhere;
  }

  /** Starts a broker in this process that nobody but the administrator may use. */
  static async start(): Promise<AccessTarget> {
    const resources = new AsyncDisposableStack();
    const broker = resources.use(
      await Broker.start({
        storage: "memory",
        config: { "authorizer": "required", "super.users": "User:admin" },
      }),
    );
    const connect = (name: string) => {
      const channel = partsOf(broker).server.connect({
        principal: { type: "User", name },
        host: "127.0.0.1",
        // Operations of brokers are allowed on the listeners of brokers alone.
        listener: EMBEDDED_LISTENER,
        isLocal: true,
      });
      return resources.use(new ChannelConnection(channel));
    };
    const target = new AccessTarget(
      connect("alice"),
      connect("admin"),
      "User:alice",
      resources,
      false,
    );
    await target.#prepare();
    return target;
  }

  /**
   * Uses a broker elsewhere.
   *
   * @param address Its listener with PLAIN, for the super user `admin` with the password `admin-secret`, and
   * for `alice` with the password `alice-secret`.
   */
  static async connect(address: string): Promise<AccessTarget> {
    const resources = new AsyncDisposableStack();
    const connect = async (name: string) => {
      const connection = resources.use(await RawConnection.connect(address));
      await connection.request(messages.saslHandshake, 1, { mechanism: "PLAIN" });
      const authBytes = new TextEncoder().encode(`\0${name}\0${name}-secret`);
      const { errorCode } = await connection.request(messages.saslAuthenticate, 1, { authBytes });
      assertEquals(errorCode, ErrorCode.NONE);
      return connection;
    };
    const [client, admin] = [await connect("alice"), await connect("admin")];
    const target = new AccessTarget(client, admin, "User:alice", resources, true);
    await target.#prepare();
    return target;
  }

  /** Makes again what a request may have deleted. */
  async restore(made: readonly Made[]): Promise<void> {
    if (made.includes("topic")) await this.#restoreTopic();
    if (made.includes("group")) {
      await this.admin.request(messages.offsetCommit, 8, {
        groupId: NAMES.group,
        memberId: "",
        topics: [{ name: TOPIC, partitions: [{ partitionIndex: 0, committedOffset: 0 }] }],
      });
    }
  }

  /** Replaces all rules. */
  async setRules(rules: readonly Rule[]): Promise<void> {
    await this.admin.request(messages.deleteAcls, 3, {
      filters: [{
        resourceTypeFilter: AclResourceType.any,
        resourceNameFilter: null,
        patternTypeFilter: AclPatternType.any,
        principalFilter: null,
        hostFilter: null,
        operation: AclOperation.any,
        permissionType: AclPermissionType.any,
      }],
    });
    const { results } = await this.admin.request(messages.createAcls, 3, { creations: [...rules] });
    assertEquals(results.filter(({ errorCode }) => errorCode !== ErrorCode.NONE), []);
    if (this.#isElsewhere) await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  }

  /** The rules that allow something with everything that requests are about. */
  exactly(grant: Grant, change: Partial<Rule> = {}): Rule[] {
    return namesOf(grant).map((name) => this.#rule(grant, name, change));
  }

  /** The same by the beginning of names. */
  byPrefix(grant: Grant): Rule[] {
    const [name] = namesOf(grant);
    if (grant[1] === AclResourceType.cluster) return [this.#rule(grant, name!)];
    const resourcePatternType = AclPatternType.prefixed;
    return [this.#rule(grant, name!.slice(0, 6), { resourcePatternType })];
  }

  /** The same for all names. */
  byWildcard(grant: Grant, change: Partial<Rule> = {}): Rule[] {
    const isCluster = grant[1] === AclResourceType.cluster;
    return [this.#rule(grant, isCluster ? CLUSTER_RESOURCE : WILDCARD, change)];
  }

  #rule([operation, resourceType]: Grant, name: string, change: Partial<Rule> = {}): Rule {
    return {
      resourceType,
      resourceName: name,
      resourcePatternType: AclPatternType.literal,
      principal: this.principal,
      host: WILDCARD,
      operation,
      permissionType: AclPermissionType.allow,
      ...change,
    };
  }

  async #prepare(): Promise<void> {
    await this.setRules([]);
    await this.#restoreTopic();
    await this.admin.request(
      messages.findCoordinator,
      4,
      { keyType: 0, coordinatorKeys: [NAMES.group] },
    );
    await this.admin.request(
      messages.findCoordinator,
      4,
      { keyType: 1, coordinatorKeys: [NAMES.transactionalId] },
    );
    await this.restore(["group"]);
    await this.admin.request(messages.initProducerId, 4, {
      transactionalId: NAMES.transactionalId,
      transactionTimeoutMs: 1000,
    });
  }

  async #restoreTopic(): Promise<void> {
    const { admin } = this;
    await admin.request(messages.deleteTopics, 5, { topicNames: TOPICS.slice(1), timeoutMs });
    await admin.request(messages.createTopics, 7, {
      topics: [{ name: TOPIC, numPartitions: 1, replicationFactor: 1 }],
      timeoutMs,
    });
    const { topics } = await admin.request(messages.metadata, 12, {
      topics: [{ name: TOPIC }],
      allowAutoTopicCreation: false,
    });
    this.names = { ...NAMES, topicId: topics[0]!.topicId };
    if (!this.#isElsewhere) {
      await admin.request(messages.produce, 12, produceRequest(TOPIC, batchOf(["x"])));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

function namesOf([, resourceType]: Grant): readonly string[] {
  switch (resourceType) {
    case AclResourceType.topic:
      return TOPICS;
    case AclResourceType.group:
      return [NAMES.group];
    case AclResourceType.transactionalId:
      return [NAMES.transactionalId];
    default:
      return [CLUSTER_RESOURCE];
  }
}
