/**
 * A table of many records, of which only those in sight are drawn. The newest is at the top, and the oldest
 * are forgotten beyond a number of records and of characters.
 */

import { h } from "./dom.js";
import { lineOf } from "./record_view.js";
import { partsOf } from "./time.js";

const MAX_RECORDS = 5000;
const MAX_CHARACTERS = 20_000_000;
/** As in the style sheet. */
const ROW_HEIGHT = 29;
/** Rows drawn beyond what is in sight, on both sides. */
const MARGIN = 10;
const COLUMNS = ["select", "time", "p", "offset", "key", "value"];
const HEADS = [
  ["Time", ""],
  ["P", "number"],
  ["Offset", "number"],
  ["Key", ""],
  ["Value", ""],
];

/**
 * Makes the table. `onOpen(record)` is called when a row is chosen, `onSelect(count)` when others are
 * selected.
 */
export function recordTable({ onOpen, onSelect }) {
  /** In the order of the list, from its end. */
  let records = [];
  let characters = 0;
  /** The one that is open. */
  let selected;
  /** Those that are ticked. */
  const ticked = new Set();
  let isDue = false;
  const above = h(
    "tbody",
    { "aria-hidden": "true" },
    h("tr", {}, h("td", { colspan: COLUMNS.length })),
  );
  const rows = h("tbody", { class: "rows" });
  const below = h(
    "tbody",
    { "aria-hidden": "true" },
    h("tr", {}, h("td", { colspan: COLUMNS.length })),
  );
  const all = h("input", {
    type: "checkbox",
    "aria-label": "Select all messages",
    onchange: () => {
      ticked.clear();
      if (all.checked) { for (const record of records) ticked.add(record); }
      changed();
    },
  });
  const table = h(
    "table",
    { class: "records", "aria-rowcount": "1" },
    h(
      "colgroup",
      {},
      COLUMNS.map((name) => h("col", { class: name })),
    ),
    h(
      "thead",
      {},
      h(
        "tr",
        { "aria-rowindex": "1" },
        h("th", { scope: "col", class: "select" }, all),
        HEADS.map(([text, name]) => h("th", { scope: "col", class: name }, text)),
      ),
    ),
    above,
    rows,
    below,
  );
  const view = h(
    "div",
    {
      class: "scroll list",
      tabindex: "0",
      role: "region",
      "aria-label": "Messages",
      onscroll: () => later(),
    },
    table,
  );

  const at = (index) => records[records.length - 1 - index];
  const later = () => {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(draw);
  };
  const draw = () => {
    isDue = false;
    const first = Math.max(0, Math.floor(view.scrollTop / ROW_HEIGHT) - MARGIN);
    const shown = Math.ceil(view.clientHeight / ROW_HEIGHT) + 2 * MARGIN;
    const end = Math.min(records.length, first + shown);
    above.hidden = first === 0;
    above.firstChild.firstChild.style.height = `${first * ROW_HEIGHT}px`;
    below.hidden = end === records.length;
    below.firstChild.firstChild.style.height = `${(records.length - end) * ROW_HEIGHT}px`;
    table.setAttribute("aria-rowcount", String(records.length + 1));
    const focused = document.activeElement;
    const index = rows.contains(focused)
      ? focused.closest("tr").getAttribute("aria-rowindex")
      : undefined;
    rows.replaceChildren(
      ...Array.from({ length: end - first }, (_, i) => row(at(first + i), first + i)),
    );
    if (index !== undefined) {
      const again = rows.querySelector(`[aria-rowindex="${index}"]`);
      const part = focused.matches("tr") ? again : again?.querySelector("input");
      part?.focus({ preventScroll: true });
    }
  };
  const changed = () => {
    onSelect(ticked.size);
    later();
  };
  const tick = (record) => {
    if (!ticked.delete(record)) ticked.add(record);
    changed();
  };
  const row = (record, index) => {
    const { date, time } = partsOf(record.timestamp);
    return h(
      "tr",
      {
        class: "record link",
        tabindex: "0",
        "aria-rowindex": String(index + 2),
        "aria-selected": record === selected && "true",
        onclick: (event) => event.target.closest(".select") === null && open(record),
        onkeydown: (event) =>
          event.key === "Enter" && event.target === event.currentTarget && open(record),
      },
      h(
        "td",
        { class: "select" },
        h("input", {
          type: "checkbox",
          checked: ticked.has(record),
          "aria-label": `Select partition ${record.partition}, offset ${record.offset}`,
          onchange: () => tick(record),
        }),
      ),
      h(
        "td",
        { title: new Date(record.timestamp).toISOString() },
        h("span", { class: "date" }, `${date} `),
        time,
      ),
      h("td", { class: "number" }, record.partition),
      h("td", { class: "number" }, record.offset),
      h("td", { class: "data" }, lineOf(record.key, record.key_base64, 100)),
      h("td", { class: "data" }, lineOf(record.value, record.value_base64, 300)),
    );
  };
  const open = (record) => {
    selected = record;
    later();
    onOpen(record);
  };
  const sizeOf = (record) =>
    (record.value ?? record.value_base64 ?? "").length + (record.key ?? "").length + 100;

  return {
    element: view,
    get count() {
      return records.length;
    },
    /** All records, the newest first. */
    all: () => records.toReversed(),
    /** Those that are selected, the oldest first. */
    selection: () => records.filter((record) => ticked.has(record)),
    /** Selects exactly these. */
    select(wanted) {
      ticked.clear();
      for (const record of wanted) ticked.add(record);
      all.checked = false;
      changed();
    },
    /** Selects the open one, or not any more. */
    toggle() {
      if (selected !== undefined) tick(selected);
    },
    clear() {
      records = [];
      characters = 0;
      selected = undefined;
      ticked.clear();
      all.checked = false;
      onSelect(0);
      view.scrollTop = 0;
      later();
    },
    /** Adds records, the newest last. Who has scrolled down keeps what is in sight. */
    add(added) {
      for (const record of added) characters += sizeOf(record);
      records.push(...added);
      let gone = Math.max(0, records.length - MAX_RECORDS);
      for (let i = 0; i < gone; i++) characters -= sizeOf(records[i]);
      while (characters > MAX_CHARACTERS && gone < records.length - 1) {
        characters -= sizeOf(records[gone++]);
      }
      if (gone > 0) {
        for (const record of records.splice(0, gone)) ticked.delete(record);
        onSelect(ticked.size);
      }
      if (view.scrollTop > 0) view.scrollTop += added.length * ROW_HEIGHT;
      later();
    },
    /** Orders all by time. */
    sort() {
      records.sort((a, b) => a.timestamp - b.timestamp);
      later();
    },
    /** Opens the record after the chosen one, or before it. */
    move(by) {
      const now = selected === undefined ? -1 : records.length - 1 - records.indexOf(selected);
      const next = Math.min(records.length - 1, Math.max(0, now + by));
      if (records.length === 0) return;
      const top = next * ROW_HEIGHT;
      if (top < view.scrollTop) view.scrollTop = top;
      const room = view.clientHeight - 2 * ROW_HEIGHT;
      if (top > view.scrollTop + room) view.scrollTop = top - room;
      open(at(next));
    },
    unselect() {
      selected = undefined;
      later();
    },
  };
}
