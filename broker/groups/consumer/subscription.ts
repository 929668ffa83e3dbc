/**
 * Topics that a KIP-848 group is subscribed to, by name and by regular expression.
 *
 * @module
 */

import { isInternalTopic } from "../../topics/topic_name.ts";
import type { GroupRecord } from "../records/group_record.ts";
import type { GroupTopic, GroupTopics } from "../group_topics.ts";
import type { ConsumerGroup } from "./consumer_group.ts";
import { type ConsumerMember, isSameNames } from "./consumer_member.ts";
import { regexRecord, regexTombstone } from "./group_records.ts";
import type { ResolvedRegex } from "./resolved_regex.ts";
import { topicMatches } from "./topic_matches.ts";
import type { TopicMatcher } from "./topic_regex.ts";

/** Minimum milliseconds between checks for new topics. */
const MIN_REFRESH_INTERVAL_MS = 10_000;

/** The resolved regular expressions of a group. */
export type Regexes = ReadonlyMap<string, ResolvedRegex>;

/** The existing topics that a member is subscribed to. */
export function topicsOf(
  { subscribedTopicNames, subscribedTopicRegex }: ConsumerMember,
  regexes: Regexes,
  topics: GroupTopics,
): GroupTopic[] {
  const matched = subscribedTopicRegex === null ? undefined : regexes.get(subscribedTopicRegex);
  const names = new Set([...subscribedTopicNames, ...matched?.topics ?? []]);
  return [...names].map((name) => topics.topic(name)).filter((topic) => topic !== undefined);
}

/** Whether a member is subscribed to a topic. */
export function isSubscribed(
  { subscribedTopicNames, subscribedTopicRegex }: ConsumerMember,
  topicId: string,
  regexes: Regexes,
  topics: GroupTopics,
): boolean {
  const name = topics.topicById(topicId)?.name;
  if (name === undefined) return false;
  if (subscribedTopicNames.includes(name)) return true;
  if (subscribedTopicRegex === null) return false;
  return regexes.get(subscribedTopicRegex)?.topics.includes(name) ?? false;
}

/** A hash of the subscribed topics' names, ids and partitions. It is the same in every process. */
export function metadataHash(
  members: Iterable<ConsumerMember>,
  regexes: Regexes,
  topics: GroupTopics,
): number {
  const read = new Map<string, GroupTopic>();
  for (const member of members) {
    for (const topic of topicsOf(member, regexes, topics)) read.set(topic.name, topic);
  }
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (const name of [...read.keys()].sort()) {
    const { id, partitions } = read.get(name)!;
    for (const char of `${name}\n${id}\n${partitions.length}\n`) {
      const code = char.codePointAt(0)!;
      high = Math.imul(high ^ code, 2654435761);
      low = Math.imul(low ^ code, 1597334677);
    }
  }
  high = Math.imul(high ^ high >>> 16, 2246822507) ^ Math.imul(low ^ low >>> 13, 3266489909);
  low = Math.imul(low ^ low >>> 16, 2246822507) ^ Math.imul(high ^ high >>> 13, 3266489909);
  // As many bits as a safe integer holds.
  return (low & 0x1fffff) * 2 ** 32 + (high >>> 0);
}

/** A group's regular expressions after a change of a member. */
export interface RegexUpdate {
  readonly regexes: Regexes;
  readonly records: readonly GroupRecord[];
  /** Whether an expression in use matches other topics than before. */
  readonly haveTopicsChanged: boolean;
}

/** Options of resolving regular expressions. */
export interface RegexOptions {
  readonly nowMs: number;
  /** Milliseconds after which expressions are resolved again even if no topic was created. */
  readonly refreshIntervalMs: number;
  /** Whether the member that is heard from may know of a topic. Default: of all. */
  readonly mayDescribe?: (topic: string) => boolean;
}

/**
 * Resolves a group's expressions if one is new or topics have been created.
 *
 * @throws {ApiError} INVALID_REGULAR_EXPRESSION if the member's expression is invalid.
 */
export function updateRegexes(
  group: ConsumerGroup,
  before: ConsumerMember,
  after: ConsumerMember,
  topics: GroupTopics,
  options: RegexOptions,
): RegexUpdate {
  const { groupId, regexes: current } = group;
  const used = usedAfter(group, before, after);
  const records: GroupRecord[] = [];
  const regexes = new Map<string, ResolvedRegex>();
  let haveTopicsChanged = false;
  for (const [regex, resolved] of current) {
    if (used.has(regex)) regexes.set(regex, resolved);
    else records.push(regexTombstone(groupId, regex));
  }
  if (used.size > 0 && mustResolve(used, regexes, topics, options)) {
    const version = topics.newestRevision;
    const timestampMs = options.nowMs;
    for (const [regex, matched] of resolve(used, topics, options.mayDescribe)) {
      const resolved = { topics: matched, version, timestampMs };
      const known = regexes.get(regex)?.topics ?? [];
      if (!isSameNames(known, matched)) haveTopicsChanged = true;
      regexes.set(regex, resolved);
      records.push(regexRecord(groupId, regex, resolved));
    }
  }
  return { regexes, records, haveTopicsChanged };
}

/** The expressions in use after a change of a member. */
function usedAfter(
  group: ConsumerGroup,
  before: ConsumerMember,
  after: ConsumerMember,
): ReadonlySet<string> {
  const used = new Set(group.regexSubscribers.keys());
  const given = before.subscribedTopicRegex;
  const wasLast = given !== null && group.regexSubscribers.get(given) === 1;
  if (wasLast && group.members.get(before.memberId)?.subscribedTopicRegex === given) {
    used.delete(given);
  }
  if (after.subscribedTopicRegex !== null) used.add(after.subscribedTopicRegex);
  return used;
}

function mustResolve(
  used: ReadonlySet<string>,
  regexes: Regexes,
  topics: GroupTopics,
  { nowMs, refreshIntervalMs }: RegexOptions,
): boolean {
  let lastMs = Infinity;
  let version = Infinity;
  for (const regex of used) {
    const resolved = regexes.get(regex);
    if (resolved === undefined) return true;
    lastMs = Math.min(lastMs, resolved.timestampMs);
    version = Math.min(version, resolved.version);
  }
  if (nowMs <= lastMs + MIN_REFRESH_INTERVAL_MS) return false;
  return nowMs > lastMs + refreshIntervalMs || topics.newestRevision > version;
}

/**
 * The topics that match each expression, in alphabetical order. Internal topics are excluded: a
 * consumer of all topics would read, and thereby commit, its own commits. So are those that the member
 * that is heard from may not know of, as in Kafka.
 */
function resolve(
  used: ReadonlySet<string>,
  topics: GroupTopics,
  mayDescribe: (topic: string) => boolean = () => true,
): Map<string, readonly string[]> {
  const names = [...topics.topics()].map(({ name }) => name)
    .filter((name) => !isInternalTopic(name))
    .sort();
  const matchers = new Map<string, TopicMatcher>();
  for (const regex of used) matchers.set(regex, topicMatches(topics).matcher(regex));
  const wanted = (matches: TopicMatcher) =>
    names.filter((name) => matches(name) && mayDescribe(name));
  return new Map([...matchers].map(([regex, matches]) => [regex, wanted(matches)]));
}
