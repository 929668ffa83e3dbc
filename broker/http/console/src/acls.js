/** ACLs: the list, a dialog that creates some, and why somebody may do something or may not. */

import { inCluster } from "./api.js";
import { field, h, openDialog, Order, redraw, sortedTable } from "./dom.js";

const MAX_ROWS = 500;
const TYPES = ["TOPIC", "GROUP", "CLUSTER", "TRANSACTIONAL_ID", "DELEGATION_TOKEN", "USER"];
const CLUSTER = "kafka-cluster";
/** What can be allowed for each type of resource, as Kafka has it. */
export const OPERATIONS = {
  TOPIC: [
    "ALL",
    "READ",
    "WRITE",
    "CREATE",
    "DELETE",
    "ALTER",
    "DESCRIBE",
    "DESCRIBE_CONFIGS",
    "ALTER_CONFIGS",
  ],
  GROUP: ["ALL", "READ", "DESCRIBE", "DELETE", "DESCRIBE_CONFIGS", "ALTER_CONFIGS"],
  CLUSTER: [
    "ALL",
    "CREATE",
    "ALTER",
    "DESCRIBE",
    "CLUSTER_ACTION",
    "DESCRIBE_CONFIGS",
    "ALTER_CONFIGS",
    "IDEMPOTENT_WRITE",
  ],
  TRANSACTIONAL_ID: ["ALL", "DESCRIBE", "WRITE", "TWO_PHASE_COMMIT"],
  DELEGATION_TOKEN: ["ALL", "DESCRIBE"],
  USER: ["ALL", "CREATE_TOKENS", "DESCRIBE_TOKENS"],
};
const PURPOSES = [
  ["consumer", "Read a topic in a group"],
  ["producer", "Write to a topic"],
  ["one", "One ACL…"],
];
const words = (text) => text.toLowerCase().replaceAll("_", " ");
const lines = (names) => names.split(",").map((name) => name.trim()).filter((name) => name !== "");

/** `User:alice`, also if only the name was entered. */
export function principalOf(text) {
  const trimmed = text.trim();
  return trimmed === "" || trimmed.includes(":") ? trimmed : `User:${trimmed}`;
}

/** An ACL in words: `allow User:alice to read topic orders`. */
export function aclInWords(acl) {
  const isCluster = acl.resource_type === "CLUSTER";
  const name = acl.pattern_type === "PREFIXED"
    ? ` ${acl.resource_name}…`
    : acl.resource_name === "*"
    ? "s, all"
    : isCluster
    ? ""
    : ` ${acl.resource_name}`;
  const host = acl.host === "*" ? "" : ` from ${acl.host}`;
  const what = acl.operation === "ALL" ? "do everything with" : words(acl.operation);
  return `${words(acl.permission)} ${acl.principal}${host} to ${what} ${
    words(acl.resource_type)
  }${name}`;
}

/** The ACLs for a purpose: what its fields are, see `openNewAcl`. */
export function aclsFor({ purpose, principal, host, topics, groups, isPrefix, transactions, one }) {
  const common = {
    principal: principalOf(principal),
    host: host.trim() === "" ? "*" : host.trim(),
    permission: "ALLOW",
  };
  const of = (type, names, operations) =>
    lines(names).flatMap((name) =>
      operations.map((operation) => ({
        ...common,
        resource_type: type,
        resource_name: name,
        pattern_type: isPrefix && name !== "*" ? "PREFIXED" : "LITERAL",
        operation,
      }))
    );
  if (purpose === "consumer") {
    return [
      ...of("TOPIC", topics, ["READ", "DESCRIBE"]),
      ...of("GROUP", groups, ["READ", "DESCRIBE"]),
    ];
  }
  if (purpose === "producer") {
    return [
      ...of("TOPIC", topics, ["WRITE", "DESCRIBE"]),
      ...of("TRANSACTIONAL_ID", transactions, ["WRITE", "DESCRIBE"]),
    ];
  }
  return [{ ...common, ...one }];
}

