/** Saves messages as a file: those that are shown, or all that a search finds. */

import { problemOf, send } from "./api.js";
import { CSV_HEAD, csvLine } from "./message_query.js";

/** Most characters of a file, which the browser holds in memory until it is saved. */
const MAX_CHARACTERS = 256_000_000;

/** Saves a text as a file. */
export function save(name, parts, type) {
  const url = URL.createObjectURL(new Blob(parts, { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** The text of some records. */
export function textOf(records, format) {
  const lines = format === "csv"
    ? [CSV_HEAD, ...records.map(csvLine)]
    : records.map((record) => JSON.stringify(record));
  return `${lines.join("\n")}\n`;
}

/**
 * Saves everything that a search finds. `onProgress` is called with the number of messages so far; `signal`
 * ends it, and what was found is saved.
 *
 * @returns The number of messages, and whether it ended before the search did.
 */
export async function saveAll(topic, query, format, onProgress, signal) {
  const url = `/topics/${encodeURIComponent(topic)}/stream?${query}&exit=1`;
  const parts = format === "csv" ? [`${CSV_HEAD}\n`] : [];
  let count = 0;
  let characters = 0;
  let isCut = false;
  let name = "";
  try {
    const response = await send(url, { signal });
    if (!response.ok) throw await problemOf(response);
    let rest = "";
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let chunk = await reader.read(); !chunk.done && !isCut; chunk = await reader.read()) {
      const lines = (rest + chunk.value).split("\n");
      rest = lines.pop();
      for (const line of lines) {
        if (line === "") name = "";
        else if (line.startsWith("event: ")) name = line.slice(7);
        else if (line.startsWith("data: ") && name === "") {
          // As the broker wrote it, so that numbers keep their digits.
          const json = line.slice(6);
          const text = `${format === "csv" ? csvLine(JSON.parse(json)) : json}\n`;
          parts.push(text);
          characters += text.length;
          count++;
        } else if (line.startsWith("data: ") && name === "error") {
          throw new Error(JSON.parse(line.slice(6)).message);
        }
      }
      isCut = characters > MAX_CHARACTERS;
      onProgress(count);
    }
    if (isCut) await reader.cancel();
  } catch (error) {
    if (!signal.aborted) throw error;
    isCut = true;
  }
  const type = format === "csv" ? "text/csv" : "application/jsonl";
  save(`${topic}.${format}`, parts, type);
  return { count, isCut };
}
