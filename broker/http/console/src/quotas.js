/** Quotas: the list, and dialogs that set and remove them. */

import { inCluster } from "./api.js";
import { bytes, field, h, openDialog, table } from "./dom.js";

/** Kafka's quotas, with what they limit; `isOfIp` for those of addresses. */
const QUOTAS = [
  ["producer_byte_rate", "Bytes written a second", false],
  ["consumer_byte_rate", "Bytes read a second", false],
  ["request_percentage", "Percent of a processor core", false],
  ["controller_mutation_rate", "Partitions created or deleted a second", false],
  ["connection_creation_rate", "New connections a second", true],
];
const FOR = [
  ["user", "A user"],
  ["every user", "Every other user"],
  ["client-id", "A client id"],
  ["every client-id", "Every other client id"],
  ["both", "A client id of a user"],
  ["ip", "An address"],
  ["every ip", "Every other address"],
];

/** Whom quotas concern, in words. */
export function entityInWords(entity) {
  return Object.entries(entity)
    .map(([type, name]) => `${type.replace("-", " ")} ${name ?? "(every other)"}`).join(", ");
}

/** A value with its unit. */
export function valueInWords(name, value) {
  if (name.endsWith("_byte_rate")) return `${bytes(value)}/s`;
  if (name === "request_percentage") return `${value} %`;
  return `${value.toLocaleString("en-US")}/s`;
}

/** The number of a text such as `1 MiB` or `500k`; null for an empty one. */
export function numberOf(text) {
  if (text.trim() === "") return null;
  const [, digits, unit = ""] = /^\s*([\d.]+)\s*([kmg]i?)?b?\s*$/i.exec(text) ?? [];
  const factors = { "": 1, k: 1e3, m: 1e6, g: 1e9, ki: 2 ** 10, mi: 2 ** 20, gi: 2 ** 30 };
  const value = Number(digits) * factors[unit.toLowerCase()];
  if (!Number.isFinite(value)) throw new Error(`"${text}" is not a number, such as 1 MiB`);
  return value;
}

export async function quotas({ reload }, _session) {
  const { data } = await inCluster("GET", "/quotas");
  const rows = data.map((quota) => [
    { text: entityInWords(quota.entity), class: "data" },
    h(
      "span",
      {},
      Object.entries(quota.values).map(([name, value]) =>
        h("span", { class: "line-of" }, `${name.replaceAll("_", " ")} ${valueInWords(name, value)}`)
      ),
    ),
    h(
      "span",
      { class: "buttons" },
      h("button", {
        class: "small",
        "aria-label": `Edit the quotas of ${entityInWords(quota.entity)}`,
        onclick: () => openQuota(reload, quota),
      }, "Edit…"),
      h("button", {
        class: "danger small",
        "aria-label": `Delete the quotas of ${entityInWords(quota.entity)}`,
        onclick: () => deleteQuota(reload, quota),
      }, "Delete…"),
    ),
  ]);
  return [
    h(
      "div",
      { class: "row" },
      h("button", { class: "primary", onclick: () => openQuota(reload) }, "New quota"),
    ),
    rows.length === 0
      ? h("p", { class: "dim" }, "There are no quotas: nobody is slowed down.")
      : table(["Of", "Limits", ""], rows),
  ];
}

function openQuota(reload, quota) {
  const kind = h(
    "select",
    { autofocus: true },
    FOR.map(([value, text]) => h("option", { value }, text)),
  );
  const name = h("input", { class: "data" });
  const client = h("input", { class: "data" });
  const [nameField, clientField] = [field("Name", name), field("Client id", client)];
  const inputs = new Map(
    QUOTAS.map(([key]) => [
      key,
      h("input", {
        class: "data",
        placeholder: key.endsWith("_byte_rate") ? "no limit, or such as 1 MiB" : "no limit",
        value: quota?.values[key] === undefined ? "" : String(quota.values[key]),
      }),
    ]),
  );
  const isOfIp = () => quota === undefined ? kind.value.endsWith("ip") : "ip" in quota.entity;
  const fields = QUOTAS.map(([key, text, ofIp]) => [field(text, inputs.get(key)), ofIp]);
  const draw = () => {
    nameField.hidden = kind.value.startsWith("every");
    clientField.hidden = kind.value !== "both";
    for (const [one, ofIp] of fields) one.hidden = ofIp !== isOfIp();
  };
  kind.onchange = draw;
  draw();
  const entityOf = () => {
    if (quota !== undefined) return quota.entity;
    if (kind.value.startsWith("every ")) return { [kind.value.slice(6)]: null };
    if (name.value.trim() === "") throw new Error("Say of whom");
    if (kind.value !== "both") return { [kind.value]: name.value.trim() };
    if (client.value.trim() === "") throw new Error("Say of which client id");
    return { "user": name.value.trim(), "client-id": client.value.trim() };
  };
  openDialog(
    quota === undefined ? "New quota" : `Quotas of ${entityInWords(quota.entity)}`,
    [
      quota === undefined && [field("Of", kind), nameField, clientField],
      fields.map(([one]) => one),
      h("p", { class: "dim" }, "Clients beyond a limit are slowed down; no request fails."),
    ],
    "Save",
    async () => {
      const values = {};
      for (const [key, , ofIp] of QUOTAS) {
        const value = ofIp === isOfIp() ? numberOf(inputs.get(key).value) : null;
        if (value !== null || quota?.values[key] !== undefined) values[key] = value;
      }
      if (Object.keys(values).length === 0) throw new Error("Set a limit");
      await inCluster("POST", "/quotas:alter", { data: [{ entity: entityOf(), values }] });
      reload();
    },
  );
}

function deleteQuota(reload, { entity, values }) {
  openDialog(
    `Delete the quotas of ${entityInWords(entity)}`,
    [h("p", {}, "There is no limit for it then, unless another quota is for it, too.")],
    "Delete",
    async () => {
      const none = Object.fromEntries(Object.keys(values).map((name) => [name, null]));
      await inCluster("POST", "/quotas:alter", { data: [{ entity, values: none }] });
      reload();
    },
    true,
  );
}
