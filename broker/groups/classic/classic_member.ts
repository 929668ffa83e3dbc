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

/** A protocol (assignor) that a member supports, with the member's subscription in its format. */
export interface ClassicProtocol {
  readonly name: string;
  readonly metadata: Uint8Array;
}

/** Sends the response to a waiting JoinGroup. */
export type RespondToJoin = (response: JoinGroupResponse) => void;
/** Sends the response to a waiting SyncGroup. */
export type RespondToSync = (response: SyncGroupResponse) => void;

/** Properties of a member when it joins. */
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

/** A dynamic or static member (KIP-345). */
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
  /** Whether the member is waiting for its first generation. */
  isNew = false;
  /**
   * Set while a JoinGroup waits. Only `ClassicGroup` may change it, because it counts waiting
   * members.
   */
  respondToJoin: RespondToJoin | undefined;
  /** Set while a SyncGroup waits. */
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

  /** Whether no heartbeats are expected because the member waits for a response. */
  get isExcused(): boolean {
    return !this.isNew && (this.isAwaitingJoin || this.isAwaitingSync);
  }

  /** The subscription for a protocol; `undefined` if the member does not support it. */
  metadata(protocolName: string): Uint8Array | undefined {
    return this.protocols.find(({ name }) => name === protocolName)?.metadata;
  }

  /** The member's preferred protocol among the candidates. */
  vote(candidates: ReadonlySet<string>): string | undefined {
    return this.protocols.find(({ name }) => candidates.has(name))?.name;
  }

  /** Whether the member has exactly these protocols and subscriptions. */
  offers(protocols: readonly ClassicProtocol[]): boolean {
    return protocols.length === this.protocols.length &&
      protocols.every(({ name, metadata }, i) => {
        const own = this.protocols[i]!;
        return own.name === name && equalBytes(own.metadata, metadata);
      });
  }

  /** Responds to a waiting SyncGroup. Returns whether there was one. */
  answerSync(response: SyncGroupResponse): boolean {
    const respond = this.respondToSync;
    this.respondToSync = undefined;
    respond?.(response);
    return respond !== undefined;
  }
}

/** Copies the protocols out of a request's frame. Of duplicates the first is used. */
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
