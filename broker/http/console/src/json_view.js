/** Shows JSON indented from its own text, so that numbers keep all their digits. */

import { h } from "./dom.js";

const TOKEN = /\s+|"(?:[^"\\]|\\.)*"|[[\]{}:,]|[^\s[\]{}:,"]+/g;
/** Longer values are shown as they are: making many elements takes long. */
const MAX_LENGTH = 65_536;

/** A value as elements: JSON indented and coloured, anything else as it is. */
export function valueView(value) {
  if (value === null) return h("pre", {}, h("em", {}, "null (tombstone)"));
  if (value === "") return h("pre", {}, h("em", {}, "empty"));
  // A long one is scrolled, by keys too.
  return h(
    "pre",
    { tabindex: "0" },
    isJson(value) && value.length <= MAX_LENGTH ? indented(value) : visible(value),
  );
}

/** Characters that are not seen, or that change the order of what follows. Joiners are part of scripts. */
const UNSEEN = /(?![\t\n\r\u200c\u200d])[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** A text in which what is not seen is escaped as in JSON. */
export function visible(text) {
  return text.replace(UNSEEN, (one) =>
    Array.from(
      { length: one.length },
      (_, i) => `\\u${one.charCodeAt(i).toString(16).padStart(4, "0")}`,
    ).join(""));
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
    else {parts.push(
        h("span", { class: token.startsWith('"') ? "string" : "literal" }, visible(token)),
      );}
  }
  return parts;
}
