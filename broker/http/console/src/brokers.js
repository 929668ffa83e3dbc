/** Brokers: the list, and one with its disks, replicas and settings. */

import { eachOf, ifAllowed, inCluster, inParallel, logDirs } from "./api.js";
import { bytes, field, h, link, number, redraw, table } from "./dom.js";

const REFRESH_MS = 10_000;
const MAX_ROWS = 500;
const right = (text) => ({ text, class: "number" });
const brokerPath = (id) => `/ui/brokers/${id}`;

export async function brokers({ onLeave }) {
  const list = h("div");
  const problems = h("div");
  const refresh = async () => {
    const [{ data }, cluster, health, folders] = await Promise.all([
      inCluster("GET", "/brokers"),
      inCluster("GET", ""),
      ifAllowed(inCluster("GET", "/health"), undefined),
      logDirs(),
    ]);
    const controller = cluster.controller?.related.split("/").at(-1);
    const rows = await inParallel(data, async (broker) => {
      const id = broker.broker_id;
      const replicas = (await inCluster("GET", `/brokers/${id}/partition-replicas`)).data;
      const behind = replicas.filter((replica) => !replica.is_in_sync).length;
      const own = folders.filter(({ broker_id: owner }) => owner === id);
      return [
        link(brokerPath(id), String(id)),
        `${broker.host}:${broker.port}`,
        broker.rack ?? "–",
        String(id) === controller ? "● controller" : "",
        number(replicas.filter((replica) => replica.is_leader).length),
        number(replicas.length),
        behind === 0 ? { text: "● all", class: "ok" } : { text: `▲ ${behind} not`, class: "warn" },
        right(bytes(sizeOf(own))),
        right(freeOf(own)),
      ];
    });
    redraw(
      list,
      table(
        [
          "Id",
          "Address",
          "Rack",
          "Role",
          right("Leaders"),
          right("Replicas"),
          "In sync",
          right("Data"),
          right("Disk free"),
        ],
        rows,
      ),
    );
    redraw(
      problems,
      health === undefined
        ? h(
          "p",
          { class: "dim" },
          "You may not describe the cluster, and so see no problems of it.",
        )
        : health.problems.length === 0
        ? h("p", { class: "ok" }, "● All brokers and partitions are well")
        : h(
          "ul",
          { class: "plain" },
          health.problems.map(({ title, items }) =>
            h(
              "li",
              { class: "bad" },
              `▲ ${title} (${items.length}): ${items.slice(0, 10).join(", ")}`,
            )
          ),
        ),
    );
  };
  await refresh();
  eachOf(REFRESH_MS, refresh, onLeave);
  return { title: "Brokers", content: [problems, list] };
}

function sizeOf(folders) {
  return folders.flatMap(({ replicas }) => replicas)
    .reduce((sum, { size_bytes: size }) => sum + size, 0);
}

function freeOf(folders) {
  const [folder] = folders;
  if (folder === undefined || folder.usable_bytes === null) return "–";
  const { usable_bytes: free, total_bytes: total } = folder;
  return `${bytes(free)}, ${Math.round(100 * free / total)} %`;
}

export async function broker(_context, id) {
  const at = `/brokers/${encodeURIComponent(id)}`;
  const [described, replicas, folders, configs] = await Promise.all([
    inCluster("GET", at),
    inCluster("GET", `${at}/partition-replicas`),
    ifAllowed(inCluster("GET", `${at}/log-dirs`), { data: [] }),
    ifAllowed(inCluster("GET", `${at}/configs?include_documentation=true`), { data: [] }),
  ]);
  return {
    title: `Broker ${id}`,
    content: [
      h("p", {}, `${described.host}:${described.port}, rack ${described.rack ?? "–"}`),
      h("h2", {}, "Data folders"),
      table(
        ["Folder", "State", right("Data"), right("Disk free")],
        folders.data.map((folder) => [
          { text: folder.path, class: "data" },
          folder.error === null
            ? { text: "● works", class: "ok" }
            : { text: `▲ ${folder.error}`, class: "bad" },
          right(bytes(sizeOf([folder]))),
          right(freeOf([folder])),
        ]),
      ),
      h("h2", {}, `Replicas (${replicas.data.length.toLocaleString("en-US")})`),
      replicaTable(replicas.data, folders.data),
      h("h2", {}, "Settings"),
      settings(configs.data),
    ],
  };
}

function replicaTable(replicas, folders) {
  const sizes = new Map(
    folders.flatMap((folder) =>
      folder.replicas.map((one) => [`${one.topic_name} ${one.partition_id}`, one.size_bytes])
    ),
  );
  const rows = replicas.toSorted((a, b) => Number(a.is_in_sync) - Number(b.is_in_sync))
    .slice(0, MAX_ROWS).map((one) => [
      link(`/ui/topics/${encodeURIComponent(one.topic_name)}/partitions`, one.topic_name),
      number(one.partition_id),
      one.is_leader ? "leader" : "follower",
      one.is_in_sync ? { text: "● in sync", class: "ok" } : { text: "▲ behind", class: "warn" },
      right(bytes(sizes.get(`${one.topic_name} ${one.partition_id}`))),
    ]);
  return h(
    "div",
    {},
    table(["Topic", right("Partition"), "Role", "State", right("Size")], rows),
    replicas.length > MAX_ROWS && h("p", { class: "dim" }, `${MAX_ROWS} are shown.`),
  );
}

function settings(configs) {
  const search = h("input", { type: "search", oninput: () => draw() });
  const own = h("input", { type: "checkbox", checked: true, onchange: () => draw() });
  const list = h("div");
  const draw = () => {
    const rows = configs.filter((config) =>
      (!own.checked || !config.is_default) && config.name.includes(search.value)
    ).map((config) => [
      h("span", {}, config.name, h("small", { class: "dim block" }, config.documentation)),
      { text: config.is_sensitive ? "hidden" : config.value ?? "–", class: "data" },
      config.source.toLowerCase().replaceAll("_", " ").replace(" config", ""),
    ]);
    redraw(list, table(["Name", "Value", "From"], rows));
  };
  draw();
  return h(
    "div",
    {},
    h(
      "div",
      { class: "row" },
      field("Search settings", search),
      h("label", { class: "check" }, own, "Only what differs from the default"),
    ),
    list,
  );
}
