/** Messages of a topic: search with progress, live tail, detail, copy, resend, download. */

import { field, h } from "./dom.js";
import { valueView } from "./json_view.js";

/** Most messages that are kept; the oldest go first while following. */
const MAX_ROWS = 1000;

const STARTS = [
  ["-100", "Newest 100 of each partition"],
  ["-1000", "Newest 1,000 of each"],
  ["start", "Start"],
  ["@-1h", "Last hour"],
  ["@-1d", "Last day"],
  ["end", "New ones only"],
];

/** The page's content. `params` are those of its address, which the search changes. */
export function messagesView(topic, partitions, params, onLeave) {
  const wanted = params.get("offset") ?? "-100";
  const starts = STARTS.some(([value]) => value === wanted)
    ? STARTS
    : [[wanted, wanted], ...STARTS];
  const start = h(
    "select",
    {},
    starts.map(([value, text]) => h("option", { value, selected: value === wanted }, text)),
  );
  const partition = h(
    "select",
    {},
    h("option", { value: "" }, "all"),
    partitions.map(({ partition_id: id }) =>
      h("option", { value: id, selected: params.get("p") === String(id) }, id)
    ),
  );
  const text = h("input", {
    value: params.get("q") ?? "",
    placeholder: "text, or key:alice",
    type: "search",
  });
  const filter = h("input", {
    value: params.get("filter") ?? "",
    placeholder: "value.total > 100",
    class: "data",
    "aria-describedby": "filter-help",
  });
  const status = h("p", { role: "status", class: "dim" });
  const body = h("tbody");
  const detail = h("section", { class: "detail", hidden: true, "aria-label": "Message" });
  let socket;
  let rows = [];
  let pending = [];
  let isDrawing = false;
  let found = 0;

  const draw = () => {
    isDrawing = false;
    for (const record of pending.splice(0)) {
      const row = h(
        "tr",
        {
          class: "link",
          tabindex: "0",
          onclick: () => show(record, row),
          onkeydown: (event) => event.key === "Enter" && show(record, row),
        },
        h("td", { title: new Date(record.timestamp).toISOString() }, timeOf(record.timestamp)),
        h("td", { class: "number" }, record.partition),
        h("td", { class: "number" }, record.offset),
        h("td", { class: "data" }, keyOf(record)),
        h("td", { class: "data" }, lineOf(record)),
      );
      row.timestamp = record.timestamp;
      rows.push(row);
      body.prepend(row);
    }
    for (const row of rows.splice(0, Math.max(0, rows.length - MAX_ROWS))) row.remove();
  };
  const add = (records) => {
    pending.push(...records);
    if (pending.length > MAX_ROWS) pending.splice(0, pending.length - MAX_ROWS);
    found += records.length;
    if (!isDrawing) {
      isDrawing = true;
      requestAnimationFrame(draw);
    }
  };
  /** Newest first, once all are there: partitions were read one after the other. */
  const sort = () => {
    draw();
    rows.sort((a, b) => a.timestamp - b.timestamp);
    body.replaceChildren(...rows.toReversed());
  };
  const show = (record, row) => {
    for (const other of rows) other.removeAttribute("aria-selected");
    row?.setAttribute("aria-selected", "true");
    detail.hidden = false;
    detail.replaceChildren(...detailOf(topic, record));
  };
  const stop = () => {
    socket?.close();
    socket = undefined;
    stopButton.disabled = true;
    liveButton.setAttribute("aria-pressed", "false");
  };
  const run = (isLive) => {
    stop();
    rows = [];
    pending = [];
    found = 0;
    body.replaceChildren();
    detail.hidden = true;
    const query = new URLSearchParams({
      offset: isLive && start.value === "-100" ? "end" : start.value,
      batch: "1",
    });
    if (!isLive) query.set("exit", "1");
    if (partition.value !== "") query.set("partition", partition.value);
    const [, key] = /^key:(.*)$/.exec(text.value) ?? [];
    if (key !== undefined) query.set("key", key);
    else if (text.value !== "") query.set("text", text.value);
    if (filter.value !== "") query.set("filter", filter.value);
    const address = new URLSearchParams({ offset: start.value });
    if (partition.value !== "") address.set("p", partition.value);
    if (text.value !== "") address.set("q", text.value);
    if (filter.value !== "") address.set("filter", filter.value);
    history.replaceState(null, "", `?${address}`);
    status.textContent = isLive ? "Live…" : "Searching…";
    status.className = "dim";
    const startedMs = performance.now();
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const opened = new WebSocket(
      `${scheme}://${location.host}/topics/${encodeURIComponent(topic)}/stream?${query}`,
      "dqueue.v1",
    );
    socket = opened;
    stopButton.disabled = false;
    liveButton.setAttribute("aria-pressed", String(isLive));
    const progress = (scanned, behind) => {
      const seconds = (performance.now() - startedMs) / 1000;
      const rate = scanned / Math.max(0.001, seconds);
      const left = behind > 0
        ? `, ${behind.toLocaleString("en-US")} left, ${Math.ceil(behind / Math.max(1, rate))} s`
        : "";
      status.textContent = `${scanned.toLocaleString("en-US")} read, ${
        found.toLocaleString("en-US")
      } found${left}`;
    };
    opened.onmessage = ({ data }) => {
      if (socket !== opened) return;
      const message = JSON.parse(data);
      switch (message.type) {
        case "batch":
          add(message.records);
          if (isLive) status.textContent = `Live: ${found.toLocaleString("en-US")} messages`;
          break;
        case "progress":
          if (!isLive || message.scanned > 0) progress(message.scanned, message.behind);
          break;
        case "gap":
          status.textContent =
            `${(message.to - message.from).toLocaleString("en-US")} messages of partition ` +
            `${message.partition} are not shown (${message.reason})`;
          break;
        case "error":
          status.className = "bad";
          status.textContent = message.message;
          stop();
          break;
        case "end": {
          const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
          status.textContent = message.matched === 0
            ? `No messages among the ${
              message.scanned.toLocaleString("en-US")
            } that were read. Start earlier, or search for less.`
            : `${message.matched.toLocaleString("en-US")} found among ${
              message.scanned.toLocaleString("en-US")
            } in ${seconds} s` +
              (message.matched > MAX_ROWS ? `; the last ${MAX_ROWS} are shown` : "");
          stop();
          sort();
          break;
        }
      }
    };
    opened.onclose = () => {
      if (socket !== opened) return;
      stop();
      status.className = "warn";
      status.textContent = "The connection was closed. Search again to continue.";
    };
  };
  const stopButton = h("button", {
    type: "button",
    disabled: true,
    onclick: () => {
      stop();
      status.textContent = `Stopped: ${found.toLocaleString("en-US")} found`;
    },
  }, "Stop");
  const liveButton = h("button", {
    type: "button",
    "aria-pressed": "false",
    onclick: () => run(true),
  }, "Live");
  const form = h(
    "form",
    {
      class: "row",
      role: "search",
      onsubmit: (event) => {
        event.preventDefault();
        run(false);
      },
    },
    field("From", start),
    field("Partition", partition),
    field("Find", text),
    field("CEL", filter),
    h("button", { class: "primary" }, "Search"),
    liveButton,
    stopButton,
  );
  onLeave(stop);
  run(false);
  const heads = [
    "Time",
    { text: "P", class: "number" },
    { text: "Offset", class: "number" },
    "Key",
    "Value",
  ];
  return [
    form,
    h(
      "p",
      { class: "dim", id: "filter-help" },
      "CEL knows key, value (JSON), text, headers, partition, offset, timestamp and size.",
    ),
    status,
    detail,
    h(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": "Messages" },
      h(
        "table",
        {},
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            heads.map((head) => h("th", { scope: "col", class: head.class }, head.text ?? head)),
          ),
        ),
        body,
      ),
    ),
  ];
}

