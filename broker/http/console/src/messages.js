/** Messages of a topic: search with progress, live tail, details, and export. */

import { inCluster, inParallel } from "./api.js";
import { copy, field, h, isTyping } from "./dom.js";
import { save, saveAll, textOf } from "./export.js";
import { streamQuery } from "./message_query.js";
import { wholeRecord } from "./record_at.js";
import { recordTable } from "./record_table.js";
import { MAX_SELECTED, openRedrive } from "./redrive.js";
import { addressOf, recordView, resendPath } from "./record_view.js";
import { socketProtocols } from "./session.js";
import { fieldOf, partsOf, timestampOf } from "./time.js";

const STARTS = [
  ["-100", "Newest 100 of each partition"],
  ["-1000", "Newest 1,000 of each"],
  ["start", "Start"],
  ["@-1h", "Last hour"],
  ["@-1d", "Last day"],
  ["times", "Between two times…"],
  ["other", "Offset or range…"],
  ["end", "New ones only"],
];
/** More than so many in one drawing are thinned out: nobody reads them. */
const MAX_AT_ONCE = 500;
/** Bytes of values in the list. Whole ones are read when they are opened. */
const VALUE_BYTES = 4096;
/** How often a live list says how many there are, to the eye and to a screen reader. */
const SAY_MS = 500;
const ANNOUNCE_MS = 5000;
/** How long to wait before a live list connects again, at first and at most. */
const RETRY_MS = 500;
const MAX_RETRY_MS = 5000;
const REASONS = {
  slow: "they came too fast",
  retention: "they are deleted",
  truncated: "they were never committed",
};
const number = (value) => value.toLocaleString("en-US");

