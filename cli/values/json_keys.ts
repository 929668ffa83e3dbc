/**
 * Finds duplicate keys in JSON objects. `JSON.parse` silently uses the last one.
 *
 * @module
 */

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]]/gs;
const IS_KEY = /\s*:/y;

/**
 * Returns the first key that occurs twice in one object, at any depth.
 *
 * @param text JSON that `JSON.parse` has accepted.
 */
export function duplicateKey(text: string): string | undefined {
  // Keys of the enclosing objects, outermost first; arrays have none.
  const around: (Set<string> | undefined)[] = [];
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if (token === "{") around.push(new Set());
    else if (token === "[") around.push(undefined);
    else if (token === "}" || token === "]") around.pop();
    else {
      const keys = around.at(-1);
      const end = index + token.length;
      IS_KEY.lastIndex = end;
      if (keys === undefined || !IS_KEY.test(text)) continue;
      const key: string = JSON.parse(token);
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return undefined;
}