function detailOf(topic, record) {
  const { key, value, headers } = record;
  const own = `${location.origin}/ui/topics/${
    encodeURIComponent(topic)
  }/messages?offset=${record.offset}:${record.offset + 1}&p=${record.partition}`;
  const json = JSON.stringify(record);
  return [
    h("h2", {}, `Partition ${record.partition}, offset ${record.offset}`),
    h(
      "p",
      { class: "dim" },
      `${timeOf(record.timestamp)} · ${new Date(record.timestamp).toISOString()}`,
    ),
    h("h3", {}, "Key"),
    record.key_base64 === undefined ? valueView(key) : h("pre", {}, hex(record.key_base64)),
    h("h3", {}, "Value"),
    record.value_base64 === undefined ? valueView(value) : h("pre", {}, hex(record.value_base64)),
    headers.length === 0 ? null : h("h3", {}, "Headers"),
    headers.length === 0 ? null : h(
      "pre",
      {},
      headers.map((header) =>
        `${header.key}: ${
          header.value ?? (header.value_base64 === undefined ? "null" : hex(header.value_base64))
        }\n`
      ),
    ),
    h(
      "div",
      { class: "row" },
      h("button", {
        onclick: () => navigator.clipboard.writeText(value ?? record.value_base64 ?? ""),
      }, "Copy value"),
      h("button", { onclick: () => navigator.clipboard.writeText(own) }, "Copy link"),
      h("a", {
        href: `data:application/json,${encodeURIComponent(json)}`,
        download: `${topic}-${record.partition}-${record.offset}.json`,
      }, "Download"),
      h("a", {
        href: `/ui/topics/${encodeURIComponent(topic)}/produce?` +
          new URLSearchParams({
            ...(key == null ? {} : { key }),
            ...(value == null ? {} : { value }),
            headers: JSON.stringify(
              Object.fromEntries(headers.map((header) => [header.key, header.value ?? null])),
            ),
          }),
      }, "Edit and resend"),
    ),
  ].filter((child) => child !== null);
}

function timeOf(timestamp) {
  const date = new Date(timestamp);
  const pad = (value, size = 2) => String(value).padStart(size, "0");
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())} ` +
    `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}.${
      pad(date.getMilliseconds(), 3)
    }`;
}

function keyOf({ key, key_base64: base64 }) {
  return base64 === undefined ? key ?? h("em", {}, "null") : hex(base64).slice(0, 60);
}

function lineOf({ value, value_base64: base64 }) {
  if (base64 !== undefined) return hex(base64).slice(0, 200);
  return value === null
    ? h("em", {}, "null (tombstone)")
    : value === ""
    ? h("em", {}, "empty")
    : value.slice(0, 300);
}

function hex(base64) {
  const binary = atob(base64);
  const lines = [];
  for (let at = 0; at < binary.length && at < 65_536; at += 16) {
    const part = [...binary.slice(at, at + 16)].map((character) => character.charCodeAt(0));
    const text = part.map((code) => code >= 32 && code < 127 ? String.fromCharCode(code) : ".")
      .join("");
    lines.push(
      `${at.toString(16).padStart(6, "0")}  ${
        part.map((code) => code.toString(16).padStart(2, "0")).join(" ").padEnd(47)
      }  ${text}`,
    );
  }
  return lines.join("\n");
}
