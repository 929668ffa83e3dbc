/**
 * Confluent's REST API, version 2: what version 3 has not, which is reading.
 *
 * A `ConsumerInstance` lives in the broker for a client: a member of its group, or a reader of assigned
 * partitions (`AssignedReader`). `ConsumerInstances` closes those that nobody uses. `media.ts` has the
 * media types, and how records look in them.
 *
 * @module
 */

import type { Route } from "../rest/route.ts";
import { CONSUMER_ROUTES } from "./consumers.ts";
import { TOPIC_ROUTES } from "./topics.ts";

export { ConsumerInstances } from "./consumer_instances.ts";

/** The routes. */
export const V2_ROUTES: readonly Route[] = [...TOPIC_ROUTES, ...CONSUMER_ROUTES];