export async function acls({ params, reload }, session) {
  const { data } = await inCluster("GET", "/acls");
  const search = h("input", {
    type: "search",
    value: params.get("q") ?? "",
    oninput: () => draw(),
  });
  const count = h("p", { role: "status", class: "dim" });
  const list = h("div");
  const order = new Order(params.get("sort") ?? "principal", () => draw());
  const text = (name, label, key, cell) => ({
    name,
    text: label,
    value: (acl) => acl[key],
    cell: cell ?? ((acl) => acl[key]),
  });
  const columns = [
    text("principal", "Principal", "principal", (acl) => ({ text: acl.principal, class: "data" })),
    text("permission", "Permission", "permission", ({ permission }) => ({
      text: permission === "DENY" ? "▲ deny" : "● allow",
      class: permission === "DENY" ? "bad" : "ok",
    })),
    text("operation", "Operation", "operation", (acl) => words(acl.operation)),
    text("type", "On", "resource_type", (acl) => words(acl.resource_type)),
    text("name", "Name", "resource_name", (acl) => ({
      text: acl.pattern_type === "PREFIXED" ? `${acl.resource_name}…` : acl.resource_name,
      class: "data",
      title: acl.pattern_type === "PREFIXED" ? "Every name that begins like this" : undefined,
    })),
    text("host", "From", "host"),
    {
      name: "delete",
      text: "",
      cell: (acl) =>
        h("button", {
          class: "danger small",
          "aria-label": `Delete: ${aclInWords(acl)}`,
          onclick: () => deleteAcl(acl, reload),
        }, "Delete…"),
    },
  ];
  const draw = () => {
    const address = new URLSearchParams();
    if (search.value !== "") address.set("q", search.value);
    if (order.text !== "principal") address.set("sort", order.text);
    globalThis.history.replaceState(null, "", address.size === 0 ? "?" : `?${address}`);
    const shown = data.filter((acl) => aclInWords(acl).includes(search.value));
    count.textContent = data.length === 0
      ? "There are no ACLs."
      : `${shown.length.toLocaleString("en-US")} of ${data.length.toLocaleString("en-US")}` +
        (shown.length > MAX_ROWS ? `, ${MAX_ROWS} shown: search for the others` : "");
    redraw(list, data.length === 0 ? "" : sortedTable(columns, shown, order, MAX_ROWS));
  };
  draw();
  return [
    h(
      "div",
      { class: "row" },
      field("Search", search),
      h(
        "button",
        { class: "primary", onclick: () => openNewAcl(session, reload) },
        "New ACL",
      ),
    ),
    count,
    list,
    h("h2", {}, "Is it allowed?"),
    explainForm(),
  ];
}

function deleteAcl(acl, reload) {
  openDialog(
    "Delete an ACL",
    [h("p", {}, `It says: ${aclInWords(acl)}.`)],
    "Delete",
    async () => {
      const { resource_type, resource_name, pattern_type, principal, host, operation, permission } =
        acl;
      const query = new URLSearchParams({
        resource_type,
        resource_name,
        pattern_type,
        principal,
        host,
        operation,
        permission,
      });
      await inCluster("DELETE", `/acls?${query}`);
      reload();
    },
    true,
  );
}

const options = (names) => names.map((name) => h("option", { value: name }, words(name)));

/** A select of types of resources, with one of the operations that the type has. */
function resourceFields() {
  const type = h("select", {}, options(TYPES));
  const name = h("input", { class: "data", required: true });
  const operation = h("select", {}, options(OPERATIONS.TOPIC));
  type.addEventListener("change", () => {
    operation.replaceChildren(...options(OPERATIONS[type.value]));
    if (type.value === "CLUSTER") name.value = CLUSTER;
    else if (name.value === CLUSTER) name.value = "";
  });
  return { type, name, operation };
}

