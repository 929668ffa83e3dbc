/**
 * Sends selected messages again, with the bytes and headers that they have: all to one topic, or each to
 * the topic that one of its headers names, as dead letter queues have it.
 */

import { inCluster, inParallel, request, send } from "./api.js";
import { field, h, number, openDialog, table } from "./dom.js";
import { wholeRecord } from "./record_at.js";

/** Most messages at once. */
export const MAX_SELECTED = 1000;
/** Messages of one request. */
const MAX_IN_REQUEST = 100;
/** Headers in which Kafka Connect, Spring and others say where a message was before. */
const ORIGINS = [
  "__connect.errors.topic",
  "kafka_dlt-original-topic",
  "x-original-topic",
  "original-topic",
  "original_topic",
];

/** A message as the API takes it. */
export function bodyOf(record) {
  const data = (text, base64) =>
    base64 !== undefined
      ? { type: "BINARY", data: base64 }
      : text === null || text === undefined
      ? { type: "BINARY", data: null }
      : { type: "STRING", data: text };
  return {
    key: data(record.key, record.key_base64),
    value: data(record.value, record.value_base64),
    headers: record.headers.map(({ key, value, value_base64: base64 }) => ({
      name: key,
      value: base64 ?? (value === null || value === undefined ? null : toBase64(value)),
    })),
  };
}

/** The base64 of a text in UTF-8. */
export function toBase64(text) {
  let binary = "";
  for (const byte of new TextEncoder().encode(text)) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/**
 * Which messages go where: `{ byTopic, skipped }`. Without a header all go to `topic`; with one, a message
 * goes to the topic that its last header of the name says, if there is such a topic.
 */
export function planOf(records, { topic, header, topics }) {
  const byTopic = new Map();
  const skipped = new Map();
  const add = (map, key, record) => {
    if (!map.has(key)) map.set(key, []);
    map.get(key).push(record);
  };
  for (const record of records) {
    const found = record.headers.findLast(({ key }) => key === header)?.value;
    const target = header === undefined ? topic : found;
    if (typeof target !== "string") add(skipped, `No header ${header} with a text`, record);
    else if (!topics.has(target)) add(skipped, `There is no topic ${target}`, record);
    else add(byTopic, target, record);
  }
  return { byTopic, skipped };
}

/** The header that most likely names the topic that messages come from. */
export function originHeaderOf(records) {
  const names = new Set(records.flatMap(({ headers }) => headers.map(({ key }) => key)));
  return ORIGINS.find((name) => names.has(name)) ??
    [...names].find((name) => /topic/i.test(name)) ?? "";
}

/**
 * Sends messages to a topic.
 *
 * @returns Those that were not written, with why: `[record, message]`.
 */
async function sendAll(topic, records) {
  const { data: [cluster] } = await request("GET", "/v3/clusters");
  const path = `/v3/clusters/${cluster.cluster_id}/topics/${encodeURIComponent(topic)}/records`;
  const failed = [];
  for (let at = 0; at < records.length; at += MAX_IN_REQUEST) {
    const part = records.slice(at, at + MAX_IN_REQUEST);
    let reports;
    try {
      const whole = await inParallel(part, wholeRecord);
      const response = await send(path, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: whole.map((record) => JSON.stringify(bodyOf(record))).join("\n"),
      });
      reports = (await response.text()).trim().split("\n").map((line) => JSON.parse(line));
    } catch (error) {
      reports = part.map(() => ({ message: error.message }));
    }
    for (const [i, record] of part.entries()) {
      // A request that was refused as a whole has one answer.
      const report = reports[i] ?? reports.at(-1);
      if (report.error_code !== 200) failed.push([record, report.message]);
    }
  }
  return failed;
}

/**
 * Opens the dialog. `onSent(failed, text)` is called with the messages that were not sent and what to say.
 */
export async function openRedrive(topic, records, onSent) {
  const { data } = await inCluster("GET", "/topics");
  const topics = new Set(data.map(({ topic_name: name }) => name));
  const names = data.filter(({ is_internal: isInternal }) => !isInternal)
    .map(({ topic_name: name }) => name).sort();
  const origin = originHeaderOf(records);
  const how = h(
    "select",
    {},
    h("option", { value: "topic" }, "One topic"),
    h("option", { value: "header", selected: origin !== "" }, "The topic that a header names"),
  );
  const target = h(
    "select",
    {},
    names.map((name) => h("option", { value: name, selected: name === topic }, name)),
  );
  const header = h("input", { value: origin, class: "data" });
  const targetField = field("Topic", target);
  const headerField = field("Header", header);
  const shown = h("div", { role: "status" });
  let plan;
  const forget = () => {
    plan = undefined;
    shown.replaceChildren();
    targetField.hidden = how.value !== "topic";
    headerField.hidden = how.value !== "header";
  };
  how.onchange = target.onchange = header.oninput = forget;
  forget();
  const preview = h("button", {
    type: "button",
    onclick: () => {
      plan = planOf(records, {
        topic: target.value,
        header: how.value === "header" ? header.value : undefined,
        topics,
      });
      shown.replaceChildren(planTable(plan));
    },
  }, "Show what will be sent");
  const count = records.length.toLocaleString("en-US");
  openDialog(
    `Resend ${count} message${records.length === 1 ? "" : "s"}`,
    [
      h("p", {}, "They are written again as they are, at new offsets; the originals stay."),
      field("To", how),
      targetField,
      headerField,
      h("div", { class: "row" }, preview),
      shown,
    ],
    "Send",
    async () => {
      if (plan === undefined) throw new Error("Show what will be sent first");
      if (plan.byTopic.size === 0) throw new Error("There is nothing to send");
      const failed = [];
      let sent = 0;
      for (const [name, part] of plan.byTopic) {
        const notSent = await sendAll(name, part);
        failed.push(...notSent);
        sent += part.length - notSent.length;
      }
      const left = [...failed.map(([record]) => record), ...[...plan.skipped.values()].flat()];
      const why = failed.length > 0 ? `; ${failed.length} were not: ${failed[0][1]}` : "";
      onSent(left, `${sent.toLocaleString("en-US")} sent again${why}`, failed.length > 0);
    },
  );
}

function planTable({ byTopic, skipped }) {
  return table(["To", { text: "Messages", class: "number" }], [
    ...Array.from(byTopic, ([name, part]) => [name, number(part.length)]),
    ...Array.from(skipped, ([why, part]) => [
      { text: `▲ Not sent: ${why}`, class: "warn wrap" },
      number(part.length),
    ]),
  ]);
}
