/**
 * All streams of a broker.
 *
 * @module
 */

import type { Client } from "../../../client/mod.ts";
import type { BrokerContext } from "../../handler.ts";
import type { StreamCounters } from "../http_counters.ts";
import { StreamLimits, type StreamPlaces } from "./stream_limits.ts";
import { Tails } from "./tails.ts";

/** What streams share. */
export class Streams {
  readonly tails: Tails;
  readonly limits: StreamLimits;

  constructor(
    client: Client,
    broker: BrokerContext,
    counters: StreamCounters,
    places: StreamPlaces,
  ) {
    this.tails = new Tails(client, broker, counters);
    this.limits = new StreamLimits(client, counters, places);
  }
}
