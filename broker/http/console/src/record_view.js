/** One message: its time, key, value and headers, and what can be done with it. */

import { bytes as sizeOf, copy, h } from "./dom.js";
import { save } from "./export.js";
import { valueView, visible } from "./json_view.js";
import { toBase64 } from "./redrive.js";
import { agoOf, timeOf, zone } from "./time.js";

const FORMS = [["", "as it is"], ["text", "text"], ["hex", "hex"], ["base64", "base64"]];
/** Longer values are not shown at first: drawing them takes long. */
const MAX_SHOWN = 1_048_576;

/** The address of a record in the console. */
export function addressOf(topic, { partition, offset }) {
  const path = `/ui/topics/${encodeURIComponent(topic)}`;
  return `${location.origin}${path}/messages?offset=${offset}:${offset + 1}&p=${partition}`;
}

/** Where a record is edited and sent again. */
export function resendPath(topic, { partition, offset }) {
  return `/ui/topics/${encodeURIComponent(topic)}/produce?from=${partition}:${offset}`;
}

/** The details of a record, as elements. `onMove(by)` opens another one. */
export function recordView(topic, record, { onClose, onMove }) {
  const { partition, offset, timestamp, headers } = record;
  const json = () => JSON.stringify(record);
  const copyButton = (text, content) => {
    const button = h("button", {
      onclick: async () => {
        button.textContent = await copy(content()) ? "Copied" : "Cannot copy";
        setTimeout(() => button.textContent = text, 2000);
      },
    }, text);
    return button;
  };
  return [
    h(
      "div",
      { class: "row title" },
      h("h2", {}, `Partition ${partition}, offset ${offset}`),
      h(
        "span",
        { class: "buttons" },
        h("button", { onclick: () => onMove(-1), "aria-label": "The message above" }, "↑"),
        h("button", { onclick: () => onMove(1), "aria-label": "The message below" }, "↓"),
        h("button", { onclick: onClose, "aria-label": "Close the message" }, "✕"),
      ),
    ),
    h(
      "p",
      { class: "dim" },
      `${timeOf(timestamp)} ${zone()} · ${agoOf(timestamp)} · ${new Date(timestamp).toISOString()}`,
    ),
    h("h3", {}, "Key"),
    bytesView(record.key, record.key_base64),
    valueSection(topic, record),
    headers.length > 0 && [h("h3", {}, `Headers (${headers.length})`), headersView(headers)],
    h(
      "div",
      { class: "row" },
      copyButton("Copy value", () => record.value ?? record.value_base64 ?? ""),
      record.key !== null &&
        copyButton("Copy key", () => record.key ?? record.key_base64 ?? ""),
      copyButton("Copy link", () => addressOf(topic, record)),
      h("button", {
        onclick: () => save(`${topic}-${partition}-${offset}.json`, [json()], "application/json"),
      }, "Download"),
      h("a", { href: resendPath(topic, record) }, "Edit and resend"),
    ),
  ].flat(2).filter((child) => child !== false);
}

/** The value, in the form that was chosen for the topic the last time. */
function valueSection(topic, { value, value_base64: base64 }) {
  const key = `dqueue.view.${topic}`;
  const chosen = localStorage.getItem(key) ?? "";
  const size = base64 === undefined
    ? new TextEncoder().encode(value ?? "").length
    : Math.floor(base64.length * 3 / 4);
  const shown = h("div");
  let isWanted = size <= MAX_SHOWN;
  const draw = () => {
    shown.replaceChildren(
      isWanted ? valueAs(form.value, value, base64) : h("button", {
        onclick: () => {
          isWanted = true;
          draw();
        },
      }, `Show all ${sizeOf(size)}`),
    );
  };
  const form = h(
    "select",
    {
      "aria-label": "Show the value",
      onchange: () => {
        localStorage.setItem(key, form.value);
        draw();
      },
    },
    FORMS.map(([form, text]) => h("option", { value: form, selected: form === chosen }, text)),
  );
  draw();
  return [
    h(
      "div",
      { class: "row title" },
      h("h3", {}, "Value ", value === null ? "" : h("small", { class: "dim" }, sizeOf(size))),
      value === null ? "" : form,
    ),
    shown,
  ];
}

function valueAs(form, text, base64) {
  if (text === null) return valueView(null);
  if (form === "hex") return h("pre", { tabindex: "0" }, hexOf(bytesOf(base64 ?? toBase64(text))));
  if (form === "base64") return h("pre", { tabindex: "0" }, base64 ?? toBase64(text));
  if (form === "text") {
    return h("pre", { tabindex: "0" }, text ?? new TextDecoder().decode(bytesOf(base64)));
  }
  return bytesView(text, base64);
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
    h("pre", { tabindex: "0" }, hexOf(bytes)),
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
            (header.value && visible(header.value)) ?? (header.value_base64 === undefined
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
  return text === "" ? h("em", {}, "empty") : visible(text.slice(0, most));
}

function hexLine(base64, most) {
  // Four characters are three bytes.
  const bytes = bytesOf(base64.slice(0, 4 * Math.ceil(most / 3)));
  return Array.from(bytes, (code) => code.toString(16).padStart(2, "0")).join("");
}
