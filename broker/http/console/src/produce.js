/** Sends a message: a new one, or another one as it is or edited, whatever its bytes are. */

import { inCluster } from "./api.js";
import { field, h, link } from "./dom.js";
import { recordAt } from "./record_at.js";
import { toBase64 } from "./redrive.js";

const FORMS = [["text", "Text"], ["json", "JSON"], ["base64", "Base64"], ["null", "Null"]];
const TYPES = { text: "STRING", json: "STRING", base64: "BINARY" };

/** A field for bytes: its form, and its content. */
function bytesField(label, { text, base64, isNull }, isLong) {
  const initial = base64 !== undefined ? "base64" : isNull ? "null" : "text";
  const form = h(
    "select",
    { onchange: () => input.disabled = form.value === "null" },
    FORMS.map(([value, name]) => h("option", { value, selected: value === initial }, name)),
  );
  const input = h(isLong ? "textarea" : "input", {
    value: base64 ?? text ?? "",
    class: "data",
    disabled: initial === "null",
    spellcheck: "false",
  });
  return {
    element: h("div", { class: "bytes" }, field(label, input), field(`${label} as`, form)),
    /** What the API takes; null for a null. Throws if it is to be JSON, and is not. */
    get data() {
      if (form.value === "null") return null;
      if (form.value === "json") ensureJson(label, input.value);
      // JSON is sent as it was written, with all digits of its numbers.
      return { type: TYPES[form.value], data: input.value };
    },
    get base64() {
      if (form.value === "null") return null;
      return form.value === "base64" ? input.value : toBase64(input.value);
    },
  };
}

function ensureJson(label, text) {
  try {
    JSON.parse(text);
  } catch (error) {
    throw new Error(`${label} is not JSON: ${error.message}`);
  }
}

const contentOf = (value, base64) => ({ text: value ?? "", base64, isNull: value === null });

/** The record at `PARTITION:OFFSET`; undefined if it is gone. */
async function recordOf(topic, place) {
  const [, partition, offset] = /^(\d+):(\d+)$/.exec(place) ?? [];
  return partition === undefined ? undefined : await recordAt(topic, partition, offset);
}

/** The page. `from` in its address names a message to send again. */
export async function produceView(topic, params) {
  const place = params.get("from");
  const record = place === null ? undefined : await recordOf(topic, place);
  const { data: topics } = await inCluster("GET", "/topics");
  const names = topics.filter(({ is_internal: isInternal }) => !isInternal)
    .map(({ topic_name: name }) => name).sort();
  const target = h(
    "select",
    {},
    (names.includes(topic) ? names : [topic, ...names]).map((name) =>
      h("option", { value: name, selected: name === topic }, name)
    ),
  );
  const partition = h("input", { type: "number", min: 0, placeholder: "auto" });
  const key = bytesField("Key", contentOf(record?.key ?? null, record?.key_base64), false);
  const value = bytesField(
    "Value",
    record === undefined
      ? contentOf("", undefined)
      : contentOf(record.value ?? null, record.value_base64),
    true,
  );
  const headers = [];
  const headerList = h("div");
  const addHeader = ({ key: name, value: text = null, value_base64: base64 }) => {
    const nameField = h("input", { value: name });
    const content = bytesField("Value", contentOf(text, base64), false);
    const row = h(
      "div",
      { class: "row header" },
      field("Header", nameField),
      content.element,
      h("button", {
        type: "button",
        "aria-label": "Remove the header",
        onclick: () => {
          headers.splice(headers.indexOf(header), 1);
          row.remove();
        },
      }, "✕"),
    );
    const header = { name: nameField, content };
    headers.push(header);
    headerList.append(row);
  };
  for (const header of record?.headers ?? []) addHeader(header);
  const result = h("p", { role: "status" });
  const send = async (event) => {
    event.preventDefault();
    result.className = "dim";
    result.textContent = "Sending…";
    try {
      const report = await inCluster(
        "POST",
        `/topics/${encodeURIComponent(target.value)}/records`,
        {
          ...(partition.value === "" ? {} : { partition_id: Number(partition.value) }),
          ...(key.data === null ? {} : { key: key.data }),
          value: value.data ?? { type: "BINARY", data: null },
          headers: headers.map(({ name, content }) => ({
            name: name.value,
            value: content.base64,
          })),
        },
      );
      if (report.error_code !== 200) throw new Error(report.message);
      const { partition_id: written, offset } = report;
      const path = `/ui/topics/${encodeURIComponent(target.value)}/messages`;
      result.className = "ok";
      result.replaceChildren(
        `● Written to partition ${written}, offset ${offset}. `,
        link(`${path}?offset=${offset}:${offset + 1}&p=${written}`, "Show it"),
      );
    } catch (error) {
      result.className = "bad";
      result.textContent = error.message;
    }
  };
  return h(
    "form",
    { onsubmit: send },
    place !== null && h(
      "p",
      { class: record === undefined ? "bad" : "dim" },
      record === undefined
        ? `The message at ${place} is gone`
        : `A copy of partition ${record.partition}, offset ${record.offset}; the original stays as it is`,
    ),
    h("div", { class: "row" }, field("Topic", target), field("Partition", partition)),
    key.element,
    value.element,
    headerList,
    h(
      "div",
      { class: "row" },
      h("button", { class: "primary" }, "Send"),
      h(
        "button",
        { type: "button", onclick: () => addHeader({ key: "", value: "" }) },
        "Add header",
      ),
    ),
    result,
  );
}
