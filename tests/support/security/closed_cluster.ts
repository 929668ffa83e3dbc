/**
 * Brokers of one cluster, each with an HTTP port, that only users may use: they reach each other over
 * sockets, and share etcd.
 *
 * @module
 */

import { Broker, partsOf } from "../../../broker/broker.ts";
import { silentLogger } from "../../../broker/logger.ts";
import { EMBEDDED_LISTENER } from "../../../broker/security/mod.ts";
import type { GivenSettings } from "../../../broker/settings/config.ts";
import { alterUserScramCredentials, createAcls } from "../../../protocol/messages/mod.ts";
import {
  AclPatternType,
  AclPermissionType,
} from "../../../protocol/messages/security/acl_types.ts";
import { scramSaltedPassword } from "../../../protocol/sasl/scram.ts";
import { MemoryFileSystem } from "../../../storage/mod.ts";
import { EtcdCluster } from "../etcd_cluster.ts";
import { HttpBroker } from "../http.ts";
import { ChannelConnection } from "../protocol/channel_connection.ts";
import { within } from "../within.ts";

/** How to start them. */
export interface ClosedClusterOptions {
  /** The program of etcd. */
  readonly etcd: string;
  readonly brokers: number;
  /** What each listens on. */
  readonly listen: readonly string[];
  readonly config: GivenSettings;
}

/** A rule that allows something. */
export interface Allowed {
  readonly principal: string;
  readonly operation: number;
  readonly resourceType: number;
  readonly resourceName: string;
}

const ADMIN = {
  principal: { type: "User", name: "admin" },
  host: "127.0.0.1",
  listener: EMBEDDED_LISTENER,
  isLocal: true,
};

/** Asks until there is an answer: brokers hear of changes by the watch of etcd. */
export async function until<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  let isLate = false;
  const asking = (async () => {
    while (!isLate) {
      const answer = await ask();
      if (answer !== undefined) return answer;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`Gave up: ${what}`);
  })();
  try {
    return await within(asking, what);
  } finally {
    isLate = true;
  }
}

/** The header that a user sends. */
export function basic(user: string, password = `${user}-secret`): Record<string, string> {
  return { authorization: `Basic ${btoa(`${user}:${password}`)}` };
}

/** A cluster whose super users are `admin` and `broker`. */
export class ClosedCluster implements AsyncDisposable {
  readonly brokers: readonly HttpBroker[];
  /** A connection of the administrator. */
  readonly admin: ChannelConnection;
  readonly #resources: AsyncDisposableStack;

  private constructor(brokers: readonly HttpBroker[], resources: AsyncDisposableStack) {
    this.brokers = brokers;
    this.#resources = resources;
    this.admin = resources.use(
      new ChannelConnection(partsOf(brokers[0]!.broker).server.connect(ADMIN)),
    );
  }

  static async start(
    { etcd: path, brokers: count, listen, config }: ClosedClusterOptions,
  ): Promise<ClosedCluster> {
    await using opened = new AsyncDisposableStack();
    const etcd = opened.use(await EtcdCluster.start({ path }));
    const brokers: HttpBroker[] = [];
    for (let id = 1; id <= count; id++) {
      const broker = await Broker.start({
        fileSystem: new MemoryFileSystem(),
        listen,
        logger: silentLogger,
        config: {
          "node.id": id,
          "metadata": `etcd://${new URL(etcd.endpoints[0]!).host}/closed`,
          "log.dirs": "/data",
          "group.initial.rebalance.delay.ms": 0,
          "authorizer": "required",
          "super.users": "User:admin;User:broker",
          "auto.create.topics.enable": false,
          "connection.failed.authentication.delay.ms": 1,
          ...config,
        },
      });
      brokers.push(opened.use(HttpBroker.of(broker)));
    }
    return new ClosedCluster(brokers, opened.move());
  }

  /** Creates users or changes their passwords, until all brokers know them. */
  async setPasswords(users: Readonly<Record<string, string>>): Promise<void> {
    for (const [name, password] of Object.entries(users)) {
      const salt = crypto.getRandomValues(new Uint8Array(16));
      const saltedPassword = await scramSaltedPassword("SCRAM-SHA-256", password, salt, 4096);
      const { results } = await this.admin.request(alterUserScramCredentials, 0, {
        deletions: [],
        upsertions: [{ name, mechanism: 1, iterations: 4096, salt, saltedPassword }],
      });
      if (results[0]!.errorCode !== 0) throw new Error(results[0]!.errorMessage!);
      for (const http of this.brokers) {
        await until(`the password of ${name}`, async () => {
          const { status } = await http.send(
            "GET",
            "/v3/clusters",
            undefined,
            basic(name, password),
          );
          return status === 200 || undefined;
        });
      }
    }
  }

  /** Adds rules. Other brokers hear of them. */
  async allow(...rules: readonly Allowed[]): Promise<void> {
    const { results } = await this.admin.request(createAcls, 3, {
      creations: rules.map((rule) => ({
        ...rule,
        host: "127.0.0.1",
        resourcePatternType: AclPatternType.literal,
        permissionType: AclPermissionType.allow,
      })),
    });
    const failed = results.find(({ errorCode }) => errorCode !== 0);
    if (failed !== undefined) throw new Error(failed.errorMessage!);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}
