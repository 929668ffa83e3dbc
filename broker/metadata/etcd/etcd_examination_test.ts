import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { EtcdCluster } from "../../../tests/support/etcd_cluster.ts";
import { freePort } from "../../../tests/support/free_port.ts";
import { testWith } from "../../../tests/support/outside.ts";
import { createLogger, silentLogger } from "../../logger.ts";
import { systemClock } from "../../time/clock.ts";
import { EtcdError } from "./etcd_error.ts";
import { EtcdExamination } from "./etcd_examination.ts";
import { EtcdGateway } from "./etcd_gateway.ts";
import { EtcdMetadataStore } from "./etcd_metadata_store.ts";
import { openStore } from "./testing.ts";

/** An examination of members, with what it logs. */
class Examined implements Disposable {
  readonly log: string[] = [];
  readonly #gateway: EtcdGateway;
  readonly examination: EtcdExamination;

  constructor(endpoints: readonly string[]) {
    const clock = systemClock;
    this.#gateway = new EtcdGateway({ endpoints, clock });
    const logger = createLogger({ level: "info", sink: (line) => this.log.push(line) });
    this.examination = new EtcdExamination({ gateway: this.#gateway, clock, logger });
  }

  [Symbol.dispose](): void {
    this.examination.close();
    this.#gateway.close();
  }
}

/** A server that answers like a member of etcd whose status is given. */
function pretend(status: object | undefined, metrics = "") {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/metrics") return new Response(metrics);
    if (status === undefined) return new Response("404 page not found\n", { status: 404 });
    const header = { cluster_id: "1", member_id: "2", revision: "3", raft_term: "4" };
    return Response.json(
      pathname === "/v3/maintenance/status" ? { header, ...status } : { header },
    );
  });
}

function urlOf({ addr }: Deno.HttpServer<Deno.NetAddr>): string {
  return `http://127.0.0.1:${addr.port}`;
}

Deno.test("EtcdExamination says once that a version has faults, and which has none", async (t) => {
  const cases = { "3.4.23": 1, "3.4.30": 1, "3.5.9": 1, "3.4.31": 0, "3.5.13": 0, "3.6.0": 0 };
  for (const [version, warnings] of Object.entries(cases)) {
    await t.step(version, async () => {
      await using server = pretend({ version, dbSize: "20480" });
      using examined = new Examined([urlOf(server)]);
      await examined.examination.examine();
      await examined.examination.examine();
      assertEquals(examined.log.length, warnings);
      if (warnings > 0) assertStringIncludes(examined.log[0]!, "Upgrade etcd to 3.4.31, 3.5.13");
    });
  }
});

Deno.test("EtcdMetadataStore.open() refuses etcd before 3.4", async (t) => {
  const open = async (status: object | undefined) => {
    await using server = pretend(status);
    const { message } = await assertRejects(
      () =>
        EtcdMetadataStore.open({
          address: { endpoints: [urlOf(server)], name: "old" },
          clock: systemClock,
          logger: silentLogger,
        }),
      EtcdError,
    );
    assertStringIncludes(message, "etcd 3.4 or later is needed");
  };
  await t.step("that says so", () => open({ version: "3.3.27" }));
  await t.step("that has no such pages", () => open(undefined));
});

Deno.test("EtcdExamination knows the quota from the status or the metrics", async (t) => {
  const ratioOf = async (status: object, metrics?: string) => {
    await using server = pretend(status, metrics);
    using examined = new Examined([urlOf(server)]);
    await examined.examination.examine();
    return examined.examination.health.databaseRatio;
  };
  const size = { version: "3.6.5", dbSize: "250" };
  await t.step("of etcd 3.6", async () => {
    assertEquals(await ratioOf({ ...size, dbSizeQuota: "1000" }), 0.25);
  });
  await t.step("before", async () => {
    const metrics = "# HELP x\netcd_server_quota_backend_bytes 1e+03\nother 1\n";
    assertEquals(await ratioOf(size, metrics), 0.25);
  });
  await t.step("neither", async () => assertEquals(await ratioOf(size), undefined));
});

Deno.test("EtcdExamination warns once above 70% of the quota, and again after it had room", async () => {
  const status = { version: "3.6.5", dbSize: "700", dbSizeQuota: "1000" };
  await using server = pretend(status);
  using examined = new Examined([urlOf(server)]);
  const { examination, log } = examined;
  await examination.examine();
  assertEquals([examination.health.problems, log], [[], []]);
  for (const dbSize of ["701", "800"]) {
    status.dbSize = dbSize;
    await examination.examine();
  }
  assertStringIncludes(examination.health.problems[0]!, "takes 80% of its quota");
  assertStringIncludes(examination.health.problems[0]!, "--auto-compaction-retention=1h");
  for (const dbSize of ["100", "900"]) {
    status.dbSize = dbSize;
    await examination.examine();
  }
  assertEquals(log.length, 3);
  assertStringIncludes(log[0]!, "takes 70% of its quota: compact and defragment it");
  assertStringIncludes(log[1]!, "has room again");
  assertStringIncludes(log[2]!, "takes 90% of its quota");
});

testWith("etcd", "EtcdExamination says that etcd is full, until it has room", async (path) => {
  const flags = ["--quota-backend-bytes", String(2 * 1024 * 1024)];
  await using cluster = await EtcdCluster.start({ path, flags });
  await using store = await openStore(cluster);
  using examined = new Examined([`http://127.0.0.1:${freePort()}`, ...cluster.endpoints]);
  const { examination } = examined;
  await assertRejects(async () => {
    for (;;) await store.commit([{ key: "large", value: new Uint8Array(300_000) }]);
  }, EtcdError);
  await examination.examine();
  assertStringIncludes(examination.health.problems[0]!, "etcd refuses changes");
  await cluster.compact(store.position.revision);
  await cluster.makeRoom();
  await examination.examine();
  assertEquals(examination.health.problems, []);
});
