/**
 * Confluent's REST API, version 3: administration, and produce.
 *
 * A file for each kind of resource has its routes. `resource.ts` gives resources and lists their form.
 *
 * @module
 */

import type { Route } from "../rest/route.ts";
import { ACL_EXPLANATION_ROUTES } from "./acl_explanation.ts";
import { ACL_ROUTES } from "./acls.ts";
import { CLUSTER_ROUTES } from "./clusters.ts";
import { CONFIG_ROUTES } from "./configs.ts";
import { DELETE_RECORDS_ROUTES } from "./delete_records.ts";
import { GROUP_OFFSET_ROUTES } from "./group_offsets.ts";
import { GROUP_ROUTES } from "./groups.ts";
import { OBSERVATION_ROUTES } from "./observations.ts";
import { PARTITION_ROUTES } from "./partitions.ts";
import { QUOTA_ROUTES } from "./quotas.ts";
import { RECORD_ROUTES } from "./records.ts";
import { TOPIC_ROUTES } from "./topics.ts";
import { TRANSACTION_ROUTES } from "./transactions.ts";
import { USER_ROUTES } from "./users.ts";

/** The routes. Those with a dash in place of a name come before those with a parameter there. */
export const V3_ROUTES: readonly Route[] = [
  ...CLUSTER_ROUTES,
  ...CONFIG_ROUTES,
  ...PARTITION_ROUTES,
  ...TOPIC_ROUTES,
  ...RECORD_ROUTES,
  ...DELETE_RECORDS_ROUTES,
  ...GROUP_ROUTES,
  ...GROUP_OFFSET_ROUTES,
  ...ACL_ROUTES,
  ...ACL_EXPLANATION_ROUTES,
  ...USER_ROUTES,
  ...QUOTA_ROUTES,
  ...TRANSACTION_ROUTES,
  ...OBSERVATION_ROUTES,
];
