/** Makes elements. Text is always text, never markup: messages are hostile. */

/** An element with properties, event handlers (`onclick`), attributes and children. */
export function h(name, props = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "value" || key === "checked") element[key] = value;
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(
    ...children.flat(3).filter((child) => child !== undefined && child !== null && child !== false),
  );
  return element;
}

/**
 * Replaces what is in an element. What had the focus has it again, and tables are scrolled as before: lists
 * are drawn again every few seconds.
 */
export function redraw(element, ...content) {
  const { activeElement } = document;
  const focused = element.contains(activeElement) ? identityOf(activeElement) : undefined;
  const lefts = Array.from(element.querySelectorAll(".scroll"), ({ scrollLeft }) => scrollLeft);
  element.replaceChildren(...content);
  for (const [i, one] of element.querySelectorAll(".scroll").entries()) {
    one.scrollLeft = lefts[i] ?? 0;
  }
  if (focused === undefined) return;
  const again = [...element.querySelectorAll("a, button, input, select, [tabindex]")]
    .find((one) => identityOf(one) === focused);
  again?.focus({ preventScroll: true });
}

/** What distinguishes an element for its user. */
function identityOf(element) {
  const { localName, dataset, textContent } = element;
  const [href, label] = ["href", "aria-label"].map((name) => element.getAttribute(name));
  // A heading says by what the list is sorted now.
  const text = localName === "button" && dataset.name === undefined ? textContent : "";
  return JSON.stringify([localName, href, label, dataset.name ?? null, text]);
}

/** A table. A cell is a text, an element, or `{ text, class }`. */
export function table(heads, rows) {
  return tableOf(heads.map((head) => cellOf("th", head, { scope: "col" })), rows);
}

function cellOf(tag, content, extra = {}) {
  return content instanceof Node || content?.text === undefined
    ? h(tag, extra, content ?? "")
    : h(tag, { ...extra, class: content.class, title: content.title }, content.text);
}

function tableOf(heads, rows) {
  return h(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": "Table" },
    h(
      "table",
      {},
      h("thead", {}, h("tr", {}, heads)),
      h(
        "tbody",
        {},
        rows.map((row) =>
          row instanceof Node ? row : h("tr", {}, row.map((item) => cellOf("td", item)))
        ),
      ),
    ),
  );
}

/** By which column a list is sorted, and in which direction: `name`, or `-name` for the largest first. */
export class Order {
  constructor(text, onChange) {
    this.isDown = text.startsWith("-");
    this.name = this.isDown ? text.slice(1) : text;
    this.onChange = onChange;
  }

  get text() {
    return `${this.isDown ? "-" : ""}${this.name}`;
  }

  /** Sorts by a column; by the one that it is sorted by already, the other way round. */
  choose(name, isNumber) {
    this.isDown = name === this.name ? !this.isDown : isNumber;
    this.name = name;
    this.onChange();
  }

  /** Items in this order. What has no value comes last. */
  sorted(items, columns) {
    const column = columns.find(({ name }) => name === this.name);
    if (column === undefined) return items;
    const direction = this.isDown ? -1 : 1;
    return items.map((item) => [column.value(item), item]).sort(([a], [b]) => {
      const isLast = (value) => value === undefined || value === null;
      if (isLast(a) || isLast(b)) return Number(isLast(a)) - Number(isLast(b));
      return direction * (a < b ? -1 : a > b ? 1 : 0);
    }).map(([, item]) => item);
  }
}

/**
 * A table that its user can sort. Columns are `{ name, text, class, cell(item), value(item) }`; one without
 * `value` cannot be sorted by. At most `most` items are shown.
 */
export function sortedTable(columns, items, order, most) {
  const heads = columns.map(({ name, text, class: kind, value }) => {
    if (value === undefined) return h("th", { scope: "col", class: kind }, text);
    const isChosen = order.name === name;
    const direction = order.isDown ? "descending" : "ascending";
    return h(
      "th",
      { scope: "col", class: kind, "aria-sort": isChosen && direction },
      h(
        "button",
        {
          class: "sort",
          onclick: () => {
            order.choose(name, kind === "number");
            // The table was drawn again.
            document.querySelector(`button.sort[data-name="${name}"]`)?.focus();
          },
          "data-name": name,
        },
        text,
        h("span", { "aria-hidden": "true" }, isChosen ? (order.isDown ? " ▼" : " ▲") : ""),
      ),
    );
  });
  const rows = order.sorted(items, columns).slice(0, most)
    .map((item) => columns.map(({ cell }) => cell(item)));
  return tableOf(heads, rows);
}

/** A number in a cell, aligned to the right. */
export function number(value) {
  return {
    text: value === undefined || value === null ? "–" : value.toLocaleString("en-US"),
    class: "number",
  };
}

const KEYS = "dqueue.keys";

/** Whether keys with a character do something: who speaks to the browser turns them off. */
export function hasKeys() {
  return localStorage.getItem(KEYS) !== "0";
}

export function setKeys(areOn) {
  localStorage.setItem(KEYS, areOn ? "1" : "0");
}

/** Whether a key belongs to what has the focus, such as a field that is written into, or is turned off. */
export function isTyping({ key, target, ctrlKey, metaKey, altKey }) {
  return ctrlKey || metaKey || altKey || (key.length === 1 && !hasKeys()) ||
    target.closest("input:not([type=checkbox]), textarea, select, dialog") !== null;
}

/** Copies a text, and returns whether it could. Over HTTP from another machine there is no clipboard. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = h("textarea", { value: text, class: "unseen" });
    // Within the dialog that is open, if one is: nothing else can have the focus.
    (document.querySelector("dialog") ?? document.body).append(field);
    field.select();
    const isCopied = document.execCommand("copy");
    field.remove();
    return isCopied;
  }
}

/** A labelled field. */
export function field(label, input) {
  return h("label", {}, label, input);
}

export function link(href, text) {
  return h("a", { href }, text);
}

/** A duration for people. */
export function durationOf(seconds) {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}

/** Bytes for people. */
export function bytes(count) {
  if (count === undefined) return "–";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (count >= 1024 && unit < units.length - 1) {
    count /= 1024;
    unit++;
  }
  return `${count < 10 && unit > 0 ? count.toFixed(1) : Math.round(count)} ${units[unit]}`;
}

/** A dialog with a form. `submit` may throw, which is shown in it. `onClosed` is called at its end. */
export function openDialog(title, fields, action, submit, isDanger = false, onClosed = () => {}) {
  const problem = h("p", { class: "bad", role: "alert" });
  const cancel = h(
    "button",
    { type: "button", onclick: () => dialog.close(), autofocus: isDanger },
    "Cancel",
  );
  const ok = h("button", { class: isDanger ? "danger" : "primary" }, action);
  const form = h(
    "form",
    {
      method: "dialog",
      async onsubmit(event) {
        event.preventDefault();
        ok.disabled = true;
        problem.textContent = "";
        try {
          await submit();
          dialog.close();
        } catch (error) {
          problem.textContent = error.message;
        }
        ok.disabled = false;
      },
    },
    h("h2", { id: "dialog-title" }, title),
    fields,
    problem,
    h("div", { class: "row" }, ok, cancel),
  );
  const dialog = h(
    "dialog",
    {
      "aria-labelledby": "dialog-title",
      onclose: () => {
        dialog.remove();
        onClosed();
      },
    },
    form,
  );
  document.body.append(dialog);
  dialog.showModal();
}
