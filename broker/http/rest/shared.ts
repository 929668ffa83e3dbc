/**
 * What the APIs of all users of a broker share: connections to other brokers, and bounds of what they take
 * together.
 *
 * @module
 */

import type { BrokerParts } from "../../broker.ts";
import { Carriers } from "../../carrying/mod.ts";
import { MemoryBudget } from "../../memory_budget.ts";
import { formatPrincipal } from "../../security/principal.ts";
import type { Session } from "../../security/session.ts";
import { Places } from "../places.ts";
import { BodyMemory, MAX_BODIES_BYTES, MAX_BODIES_OF_USER_BYTES } from "./body.ts";

/** What users share. */
export interface Shared {
  readonly carriers: Carriers;
  /** Memory of bodies that are read as a whole. */
  readonly bodies: MemoryBudget;
  readonly streams: Places;
  /** Requests that stream records to produce. */
  readonly uploads: Places;
  /** Consumers of version 2. */
  readonly consumers: Places;
}

const MAX_STREAMS = { all: 2000, ofUser: 1000 };
const MAX_UPLOADS = { all: 200, ofUser: 100 };
const MAX_CONSUMERS = { all: 1000, ofUser: 500 };

/** Opens what users share. */
export function openShared({ network, context: { nodeId, clock, logger } }: BrokerParts): Shared {
  return {
    carriers: new Carriers({ network, nodeId, clock, logger }),
    bodies: new MemoryBudget(MAX_BODIES_BYTES),
    streams: new Places(MAX_STREAMS),
    uploads: new Places(MAX_UPLOADS),
    consumers: new Places(MAX_CONSUMERS),
  };
}

/** What a user may take of the places, by kind. */
export interface UserPlaces {
  readonly uploads: UserPlacesOf;
  readonly streams: UserPlacesOf;
  readonly consumers: UserPlacesOf;
  readonly bodies: BodyMemory;
}

/** The places of one kind for one user. */
export interface UserPlacesOf {
  /** The most for the user. */
  readonly max: number;
  /** Takes one until the result is disposed of; undefined if there is none left. */
  take(): Disposable | undefined;
}

/**
 * What a user may take.
 *
 * @param session Who it is; undefined while nobody is known.
 */
export function placesOf(shared: Shared, session: Session | undefined): UserPlaces {
  const user = session === undefined ? undefined : formatPrincipal(session.principal);
  const of = (places: Places): UserPlacesOf => ({
    max: user === undefined ? places.max.all : places.max.ofUser,
    take: () => places.take(user),
  });
  return {
    uploads: of(shared.uploads),
    streams: of(shared.streams),
    consumers: of(shared.consumers),
    bodies: user === undefined
      ? new BodyMemory(shared.bodies)
      : new BodyMemory(shared.bodies, MAX_BODIES_OF_USER_BYTES),
  };
}
