/** Who may do what: ACLs, users and quotas, each a tab. */

import { inCluster } from "./api.js";
import { acls } from "./acls.js";
import { h } from "./dom.js";
import { quotas } from "./quotas.js";
import { users } from "./users.js";

const VIEWS = { acls, users, quotas };
const NAMES = { acls: "ACLs", users: "Users", quotas: "Quotas" };

export const accessPath = (tab) => `/ui/access/${tab}`;

export async function access(context, tab = "acls") {
  if (!Object.hasOwn(VIEWS, tab)) throw new Error("There is no such page");
  const session = await inCluster("GET", "/session");
  const tabs = h(
    "nav",
    { class: "tabs", "aria-label": "Access" },
    Object.keys(VIEWS).map((one) =>
      h("a", { href: accessPath(one), "aria-current": one === tab && "page" }, NAMES[one])
    ),
  );
  const who = session.is_open
    ? h(
      "p",
      { class: "row notice" },
      "This cluster is open: everyone may do everything. Its first user or ACL closes it, for good. " +
        "Begin with a user that is an administrator.",
    )
    : h("p", { class: "dim" }, `You are ${session.principal}.`);
  return { title: "Access", content: [tabs, who, await VIEWS[tab](context, session)] };
}
