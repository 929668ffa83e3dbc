/** Transactions: those that are open, the oldest first, one with its partitions, and their abort. */

import { eachOf, inCluster } from "./api.js";
import { durationOf, field, h, link, number, openDialog, redraw, table } from "./dom.js";
import { timeOf } from "./time.js";

const REFRESH_MS = 5000;
const MAX_ROWS = 500;

const pathOf = (id) => `/ui/transactions/${encodeURIComponent(id)}`;
const topicPath = (name) => `/ui/topics/${encodeURIComponent(name)}/messages`;
/** `PrepareCommit` as `prepare commit`. */
const wordsOf = (state) => state.replaceAll(/(?<=[a-z])[A-Z]/g, " $&").toLowerCase();

/** How long a transaction has been open: bad if longer than its producer said it may take. */
function ageOf({ start_time: start, timeout_ms: timeout }) {
  if (start === undefined || start === null) return "–";
  const ms = Math.max(0, Date.now() - Date.parse(start));
  const text = durationOf(ms / 1000);
  return ms > timeout
    ? { text: `▲ ${text}`, class: "bad", title: "Longer than its timeout" }
    : { text, title: timeOf(Date.parse(start)) };
}

export async function transactions({ params, onLeave, reload }) {
  const search = h("input", {
    type: "search",
    value: params.get("q") ?? "",
    oninput: () => draw(),
  });
  const all = h("input", {
    type: "checkbox",
    checked: params.get("all") === "1",
    onchange: () => refresh(),
  });
  const count = h("p", { role: "status", class: "dim" });
  const list = h("div");
  let data = [];
  const draw = () => {
    const address = new URLSearchParams();
    if (search.value !== "") address.set("q", search.value);
    if (all.checked) address.set("all", "1");
    globalThis.history.replaceState(null, "", address.size === 0 ? "?" : `?${address}`);
    const shown = data.filter(({ transactional_id: id }) => id.includes(search.value));
    count.textContent = data.length === 0
      ? all.checked ? "No producer has used transactions yet." : "No transaction is open."
      : `${shown.length.toLocaleString("en-US")} of ${data.length.toLocaleString("en-US")}` +
        (shown.length > MAX_ROWS ? `, the first ${MAX_ROWS} are shown` : "");
    if (data.length === 0) return redraw(list);
    const right = (text) => ({ text, class: "number" });
    redraw(
      list,
      table(
        [
          "Transactional id",
          "State",
          "Open for",
          right("Partitions"),
          right("Producer"),
          "Coordinator",
          "",
        ],
        shown.slice(0, MAX_ROWS).map((one) => [
          link(pathOf(one.transactional_id), one.transactional_id),
          stateOf(one),
          ageOf(one),
          number(one.partitions_count),
          number(one.producer_id),
          link(`/ui/brokers/${one.coordinator_id}`, `broker ${one.coordinator_id}`),
          abortButton(one, reload),
        ]),
      ),
    );
  };
  const refresh = async () => {
    const query = all.checked ? "" : "?open=true";
    data = (await inCluster("GET", `/transactions${query}`)).data;
    draw();
  };
  await refresh();
  eachOf(REFRESH_MS, refresh, onLeave);
  return {
    title: "Transactions",
    content: [
      h(
        "div",
        { class: "row" },
        field("Search", search),
        h("label", { class: "check" }, all, "Also those that have ended"),
      ),
      count,
      list,
    ],
  };
}

export async function transaction({ onLeave, reload }, id) {
  const at = `/transactions/${encodeURIComponent(id)}`;
  const about = h("div");
  const partitions = h("div");
  const buttons = h("div", { class: "row" });
  const refresh = async () => {
    const one = await inCluster("GET", at);
    redraw(
      about,
      table(["What", "Value"], [
        ["State", stateOf(one)],
        ["Began", one.start_time === null ? "–" : timeOf(Date.parse(one.start_time))],
        ["Open for", ageOf(one)],
        ["May take", durationOf(one.timeout_ms / 1000)],
        ["Producer id", String(one.producer_id)],
        ["Producer epoch", String(one.producer_epoch)],
        ["Coordinator", link(`/ui/brokers/${one.coordinator_id}`, `broker ${one.coordinator_id}`)],
      ]),
    );
    redraw(buttons, abortButton(one, reload));
    redraw(
      partitions,
      one.partitions.length === 0 ? h("p", { class: "dim" }, "It has written nothing yet.") : table(
        ["Topic", { text: "Partition", class: "number" }],
        one.partitions.map((each) => [
          link(topicPath(each.topic_name), each.topic_name),
          number(each.partition_id),
        ]),
      ),
    );
  };
  await refresh();
  eachOf(REFRESH_MS, refresh, onLeave);
  return { title: id, content: [about, buttons, h("h2", {}, "Partitions"), partitions] };
}

function stateOf({ state }) {
  return state === "Ongoing" ? { text: "● ongoing", class: "ok" } : wordsOf(state);
}

function abortButton(one, reload) {
  if (one.state !== "Ongoing") return "";
  const { transactional_id: id, producer_epoch: epoch } = one;
  return h("button", {
    class: "danger",
    "aria-label": `Abort the transaction of ${id}`,
    onclick: () =>
      openDialog(
        `Abort the transaction of ${id}`,
        [
          h(
            "p",
            {},
            "Readers of committed messages skip all that it has written. Its producer is fenced: it " +
              "fails, and must begin again with what it was doing.",
          ),
        ],
        "Abort",
        async () => {
          await inCluster("POST", `/transactions/${encodeURIComponent(id)}/abort`, {
            producer_epoch: epoch,
          });
          reload();
        },
        true,
      ),
  }, "Abort…");
}
