/**
 * `ssl.principal.mapping.rules`: from the name in a client's certificate to that of a user.
 *
 * A rule is `RULE:PATTERN/REPLACEMENT/` with an optional `L` or `U` for lower and upper case, or
 * `DEFAULT`, the whole name. The first rule whose pattern matches the whole name counts. The patterns are
 * the operator's, the names are not: expressions run in linear time, as those of group subscriptions do.
 *
 * @module
 */

type Engine = typeof import("npm:re2js@2.10.0");

/** A rule as it is written. */
export interface PrincipalMappingRule {
  readonly pattern: string;
  /** With `$1` for the first group. */
  readonly replacement: string;
  readonly letters: "L" | "U" | "";
}

/** The longest name that is mapped, in UTF-16 units. */
export const MAX_NAME_LENGTH = 4096;

/** Invalid rules; the message says why. */
export class PrincipalMappingError extends Error {
  override name = "PrincipalMappingError";
}

const RULE = /RULE:((?:\\.|[^\\/])*)\/((?:\\.|[^\\/])*)\/([LU]?)\s*(?:,\s*|$)/ys;
const DEFAULT_RULE = /DEFAULT\s*(?:,\s*|$)/y;
const EMPTY_RULE = /,\s*/y;

/**
 * Parses rules. Empty ones are ignored, as in Kafka.
 *
 * @throws {PrincipalMappingError} If the text has another form.
 */
export function parsePrincipalMappingRules(text: string): (PrincipalMappingRule | "DEFAULT")[] {
  const rules: (PrincipalMappingRule | "DEFAULT")[] = [];
  const trimmed = text.trim();
  let at = 0;
  const take = (form: RegExp) => {
    form.lastIndex = at;
    const match = form.exec(trimmed);
    if (match !== null) at = form.lastIndex;
    return match;
  };
  while (at < trimmed.length) {
    const rule = take(RULE);
    if (rule !== null) {
      const [, pattern, replacement, letters] = rule;
      rules.push({
        pattern: pattern!,
        replacement: replacement!,
        letters: letters as PrincipalMappingRule["letters"],
      });
    } else if (take(DEFAULT_RULE) !== null) {
      rules.push("DEFAULT");
    } else if (take(EMPTY_RULE) === null) {
      throw new PrincipalMappingError(
        `"${trimmed.slice(at, at + 100)}" is neither RULE:PATTERN/REPLACEMENT/[L|U] nor DEFAULT`,
      );
    }
  }
  return rules;
}

/** Maps the name in a certificate; undefined if no rule matches. */
export type PrincipalMapping = (name: string) => string | undefined;

/**
 * Compiles rules.
 *
 * @throws {PrincipalMappingError} If the text has another form, or a pattern cannot be used.
 */
export async function compilePrincipalMapping(text: string): Promise<PrincipalMapping> {
  const rules = parsePrincipalMappingRules(text);
  const compiled: PrincipalMapping[] = [];
  for (const rule of rules) {
    compiled.push(rule === "DEFAULT" ? (name) => name : await compileRule(rule));
  }
  return (name) => {
    if (name.length > MAX_NAME_LENGTH) return undefined;
    for (const map of compiled) {
      const mapped = map(name);
      if (mapped !== undefined) return mapped;
    }
    return undefined;
  };
}

async function compileRule(
  { pattern, replacement, letters }: PrincipalMappingRule,
): Promise<PrincipalMapping> {
  // deno-lint-ignore no-import-prefix
  const { RE2JS } = await import("npm:re2js@2.10.0");
  let regex: InstanceType<Engine["RE2JS"]>;
  try {
    regex = RE2JS.compile(pattern);
  } catch (error) {
    throw new PrincipalMappingError(
      `"${pattern}" cannot be used: ${(error as Error).message}; as in RE2 there are no ` +
        "references to groups and nothing that looks ahead or behind",
      { cause: error },
    );
  }
  const parts = parseReplacement(replacement, regex.groupCount());
  return (name) => {
    if (!regex.matcher(name).matches()) return undefined;
    // All matches are replaced, as in Kafka: ".*" also matches the end of the name.
    let mapped = "";
    let from = 0;
    for (const matcher = regex.matcher(name); matcher.find(); from = matcher.end()) {
      mapped += name.slice(from, matcher.start());
      for (const part of parts) {
        mapped += typeof part === "string" ? part : matcher.group(part) ?? "";
      }
    }
    mapped += name.slice(from);
    if (letters === "L") return mapped.toLowerCase();
    return letters === "U" ? mapped.toUpperCase() : mapped;
  };
}

/** Splits a replacement into texts and numbers of groups, as Java does. */
function parseReplacement(replacement: string, groupCount: number): (string | number)[] {
  const parts: (string | number)[] = [];
  for (const [text, escaped, digits] of replacement.matchAll(/\\(.)|\$(\d+)|[^\\$]+|[\\$]/gs)) {
    if (escaped !== undefined) {
      parts.push(escaped);
    } else if (digits === undefined) {
      if (text === "$" || text === "\\") {
        throw new PrincipalMappingError(
          `the replacement "${replacement}" has a "${text}" without meaning; write \\${text}`,
        );
      }
      parts.push(text);
    } else {
      let length = digits.length;
      while (length > 1 && Number(digits.slice(0, length)) > groupCount) length--;
      const group = Number(digits.slice(0, length));
      if (group <= groupCount) {
        parts.push(group, digits.slice(length));
      } else if (groupCount > 0) {
        parts.push(text);
      } else {
        throw new PrincipalMappingError(
          `the replacement "${replacement}" has ${text}, but the pattern has no group`,
        );
      }
    }
  }
  return parts;
}
