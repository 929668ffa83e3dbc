/** Shows JSON indented from its own text, so that numbers keep all their digits. */

import { h } from "./dom.js";

const TOKEN = /\s+|"(?:[^"\\]|\\.)*"|[[\]{}:,]|[^\s[\]{}:,"]+/g;
/** Longer values are shown as they are: making many elements takes long. */
const MAX_LENGTH = 65_536;

/** A value as elements: JSON indented and coloured, anything else as it is. */
export function valueView(value) {
  if (value === null) return h("pre", {}, h("em", {}, "null (tombstone)"));
  if (value === "") return h("pre", {}, h("em", {}, "empty"));
  return h("pre", {}, isJson(value) && value.length <= MAX_LENGTH ? indented(value) : value);
}

function isJson(text) {
  try {
    JSON.parse(text);
    return /^\s*[[{"]/.test(text);
  } catch {
    return false;
  }
}

function indented(text) {
  const parts = [];
  let depth = 0;
  let isEmpty = false;
  const line = () => `\n${"  ".repeat(depth)}`;
  for (const [token] of text.matchAll(TOKEN)) {
    if (/^\s/.test(token)) continue;
    if (token === "}" || token === "]") {
      depth--;
      parts.push(isEmpty ? token : line() + token);
      isEmpty = false;
      continue;
    }
    if (isEmpty) parts.push(line());
    isEmpty = false;
    if (token === "{" || token === "[") {
      depth++;
      isEmpty = true;
      parts.push(token);
    } else if (token === ",") parts.push(token + line());
    else if (token === ":") parts.push(": ");
    else parts.push(h("span", { class: token.startsWith('"') ? "string" : "literal" }, token));
  }
  return parts;
}