/** The page's content. `params` are those of its address, which the search changes. */
export function messagesView(topic, partitions, { params, onLeave, go }) {
  const wanted = params.get("offset") ?? "-100";
  const times = /^@(\d{12,15})(?::(\d{12,15}|end))?$/.exec(wanted);
  const isListed = STARTS.some(([value]) => value === wanted);
  const chosen = times !== null ? "times" : isListed ? wanted : "other";
  const start = h(
    "select",
    { onchange: () => showTimes() },
    STARTS.map(([value, text]) => h("option", { value, selected: value === chosen }, text)),
  );
  const time = (ms) =>
    h("input", { type: "datetime-local", step: "1", value: ms > 0 ? fieldOf(ms) : "" });
  const from = time(Number(times?.[1] ?? Date.now() - 3_600_000));
  const to = time(Number(times?.[2]));
  const between = h("div", { class: "row inner" }, field("After", from), field("Before", to));
  const range = h("input", {
    value: chosen === "other" ? wanted : "",
    placeholder: "42, 100:200, +50, -20, @-2h",
    class: "data",
  });
  const rangeField = field("Offset or range", range);
  const showTimes = () => {
    between.hidden = start.value !== "times";
    rangeField.hidden = start.value !== "other";
  };
  showTimes();
  const partition = h(
    "select",
    {},
    h("option", { value: "" }, "all"),
    partitions.map(({ partition_id: id }) =>
      h("option", { value: id, selected: params.get("p") === String(id) }, id)
    ),
  );
  const isolation = h(
    "select",
    { title: "Whether to show messages of transactions that are open or were aborted" },
    [["", "all"], ["read_committed", "committed"]].map(([value, text]) =>
      h("option", { value, selected: value === params.get("isolation") }, text)
    ),
  );
  const find = h("input", {
    value: params.get("q") ?? "",
    placeholder: "text, key:alice, $.id = 7",
    type: "search",
    "aria-describedby": "find-help",
  });
  const filter = h("input", {
    value: params.get("filter") ?? "",
    placeholder: "value.total > 100",
    class: "data",
    "aria-describedby": "find-help",
  });
  const status = h("p", { role: "status", class: "dim" });
  /** What is missing from the list. */
  const gaps = h("ul", { class: "plain warn" });
  const announcement = h("p", { role: "status", class: "unseen" });
  const bar = h("progress", { max: 1, hidden: true, "aria-label": "Progress of the search" });
  const detail = h("section", { class: "detail", hidden: true, "aria-label": "Message" });
  /** The record whose details are shown, whole. */
  let opened;
  const close = () => {
    opened = undefined;
    detail.hidden = true;
    records.unselect();
  };
  const open = async (record) => {
    opened = record;
    detail.hidden = false;
    let content;
    try {
      if (record.value_cut) {
        detail.replaceChildren(h("p", { class: "dim" }, "Loading the message…"));
      }
      const whole = await wholeRecord(record);
      if (opened !== record) return;
      opened = whole;
      content = recordView(topic, whole, { onClose: close, onMove: (by) => records.move(by) });
    } catch (error) {
      content = [
        h("p", { class: "bad", role: "alert" }, error.message),
        h("button", { onclick: close }, "Close"),
      ];
    }
    detail.replaceChildren(...content);
    detail.scrollTop = 0;
  };
  const records = recordTable({
    onOpen: open,
    onSelect(count) {
      redrive.disabled = count === 0 || count > MAX_SELECTED;
      redrive.textContent = count === 0 ? "Resend…" : `Resend ${number(count)}…`;
      redrive.title = count > MAX_SELECTED
        ? `At most ${number(MAX_SELECTED)} at once`
        : "Send the selected messages again";
    },
  });
  const redrive = h("button", {
    type: "button",
    disabled: true,
    title: "Send the selected messages again",
    onclick: () =>
      openRedrive(topic, records.selection(), (left, text, hasFailed) => {
        records.select(left);
        say(text, hasFailed ? "bad" : "ok");
      }).catch((error) => say(error.message, "bad")),
  }, "Resend…");
  let socket;
  let found = 0;
  /** Messages that were found and not drawn, because there were too many at once. */
  let thinned = 0;
  let pending = [];
  let isDrawing = false;
  let retryTimer;
  /** Distinguishes connections that are being made. */
  let attempts = 0;
  let saidMs = 0;
  let announcedMs = 0;

  const draw = () => {
    isDrawing = false;
    const added = pending;
    pending = [];
    if (added.length <= MAX_AT_ONCE || !isLive()) return records.add(added);
    const step = added.length / MAX_AT_ONCE;
    thinned += added.length - MAX_AT_ONCE;
    records.add(Array.from({ length: MAX_AT_ONCE }, (_, i) => added[Math.floor(i * step)]));
  };
  const add = (more) => {
    pending.push(...more);
    found += more.length;
    if (isDrawing) return;
    isDrawing = true;
    requestAnimationFrame(draw);
  };
  const liveOrSearching = () => !stopButton.disabled;
  const isLive = () => liveButton.getAttribute("aria-pressed") === "true";
  const say = (text, kind = "dim") => {
    status.className = kind;
    status.textContent = text;
  };
  const stop = () => {
    clearTimeout(retryTimer);
    attempts++;
    socket?.close();
    socket = undefined;
    bar.hidden = true;
    stopButton.disabled = true;
    liveButton.setAttribute("aria-pressed", "false");
  };
  const offset = () => {
    if (start.value === "other") {
      if (range.value.trim() === "") throw new Error("Say from which offset");
      return range.value.trim();
    }
    if (start.value !== "times") return start.value;
    const [fromMs, toMs] = [timestampOf(from.value), timestampOf(to.value)];
    if (Number.isNaN(fromMs)) throw new Error("Say after which time");
    return `@${fromMs}:${Number.isNaN(toMs) ? "end" : toMs}`;
  };
  const asked = () => ({
    offset: offset(),
    partition: partition.value,
    isolation: isolation.value,
    find: find.value,
    filter: filter.value,
  });
  const remember = ({ offset, partition, isolation, find, filter }) => {
    const address = new URLSearchParams({ offset });
    if (partition !== "") address.set("p", partition);
    if (isolation !== "") address.set("isolation", isolation);
    if (find !== "") address.set("q", find);
    if (filter !== "") address.set("filter", filter);
    history.replaceState(null, "", `?${address}`);
  };
  const run = (live) => {
    stop();
    pending = [];
    found = thinned = 0;
    saidMs = 0;
    records.clear();
    gaps.replaceChildren();
    close();
    let query;
    try {
      const fields = asked();
      remember(fields);
      query = streamQuery(live ? { ...fields, offset: "end" } : fields);
    } catch (error) {
      return say(error.message, "bad");
    }
    query.set("batch", "1");
    query.set("value", String(VALUE_BYTES));
    if (!live) query.set("exit", "1");
    say(live ? "Live: waiting for messages…" : "Searching…");
    stopButton.disabled = false;
    liveButton.setAttribute("aria-pressed", String(live));
    status.setAttribute("aria-live", live ? "off" : "polite");
    connect(query, live, RETRY_MS);
  };
  const connect = async (query, live, retryMs) => {
    const mine = ++attempts;
    let protocols;
    try {
      protocols = await socketProtocols(inCluster);
    } catch (error) {
      if (mine !== attempts) return;
      if (live) return retry(query, retryMs);
      stop();
      return say(error.message, "bad");
    }
    if (mine !== attempts) return;
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const opened = new WebSocket(
      `${scheme}://${location.host}/topics/${encodeURIComponent(topic)}/stream?${query}`,
      protocols,
    );
    socket = opened;
    follow(opened, query, live, retryMs);
  };
  const retry = (query, retryMs) => {
    retryTimer = setTimeout(
      () => connect(query, true, Math.min(MAX_RETRY_MS, 2 * retryMs)),
      retryMs,
    );
  };
  const sayLive = () => {
    const nowMs = performance.now();
    if (nowMs - saidMs < SAY_MS) return;
    saidMs = nowMs;
    const text = `Live: ${number(found)} messages` +
      (thinned > 0 ? `, ${number(thinned)} of them not shown: there are too many` : "");
    say(text);
    if (nowMs - announcedMs < ANNOUNCE_MS) return;
    announcedMs = nowMs;
    announcement.textContent = text;
  };
  const showGap = ({ partition, from, to, reason }) => {
    gaps.append(h(
      "li",
      {},
      `▲ ${number(to - from)} messages of partition ${partition} are not shown: ${
        REASONS[reason] ?? reason
      } `,
      reason === "slow" && h("a", {
        href: `/ui/topics/${
          encodeURIComponent(topic)
        }/messages?offset=${from}:${to}&p=${partition}`,
      }, "Show them"),
    ));
  };
  const follow = (opened, query, live, retryMs) => {
    const startedMs = performance.now();
    const progress = (scanned, behind) => {
      const rate = 1000 * scanned / Math.max(1, performance.now() - startedMs);
      bar.hidden = false;
      bar.value = scanned / Math.max(1, scanned + behind);
      const left = behind > 0
        ? `, ${number(Math.round(rate))}/s, ${Math.ceil(behind / Math.max(1, rate))} s left`
        : "";
      say(`${number(scanned)} of ${number(scanned + behind)} read, ${number(found)} found${left}`);
    };
    let hasSaid = false;
    opened.onmessage = ({ data }) => {
      if (socket !== opened) return;
      const message = JSON.parse(data);
      // A live list continues here if the connection breaks.
      if (live && message.id !== undefined) query.set("last-event-id", message.id);
      if (live && !hasSaid) {
        hasSaid = true;
        retryMs = RETRY_MS;
        saidMs = 0;
        if (found > 0) sayLive();
        else say("Live: waiting for messages…");
      }
      switch (message.type) {
        case "batch":
          add(message.records);
          if (live) sayLive();
          break;
        case "progress":
          if (!live) progress(message.scanned, message.behind);
          break;
        case "gap":
          showGap(message);
          break;
        case "error":
          stop();
          say(message.message, "bad");
          break;
        case "end":
          stop();
          draw();
          records.sort();
          say(endOf(message, performance.now() - startedMs));
          break;
      }
    };
    opened.onclose = () => {
      if (socket !== opened) return;
      if (!live) {
        stop();
        return say("The connection was closed. Search again to continue.", "warn");
      }
      if (hasSaid || retryMs === RETRY_MS) {
        say(
          `▲ Live: not connected since ${partsOf(Date.now()).time.slice(0, 8)}, trying again.` +
            (query.has("last-event-id") ? " Nothing will be missing." : ""),
          "warn",
        );
      }
      retry(query, retryMs);
    };
  };
  const endOf = ({ matched, scanned, skipped }, ms) => {
    const notRead = skipped > 0
      ? ` ${number(skipped)} have no such field, or are too large for CEL.`
      : "";
    if (matched === 0) {
      return `No messages among the ${number(scanned)} that were read. Start earlier, or search ` +
        `for less.${notRead}`;
    }
    const shown = records.count < matched ? `; the last ${number(records.count)} are shown` : "";
    return `${number(matched)} found among ${number(scanned)} in ${
      (ms / 1000).toFixed(1)
    } s${shown}${notRead === "" ? "" : `.${notRead}`}`;
  };
  const stopButton = h("button", {
    type: "button",
    disabled: true,
    onclick: () => {
      stop();
      say(`Stopped: ${number(found)} found`);
    },
  }, "Stop");
  const liveButton = h("button", {
    type: "button",
    "aria-pressed": "false",
    onclick: () => run(true),
  }, "Live");
  const exported = h(
    "select",
    {
      "aria-label": "Export",
      onchange: () => {
        const [what, format] = exported.value.split(" ");
        exported.value = "";
        if (what === "shown") exportShown(format);
        else exportAll(format);
      },
    },
    [
      ["", "Export…"],
      ["shown jsonl", "Shown messages, JSON lines"],
      ["shown csv", "Shown messages, CSV"],
      ["all jsonl", "All that the search finds, JSON lines"],
      ["all csv", "All that the search finds, CSV"],
    ].map(([value, text]) => h("option", { value }, text)),
  );
  const exportShown = async (format) => {
    try {
      const whole = await inParallel(records.all(), wholeRecord);
      save(`${topic}.${format}`, [textOf(whole, format)], "text/plain");
    } catch (error) {
      say(error.message, "bad");
    }
  };
  const exportAll = async (format) => {
    stop();
    const ending = new AbortController();
    socket = { close: () => ending.abort() };
    stopButton.disabled = false;
    try {
      const { count, isCut } = await saveAll(
        topic,
        streamQuery(asked()),
        format,
        (count) => say(`Exporting: ${number(count)} messages`),
        ending.signal,
      );
      say(`Exported ${number(count)} messages${isCut ? "; there are more" : ""}`);
    } catch (error) {
      say(error.message, "bad");
    }
    stop();
  };
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
    between,
    rangeField,
    field("Partition", partition),
    field("Show", isolation),
    field("Find", find),
    field("CEL", filter),
    h("button", { class: "primary" }, "Search"),
    liveButton,
    stopButton,
    exported,
    redrive,
  );
  const copied = async (text, what) => say(await copy(text) ? `${what} copied` : "Cannot copy");
  const keys = (event) => {
    if (isTyping(event)) return;
    const { key } = event;
    if (key === "j") records.move(1);
    else if (key === "k") records.move(-1);
    else if (key === "x") records.toggle();
    else if (key === "l") run(true);
    else if (key === "n") go(`/ui/topics/${encodeURIComponent(topic)}/produce`);
    else if (key === "Escape" && !detail.hidden) close();
    else if (key === "Escape" && liveOrSearching()) stopButton.click();
    else if (opened === undefined) return;
    else if (key === "e") go(resendPath(topic, opened));
    else if (key === "c") copied(opened.value ?? opened.value_base64 ?? "", "Value");
    else if (key === "y") copied(addressOf(topic, opened), "Link");
  };
  document.addEventListener("keydown", keys);
  onLeave(() => {
    document.removeEventListener("keydown", keys);
    stop();
  });
  run(false);
  return [
    form,
    h(
      "p",
      { class: "dim help", id: "find-help" },
      "Find: a text in key or value; key:… for a whole key; header.NAME:… for a header; $.path, " +
        '$.path = 7, $.path ~ "part" for JSON. CEL knows key, value, text, headers, partition, offset, ' +
        "timestamp and size.",
    ),
    bar,
    status,
    gaps,
    announcement,
    h("div", { class: "split" }, records.element, detail),
  ];
}
