/** Users with passwords: the list, and dialogs that create, change and delete them. */

import { inCluster } from "./api.js";
import { field, h, number, openDialog, Order, redraw, sortedTable } from "./dom.js";

const MAX_ROWS = 500;
const MECHANISMS = ["SCRAM-SHA-256", "SCRAM-SHA-512"];

const userPath = (name) => `/users/${encodeURIComponent(name)}`;

export async function users({ params, reload }, session) {
  const [{ data }, { data: acls }] = await Promise.all([
    inCluster("GET", "/users"),
    inCluster("GET", "/acls"),
  ]);
  const counts = new Map();
  for (const { principal } of acls) counts.set(principal, (counts.get(principal) ?? 0) + 1);
  const search = h("input", {
    type: "search",
    value: params.get("q") ?? "",
    oninput: () => draw(),
  });
  const count = h("p", { role: "status", class: "dim" });
  const list = h("div");
  const order = new Order("user", () => draw());
  const columns = [
    {
      name: "user",
      text: "User",
      value: (user) => user.user_name,
      cell: (user) => ({ text: user.user_name, class: "data" }),
    },
    {
      name: "mechanisms",
      text: "Passwords for",
      cell: ({ credentials }) => credentials.map(({ mechanism }) => mechanism).sort().join(", "),
    },
    {
      name: "acls",
      text: "ACLs",
      class: "number",
      value: ({ principal }) => counts.get(principal) ?? 0,
      cell: ({ principal }) => number(counts.get(principal) ?? 0),
    },
    {
      name: "buttons",
      text: "",
      cell: (user) =>
        h(
          "span",
          { class: "buttons" },
          h("a", { href: `/ui/access/acls?q=${encodeURIComponent(user.principal)}` }, "ACLs"),
          h("button", {
            class: "small",
            "aria-label": `New password of ${user.user_name}`,
            onclick: () => openUser(session, reload, user),
          }, "Password…"),
          h("button", {
            class: "danger small",
            "aria-label": `Delete ${user.user_name}`,
            onclick: () => deleteUser(user, session, reload),
          }, "Delete…"),
        ),
    },
  ];
  const draw = () => {
    const shown = data.filter(({ user_name: name }) => name.includes(search.value));
    count.textContent = data.length === 0
      ? "There are no users with passwords. Users by certificate or token are not listed here."
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
      h("button", { class: "primary", onclick: () => openUser(session, reload) }, "New user"),
    ),
    count,
    list,
  ];
}

/** A dialog for a new user, or for another password of `user`. */
function openUser(session, reload, user) {
  const name = h("input", {
    required: true,
    autofocus: true,
    autocomplete: "off",
    class: "data",
  });
  const secret = () =>
    h("input", { type: "password", required: true, autocomplete: "new-password" });
  const [password, again] = [secret(), secret()];
  const mechanism = h(
    "select",
    {},
    MECHANISMS.map((one) =>
      h("option", { value: one, selected: user?.credentials[0]?.mechanism === one }, one)
    ),
  );
  const isAdministrator = h("input", { type: "checkbox", checked: session.is_open });
  openDialog(
    user === undefined ? "New user" : `New password of ${user.user_name}`,
    [
      session.is_open && h(
        "p",
        { class: "warn" },
        "▲ The first user closes the cluster: from then on only administrators may do everything, and " +
          "others what ACLs allow. This page will ask you to sign in.",
      ),
      user === undefined && field("Name", name),
      field("Password", password),
      field("Password again", again),
      field("For", mechanism),
      user === undefined &&
      h("label", { class: "check" }, isAdministrator, "Administrator: ACLs allow it everything"),
    ],
    user === undefined ? "Create" : "Change",
    async () => {
      if (password.value !== again.value) throw new Error("The passwords are not the same");
      await inCluster("PUT", userPath(user?.user_name ?? name.value.trim()), {
        password: password.value,
        mechanism: mechanism.value,
        is_administrator: user === undefined && isAdministrator.checked,
      });
      reload();
    },
  );
}

function deleteUser(user, session, reload) {
  openDialog(
    `Delete ${user.user_name}`,
    [
      h("p", {}, "It can no longer sign in, and its connections end. The ACLs that name it stay."),
      user.principal === session.principal && h("p", { class: "bad" }, "▲ This is you."),
    ],
    "Delete",
    async () => {
      await inCluster("DELETE", userPath(user.user_name));
      reload();
    },
    true,
  );
}
