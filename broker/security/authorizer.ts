/**
 * Decides who may do what.
 *
 * @module
 */

import type { Session } from "./session.ts";

/** The request that something is done for, as far as it is known; for the audit. */
export interface RequestOrigin {
  /** The client id that the request carries. */
  readonly clientId?: string;
  /** The name of the API, such as `CreateTopics`. */
  readonly api?: string;
}

/** Why a client may do something, or may not. Numbers are those of `acl_types.ts`. */
export interface Explanation {
  readonly allow: boolean;
  readonly reason: "super-user" | "rule" | "no-rule-for-resource" | "no-matching-rule";
  /** The rule that decides, if one does. */
  readonly rule?: {
    readonly type: number;
    readonly name: string;
    readonly pattern: number;
    readonly principal: string;
    readonly host: string;
    readonly operation: number;
    readonly permission: number;
  };
}

/** Decides who may do what. Operations and types are those of `AclOperation` and `AclResourceType`. */
export interface Authorizer {
  /** Whether everyone may do everything, because there has been no user and no rule yet. */
  readonly isOpen: boolean;
  /** Whether a client may do something. That it may not is audited. */
  authorize(
    session: Session,
    operation: number,
    resourceType: number,
    name: string,
    origin?: RequestOrigin,
  ): boolean;
  /** The same, for a check that only decides what is shown or tried next: it is not audited. */
  mayDo(session: Session, operation: number, resourceType: number, name: string): boolean;
  /** Whether a client may do something with at least one resource of a type. Not audited. */
  mayDoSomewhere(session: Session, operation: number, resourceType: number): boolean;
  /**
   * Whether a client may do something as soon as the cluster is not open any more. Default: it stays open.
   */
  mayDoOnceClosed?(
    session: Session,
    operation: number,
    resourceType: number,
    name: string,
  ): boolean;
  /** Decides as if the cluster were closed, and says why. Not audited. */
  explain?(
    session: Session,
    operation: number,
    resourceType: number,
    name: string,
  ): Explanation;
}

/** Lets everyone do everything. */
export const openAuthorizer: Authorizer = {
  isOpen: true,
  authorize: () => true,
  mayDo: () => true,
  mayDoSomewhere: () => true,
};
