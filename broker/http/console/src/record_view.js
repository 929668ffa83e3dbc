/** One message: its time, key, value and headers, and what can be done with it. */

import { h } from "./dom.js";
import { valueView } from "./json_view.js";
import { agoOf, timeOf, zone } from "./time.js";

/** The details of a record, as elements. */
export function recordView(topic, record, { onClose }) {
  const { partition, offset, timestamp, headers } = record;
  const path = `/ui/topics/${encodeURIComponent(topic)}`;
  const own = `${location.origin}${path}/messages?offset=${offset}:${offset + 1}&p=${partition}`;
  const json = JSON.stringify(record);
  return [
    h(
      "div",
      { class: "row title" },
      h("h2", {}, `Partition ${partition}, offset ${offset}`),
      h("button", { onclick: onClose, "aria-label": "Close the message" }, "✕"),
    ),
    h(
      "p",
      { class: "dim" },
      `${timeOf(timestamp)} ${zone()} · ${agoOf(timestamp)} · ${new Date(timestamp).toISOString()}`,
    ),
    h("h3", {}, "Key"),
    bytesView(record.key, record.key_base64),
    h("h3", {}, "Value"),
    bytesView(record.value, record.value_base64),
    headers.length > 0 && [h("h3", {}, `Headers (${headers.length})`), headersView(headers)],
    h(
      "div",
      { class: "row" },
      h("button", {
        onclick: () => navigator.clipboard.writeText(record.value ?? record.value_base64 ?? ""),
      }, "Copy value"),
      h("button", { onclick: () => navigator.clipboard.writeText(own) }, "Copy link"),
      h("a", {
        href: `data:application/json,${encodeURIComponent(json)}`,
        download: `${topic}-${partition}-${offset}.json`,
      }, "Download"),
      h("a", { href: `${path}/produce?from=${partition}:${offset}` }, "Edit and resend"),
    ),
  ].flat(2).filter((child) => child !== false);
}

/** A text as text or JSON; other bytes as hex, with numbers that they may be, and a hint at a schema id. */
function bytesView(text, base64) {
  if (base64 === undefined) return valueView(text);
  const bytes = bytesOf(base64);
  const hints = hintsOf(bytes);
  return h(
    "div",
    {},
    hints.length > 0 && h("p", { class: "dim" }, hints.join(" · ")),
    h("pre", {}, hexOf(bytes)),
  );
}

/** What bytes that are no text may be. */
export function hintsOf(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const hints = [`${bytes.length.toLocaleString("en-US")} bytes that are not text`];
  if (bytes.length === 4) hints.push(`as a number: ${view.getInt32(0)}`);
  if (bytes.length === 8) hints.push(`as a number: ${view.getBigInt64(0)}`);
  if (bytes.length > 5 && bytes[0] === 0) {
    hints.push(`perhaps of schema ${view.getUint32(1)}; there is no registry`);
  }
  return hints;
}

function headersView(headers) {
  return h(
    "table",
    { class: "headers" },
    h(
      "tbody",
      {},
      headers.map((header) =>
        h(
          "tr",
          {},
          h("th", { scope: "row" }, header.key),
          h(
            "td",
            { class: "data" },
            header.value ?? (header.value_base64 === undefined
              ? h("em", {}, "null")
              : hexOf(bytesOf(header.value_base64))),
          ),
        )
      ),
    ),
  );
}

/** The bytes of base64. */
export function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/** Bytes in hexadecimal, 16 in a line, with the characters that they are. */
export function hexOf(bytes, most = 65_536) {
  const lines = [];
  for (let at = 0; at < bytes.length && at < most; at += 16) {
    const part = [...bytes.subarray(at, at + 16)];
    const text = part.map((code) => code >= 32 && code < 127 ? String.fromCharCode(code) : ".")
      .join("");
    const digits = part.map((code) => code.toString(16).padStart(2, "0")).join(" ");
    lines.push(`${at.toString(16).padStart(6, "0")}  ${digits.padEnd(47)}  ${text}`);
  }
  return lines.join("\n");
}

/** A key or value on one line, cut. */
export function lineOf(text, base64, most) {
  if (base64 !== undefined) return `0x${hexLine(base64, most / 2)}`;
  if (text === null || text === undefined) return h("em", {}, "null");
  return text === "" ? h("em", {}, "empty") : text.slice(0, most);
}

function hexLine(base64, most) {
  // Four characters are three bytes.
  const bytes = bytesOf(base64.slice(0, 4 * Math.ceil(most / 3)));
  return Array.from(bytes, (code) => code.toString(16).padStart(2, "0")).join("");
}