function openNewAcl(session, reload) {
  const principal = h("input", {
    required: true,
    autofocus: true,
    class: "data",
    placeholder: "User:alice",
  });
  const host = h("input", { class: "data", placeholder: "* for all, or 10.0.0.0/8" });
  const purpose = h("select", {}, PURPOSES.map(([value, text]) => h("option", { value }, text)));
  const topics = h("input", { class: "data", placeholder: "orders, payments, or * for all" });
  const groups = h("input", { class: "data", placeholder: "billing" });
  const transactions = h("input", { class: "data", placeholder: "none" });
  const isPrefix = h("input", { type: "checkbox" });
  const { type, name, operation } = resourceFields();
  name.required = false;
  const pattern = h("select", {}, options(["LITERAL", "PREFIXED"]));
  const permission = h("select", {}, options(["ALLOW", "DENY"]));
  const preview = h("ul", { class: "plain dim", "aria-label": "ACLs to create" });
  const forConsumer = h("div", {}, field("Groups", groups));
  const forProducer = h("div", {}, field("Transactional ids", transactions));
  const forTopics = h(
    "div",
    {},
    field("Topics", topics),
    forConsumer,
    forProducer,
    h("label", { class: "check" }, isPrefix, "And all whose names begin like these"),
  );
  const forOne = h(
    "div",
    {},
    field("On", type),
    field("Name", name),
    field("Names", pattern),
    field("Operation", operation),
    field("Permission", permission),
  );
  const wanted = () =>
    aclsFor({
      purpose: purpose.value,
      principal: principal.value,
      host: host.value,
      topics: topics.value,
      groups: groups.value,
      transactions: transactions.value,
      isPrefix: isPrefix.checked,
      one: {
        resource_type: type.value,
        resource_name: name.value.trim(),
        pattern_type: pattern.value,
        operation: operation.value,
        permission: permission.value,
      },
    }).filter((acl) => acl.resource_name !== "" && acl.principal !== "");
  const draw = () => {
    forTopics.hidden = purpose.value === "one";
    forOne.hidden = purpose.value !== "one";
    forConsumer.hidden = purpose.value !== "consumer";
    forProducer.hidden = purpose.value !== "producer";
    preview.replaceChildren(...wanted().map((acl) => h("li", {}, aclInWords(acl))));
  };
  openDialog(
    "New ACL",
    [
      session.is_open && h(
        "p",
        { class: "warn" },
        "▲ It closes the cluster: from then on nobody may do anything that no ACL allows, not even " +
          "delete it. Create a user that is an administrator first.",
      ),
      field("Principal", principal),
      field("From address", host),
      field("To", purpose),
      forTopics,
      forOne,
      preview,
    ],
    "Create",
    async () => {
      const data = wanted();
      if (data.length === 0) throw new Error("Say of what");
      await inCluster("POST", "/acls:batch", { data });
      reload();
    },
  );
  const form = principal.closest("form");
  form.addEventListener("input", draw);
  form.addEventListener("change", draw);
  draw();
}

const REASONS = {
  "open": "the cluster is open",
  "super-user": "super.users has this principal",
  "no-rule-for-resource": "no ACL is about it",
  "no-matching-rule": "none of the ACLs about it allows it",
};

function explainForm() {
  const principal = h("input", { class: "data", required: true, placeholder: "User:alice" });
  const host = h("input", { class: "data", placeholder: "127.0.0.1" });
  const { type, name, operation } = resourceFields();
  operation.querySelector("[value=ALL]").remove();
  type.addEventListener("change", () => operation.querySelector("[value=ALL]")?.remove());
  const result = h("p", { role: "status" });
  const ask = async (event) => {
    event.preventDefault();
    try {
      const query = new URLSearchParams({
        principal: principalOf(principal.value),
        operation: operation.value,
        resource_type: type.value,
        resource_name: name.value.trim(),
        ...(host.value.trim() === "" ? {} : { host: host.value.trim() }),
      });
      const { allowed, reason, rule } = await inCluster("GET", `/acls:explain?${query}`);
      result.className = allowed ? "ok" : "bad";
      const why = rule === null ? REASONS[reason] : `an ACL says: ${aclInWords(rule)}`;
      result.textContent = `${allowed ? "● Allowed" : "▲ Denied"}: ${why}`;
    } catch (error) {
      result.className = "bad";
      result.textContent = error.message;
    }
  };
  return h(
    "form",
    { onsubmit: ask },
    h(
      "div",
      { class: "row" },
      field("Who", principal),
      field("May", operation),
      field("Of type", type),
      field("Named", name),
      field("Coming from", host),
      h("button", {}, "Explain"),
    ),
    result,
  );
}
