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

/** A table. A cell is a text, an element, or `{ text, class }`. */
export function table(heads, rows) {
  const cell = (tag, content, extra = {}) =>
    content instanceof Node || content?.text === undefined
      ? h(tag, extra, content ?? "")
      : h(tag, { ...extra, class: content.class, title: content.title }, content.text);
  return h(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": "Table" },
    h(
      "table",
      {},
      h("thead", {}, h("tr", {}, heads.map((head) => cell("th", head, { scope: "col" })))),
      h(
        "tbody",
        {},
        rows.map((row) =>
          row instanceof Node ? row : h("tr", {}, row.map((item) => cell("td", item)))
        ),
      ),
    ),
  );
}

/** A number in a cell, aligned to the right. */
export function number(value) {
  return {
    text: value === undefined || value === null ? "–" : value.toLocaleString("en-US"),
    class: "number",
  };
}

/** Whether a key belongs to what has the focus, such as a field that is written into. */
export function isTyping({ target, ctrlKey, metaKey, altKey }) {
  return ctrlKey || metaKey || altKey ||
    target.closest("input:not([type=checkbox]), textarea, select, dialog") !== null;
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

/** A dialog with a form. `submit` may throw, which is shown in it. */
export function openDialog(title, fields, action, submit, isDanger = false) {
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
    { "aria-labelledby": "dialog-title", onclose: () => dialog.remove() },
    form,
  );
  document.body.append(dialog);
  dialog.showModal();
}
