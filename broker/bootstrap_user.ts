/**
 * The first administrator of a new cluster.
 *
 * @module
 */

import type { ClusterState } from "./cluster/cluster_state.ts";
import type { Logger } from "./logger.ts";
import type { MetadataStore } from "./metadata/metadata_store.ts";
import { ConfigError } from "./settings/config.ts";

/** Loaded when it is needed. */
const ADMINISTRATOR = "./security/credentials/administrator.ts";

/** A user and its password. */
export interface BootstrapUser {
  /** The user's name. */
  readonly name: string;
  /** The password, in clear. */
  readonly password: string;
}

/**
 * Creates the first administrator if the cluster has never had a user or a rule.
 *
 * @throws {ConfigError} If the name or the password cannot be used.
 */
export async function bootstrapUser(
  cluster: ClusterState,
  store: MetadataStore,
  user: BootstrapUser,
  logger: Logger,
): Promise<void> {
  const { AdministratorError, createFirstAdministrator }:
    typeof import("./security/credentials/administrator.ts") = await import(ADMINISTRATOR);
  const { name } = user;
  try {
    if (await createFirstAdministrator(store, user)) {
      logger.info("Created the first administrator", { user: name, clusterId: cluster.clusterId });
    } else {
      logger.info("Did not create the bootstrap user: the cluster has, or had, users or ACLs", {
        user: name,
      });
    }
  } catch (error) {
    if (!(error instanceof AdministratorError)) throw error;
    throw new ConfigError(`Cannot create the bootstrap user: ${error.message}`);
  }
}
