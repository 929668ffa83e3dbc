/**
 * Matches topics with regular expressions without blocking the event loop.
 *
 * Matching one name takes up to milliseconds, and there may be tens of thousands of topics. All
 * names are therefore matched in slices before a heartbeat that needs them is processed, and the
 * result is cached.
 *
 * @module
 */

import { TimeSlice } from "../../../storage/time_slice.ts";
import type { GroupTopics } from "../group_topics.ts";
import { compileTopicRegex, type TopicMatcher } from "./topic_regex.ts";

/** Number of expressions whose matches are cached. */
const MAX_KEPT = 64;

interface Matches {
  readonly matcher: TopicMatcher;
  readonly byName: Map<string, boolean>;
  /** `GroupTopics.newestRevision` when all names had been matched. */
  revision: number;
}

/** The matches of recently used expressions. */
export class TopicMatches {
  readonly #topics: GroupTopics;
  /** In order of use, least recently used first. */
  readonly #byRegex: Map<string, Matches> = new Map();

  constructor(topics: GroupTopics) {
    this.#topics = topics;
  }

  /** Whether all topics have been matched with an expression. */
  isReady(regex: string): boolean {
    return (this.#byRegex.get(regex)?.revision ?? -1) >= this.#topics.newestRevision;
  }

  /**
   * Matches all topics with an expression, in slices.
   *
   * @throws {ApiError} INVALID_REGULAR_EXPRESSION if the expression is invalid.
   */
  async prepare(regex: string): Promise<void> {
    const matches = this.#matchesOf(regex);
    const revision = this.#topics.newestRevision;
    const slice = new TimeSlice();
    for (const { name } of this.#topics.topics()) {
      if (!matches.byName.has(name)) matches.byName.set(name, matches.matcher(name));
      if (slice.isOver) await slice.pause();
    }
    matches.revision = revision;
  }

  /**
   * Returns a function that matches topic names, which is fast after `prepare`.
   *
   * @throws {ApiError} INVALID_REGULAR_EXPRESSION if the expression is invalid.
   */
  matcher(regex: string): TopicMatcher {
    const { matcher, byName } = this.#matchesOf(regex);
    return (name) => byName.get(name) ?? matcher(name);
  }

  #matchesOf(regex: string): Matches {
    let matches = this.#byRegex.get(regex);
    if (matches === undefined) {
      matches = { matcher: compileTopicRegex(regex), byName: new Map(), revision: -1 };
      for (const oldest of this.#byRegex.keys()) {
        if (this.#byRegex.size < MAX_KEPT) break;
        this.#byRegex.delete(oldest);
      }
    } else this.#byRegex.delete(regex);
    this.#byRegex.set(regex, matches);
    return matches;
  }
}

/** One cache for all groups of a coordinator. */
const matchesOf = new WeakMap<GroupTopics, TopicMatches>();

/** The matches of a broker's topics. */
export function topicMatches(topics: GroupTopics): TopicMatches {
  let matches = matchesOf.get(topics);
  if (matches === undefined) matchesOf.set(topics, matches = new TopicMatches(topics));
  return matches;
}
