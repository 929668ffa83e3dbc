/**
 * Kafka's words for what ACLs consist of, in requests and answers.
 *
 * @module
 */

import {
  type AclNumbers,
  AclOperation,
  AclPatternType,
  AclPermissionType,
  AclResourceType,
  aclWord,
  parseAclWord,
} from "../../../protocol/messages/security/acl_types.ts";
import { badRequest } from "../rest/fields.ts";

/** Fields that have one of Kafka's words, with its numbers. */
export const ACL_WORDS: Readonly<Record<string, AclNumbers>> = {
  resource_type: AclResourceType,
  pattern_type: AclPatternType,
  operation: AclOperation,
  permission: AclPermissionType,
};

/**
 * The number of one of Kafka's words.
 *
 * @throws {HttpError} 400 if there is no such word.
 */
export function aclNumberOf(field: string, word: string): number {
  const numbers = ACL_WORDS[field]!;
  const number = parseAclWord(numbers, word);
  if (number !== undefined && number > 0) return number;
  const known = Object.values(numbers).filter((each) => each > 0)
    .map((each) => aclWord(numbers, each));
  throw badRequest(`"${word}" is no ${field}: ${known.join(", ")} are`);
}

/**
 * The SDK's name for one of Kafka's words.
 *
 * @throws {HttpError} 400 if there is no such word.
 */
export function aclNameOf(field: string, word: string): string {
  const numbers = ACL_WORDS[field]!;
  const number = aclNumberOf(field, word);
  return Object.keys(numbers).find((key) => numbers[key] === number)!;
}

/** Kafka's word for a number. */
export function aclWordOf(field: string, number: number): string {
  return aclWord(ACL_WORDS[field]!, number);
}
