/**
 * An authorizer for tests of handlers.
 *
 * @module
 */

import type { Authorizer } from "./authorizer.ts";
import { formatPrincipal } from "./principal.ts";
import type { Session } from "./session.ts";

/** A question to the authorizer. */
export interface Asked {
  readonly operation: number;
  readonly resourceType: number;
  readonly name: string;
  /** As text, such as `User:alice`. */
  readonly principal: string;
}

/** Allows what a function allows, and notes what was asked. */
export class TestAuthorizer implements Authorizer {
  isOpen = false;
  /** What is allowed. Default: nothing. */
  allows: (asked: Asked) => boolean;
  /** What was denied and is audited. */
  readonly denials: Asked[] = [];
  /** Number of questions. */
  count = 0;

  constructor(allows: (asked: Asked) => boolean = () => false) {
    this.allows = allows;
  }

  authorize(session: Session, operation: number, resourceType: number, name: string): boolean {
    const isAllowed = this.mayDo(session, operation, resourceType, name);
    if (!isAllowed) {
      const principal = formatPrincipal(session.principal);
      this.denials.push({ operation, resourceType, name, principal });
    }
    return isAllowed;
  }

  mayDo(session: Session, operation: number, resourceType: number, name: string): boolean {
    this.count++;
    const principal = formatPrincipal(session.principal);
    return this.allows({ operation, resourceType, name, principal });
  }

  mayDoSomewhere(session: Session, operation: number, resourceType: number): boolean {
    return this.mayDo(session, operation, resourceType, "");
  }
}
