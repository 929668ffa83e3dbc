/**
 * The rules of the cluster, found by the name of the resource that they concern.
 *
 * @module
 */

import {
  AclPatternType,
  AclPermissionType,
  AclResourceType,
} from "../../../protocol/messages/security/acl_types.ts";
import { type AclRule, WILDCARD, WILDCARD_PRINCIPAL } from "./acl_rule.ts";
import { type HostPattern, parseHostPattern } from "./host_pattern.ts";

/** A rule that is ready to be compared. */
export interface IndexedRule {
  readonly rule: AclRule;
  readonly host: HostPattern;
  readonly isDenial: boolean;
  /** Whether it concerns everyone. */
  readonly isForAll: boolean;
}

/** The rules of a type of resources. */
class RulesOfType {
  /** By name; those about every name are under `*`. */
  readonly literals: Map<string, IndexedRule[]> = new Map();
  readonly prefixes: Map<string, IndexedRule[]> = new Map();
  /** How many prefixes have each length. */
  readonly lengths: Map<number, number> = new Map();

  add(indexed: IndexedRule): void {
    const { name, pattern } = indexed.rule;
    const byName = pattern === AclPatternType.prefixed ? this.prefixes : this.literals;
    const rules = byName.get(name);
    if (rules !== undefined) return void rules.push(indexed);
    byName.set(name, [indexed]);
    if (byName === this.prefixes) {
      this.lengths.set(name.length, (this.lengths.get(name.length) ?? 0) + 1);
    }
  }

  remove(indexed: IndexedRule): void {
    const { name, pattern } = indexed.rule;
    const byName = pattern === AclPatternType.prefixed ? this.prefixes : this.literals;
    const left = byName.get(name)!.filter((other) => other !== indexed);
    if (left.length > 0) return void byName.set(name, left);
    byName.delete(name);
    if (byName !== this.prefixes) return;
    const count = this.lengths.get(name.length)! - 1;
    if (count === 0) this.lengths.delete(name.length);
    else this.lengths.set(name.length, count);
  }

  *about(name: string): Generator<IndexedRule, void> {
    yield* this.literals.get(name) ?? [];
    for (const length of this.lengths.keys()) {
      if (length > name.length) continue;
      yield* this.prefixes.get(name.slice(0, length)) ?? [];
    }
    if (name !== WILDCARD) yield* this.literals.get(WILDCARD) ?? [];
  }

  *all(): Generator<IndexedRule, void> {
    for (const rules of this.literals.values()) yield* rules;
    for (const rules of this.prefixes.values()) yield* rules;
  }
}

/** The rules, by key. */
export class AclIndex {
  readonly #byKey: Map<string, IndexedRule> = new Map();
  readonly #byType: Map<number, RulesOfType> = new Map();

  /** Number of rules. */
  get size(): number {
    return this.#byKey.size;
  }

  /** All rules, by key. */
  get rules(): Iterable<readonly [key: string, rule: AclRule]> {
    return this.#byKey.entries().map(([key, { rule }]) => [key, rule]);
  }

  /** Whether there is a rule with this key. */
  has(key: string): boolean {
    return this.#byKey.has(key);
  }

  /** Sets the rule of a key; `undefined` removes it. */
  set(key: string, rule: AclRule | undefined): void {
    const before = this.#byKey.get(key);
    if (before !== undefined) {
      this.#byKey.delete(key);
      this.#byType.get(before.rule.type)!.remove(before);
    }
    if (rule === undefined) return;
    const indexed: IndexedRule = {
      rule,
      host: parseHostPattern(rule.host),
      isDenial: rule.permission === AclPermissionType.deny,
      isForAll: rule.principal === WILDCARD_PRINCIPAL,
    };
    this.#byKey.set(key, indexed);
    let ofType = this.#byType.get(rule.type);
    if (ofType === undefined) this.#byType.set(rule.type, ofType = new RulesOfType());
    ofType.add(indexed);
  }

  /** The rules about this resource, for all principals and operations. */
  *about(type: number, name: string): Generator<IndexedRule, void> {
    yield* this.#byType.get(type)?.about(name) ?? [];
    // Records whose resource could not be read.
    yield* this.#byType.get(AclResourceType.any)?.about(name) ?? [];
  }

  /** The rules of a type of resources. */
  *ofType(type: number): Generator<IndexedRule, void> {
    yield* this.#byType.get(type)?.all() ?? [];
    yield* this.#byType.get(AclResourceType.any)?.all() ?? [];
  }
}
