/**
 * What an API checks before it does something, as data.
 *
 * @module
 */

/**
 * What happens to what is denied:
 *
 * - `request`: the whole request is refused.
 * - `item`: this item of the request is refused, the others are served.
 * - `shown`: it is left out of the response, without an error. Not audited.
 * - `instead`: the other checks are made; where this one allows, they are not. Not audited.
 */
export type AccessScope = "request" | "item" | "shown" | "instead";

/** A check that an API makes. */
export interface AccessRule {
  /** One of `AclOperation`. */
  readonly operation: number;
  /** One of `AclResourceType`. */
  readonly resourceType: number;
  readonly scope: AccessScope;
  /** The error of what is denied, if the scope has one. */
  readonly errorCode?: number;
}
