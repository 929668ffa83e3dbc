/**
 * A member of a classic group.
 *
 * @module
 */

import type {
  JoinGroupRequest,
  JoinGroupResponse,
} from "../../../protocol/messages/groups/join_group.ts";
import type { SyncGroupResponse } from "../../../protocol/messages/groups/sync_group.ts";
import type { Deadline } from "../deadlines.ts";

/** An assignor that a member offers, and the member's subscription in that assignor's form. */
export interface ClassicProtocol {
  readonly name: string;
  readonly metadata: Uint8Array;
}

/** Takes the answer to a JoinGroup that waits. */
export type RespondToJoin = (response: JoinGroupResponse) => void;
/** Takes the answer to a SyncGroup that waits. */
export type RespondToSync = (response: SyncGroupResponse) => void;

/** What is known of a member when it joins. */
export interface ClassicMemberInit {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly rebalanceTimeoutMs: number;
  readonly sessionTimeoutMs: number;
  readonly protocols: readonly ClassicProtocol[];
  readonly assignment?: Uint8Array;
  /** Ends the membership unless it is extended. */
  readonly session: Deadline;
}

export const NO_ASSIGNMENT = new Uint8Array(0);

/** One member, dynamic or static (KIP-345). */
export class ClassicMember {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly session: Deadline;
  rebalanceTimeoutMs: number;
  sessionTimeoutMs: number;
  /** In the member's order of preference. */
  protocols: readonly ClassicProtocol[];
  assignment: Uint8Array;
  /** Whether it has not yet been given its first generation. */
  isNew = false;
  /** Set while its JoinGroup waits. `ClassicGroup` counts these: only it may change this. */
  respondToJoin: RespondToJoin | undefined;
  /** Set while its SyncGroup waits. */
  respondToSync: RespondToSync | undefined;

  constructor(init: ClassicMemberInit) {
    this.memberId = init.memberId;
    this.groupInstanceId = init.groupInstanceId;
    this.clientId = init.clientId;
    this.clientHost = init.clientHost;
    this.rebalanceTimeoutMs = init.rebalanceTimeoutMs;
    this.sessionTimeoutMs = init.sessionTimeoutMs;
    this.protocols = init.protocols;
    this.assignment = init.assignment ?? NO_ASSIGNMENT;
    this.session = init.session;
  }

  get isStatic(): boolean {
    return this.groupInstanceId !== null;
  }

  get isAwaitingJoin(): boolean {
    return this.respondToJoin !== undefined;
  }

  get isAwaitingSync(): boolean {
    return this.respondToSync !== undefined;
  }

  /** Whether it cannot be expected to send heartbeats, since it waits for an answer of ours. */
  get isExcused(): boolean {
    return !this.isNew && (this.isAwaitingJoin || this.isAwaitingSync);
  }

  /** Its subscription in the form of one assignor; undefined if it does not offer that. */
  metadata(protocolName: string): Uint8Array | undefined {
    return this.protocols.find(({ name }) => name === protocolName)?.metadata;
  }

  /** The first of its protocols that is a candidate. */
  vote(candidates: ReadonlySet<string>): string | undefined {
    return this.protocols.find(({ name }) => candidates.has(name))?.name;
  }

  /** Whether it offers exactly these protocols with these subscriptions. */
  offers(protocols: readonly ClassicProtocol[]): boolean {
    return protocols.length === this.protocols.length &&
      protocols.every(({ name, metadata }, i) => {
        const own = this.protocols[i]!;
        return own.name === name && equalBytes(own.metadata, metadata);
      });
  }

  /** Answers a SyncGroup that waits. Returns whether one did. */
  answerSync(response: SyncGroupResponse): boolean {
    const respond = this.respondToSync;
    this.respondToSync = undefined;
    respond?.(response);
    return respond !== undefined;
  }
}

/** Protocols of a request, copied out of its frame; of two with one name the first counts. */
export function ownProtocols(
  protocols: JoinGroupRequest["protocols"],
): readonly ClassicProtocol[] {
  const own = new Map<string, ClassicProtocol>();
  for (const { name, metadata } of protocols) {
    if (!own.has(name)) own.set(name, { name, metadata: metadata.slice() });
  }
  return [...own.values()];
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
