/**
 * Requests to the HTTP port as bytes: methods, connections that are used again, encoded names, bodies.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { HttpBroker } from "../support/http.ts";
import { within } from "../support/within.ts";

/** An answer as it was on the wire. */
interface RawAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** A connection on which requests are bytes. */
class RawConnection implements Disposable {
  readonly #conn: Deno.TcpConn;
  #rest: Uint8Array = new Uint8Array(0);

  private constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
  }

  static async open(http: HttpBroker): Promise<RawConnection> {
    const [hostname, port] = http.host.split(":");
    return new RawConnection(await Deno.connect({ hostname: hostname!, port: Number(port) }));
  }

  async write(text: string): Promise<void> {
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length;) at += await this.#conn.write(bytes.subarray(at));
  }

  /** The next answer; its body has a `content-length`, or is in chunks, or there is none. */
  async answer({ isHead = false } = {}): Promise<RawAnswer> {
    const head = await this.#until("\r\n\r\n");
    const [first = "", ...lines] = head.split("\r\n");
    const headers = new Headers(
      lines.filter((line) => line !== "").map((line): [string, string] => {
        const colon = line.indexOf(":");
        return [line.slice(0, colon), line.slice(colon + 1).trim()];
      }),
    );
    const status = Number(first.split(" ")[1]);
    let body = "";
    if (isHead || status === 204) body = "";
    else if (headers.has("content-length")) {
      body = await this.#take(Number(headers.get("content-length")));
    } else {
      for (;;) {
        const size = parseInt(await this.#until("\r\n"), 16);
        body += await this.#take(size);
        await this.#until("\r\n");
        if (size === 0) break;
      }
    }
    return { status, headers, body };
  }

  async #until(end: string): Promise<string> {
    for (;;) {
      const text = new TextDecoder("latin1").decode(this.#rest);
      const at = text.indexOf(end);
      if (at >= 0) {
        this.#rest = this.#rest.subarray(at + end.length);
        return text.slice(0, at);
      }
      await this.#read();
    }
  }

  async #take(size: number): Promise<string> {
    while (this.#rest.length < size) await this.#read();
    const text = new TextDecoder().decode(this.#rest.subarray(0, size));
    this.#rest = this.#rest.subarray(size);
    return text;
  }

  async #read(): Promise<void> {
    const chunk = new Uint8Array(16_384);
    const size = await within(this.#conn.read(chunk), "an answer");
    if (size === null) throw new Error("The connection was closed");
    const both = new Uint8Array(this.#rest.length + size);
    both.set(this.#rest);
    both.set(chunk.subarray(0, size), this.#rest.length);
    this.#rest = both;
  }

  [Symbol.dispose](): void {
    this.#conn.close();
  }
}

function request(method: string, path: string, body?: string, headers = ""): string {
  const length = body === undefined
    ? ""
    : `Content-Type: application/json\r\nContent-Length: ${
      new TextEncoder().encode(body).length
    }\r\n`;
  return `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${length}${headers}\r\n${body ?? ""}`;
}

Deno.test("HTTP answers pipelined requests in order, on one connection", async () => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a" });
  using conn = await RawConnection.open(http);
  const record = (data: string) => JSON.stringify({ value: { type: "STRING", data } });
  const path = `${http.cluster}/topics/a/records`;
  await conn.write(
    request("POST", path, record("one")) + request("GET", "/topics") +
      request("POST", path, record("two")) + request("GET", "/topics/a/partitions/0/offsets"),
  );
  assertEquals(JSON.parse((await conn.answer()).body).offset, 0);
  assertEquals(JSON.parse((await conn.answer()).body), ["a"]);
  assertEquals(JSON.parse((await conn.answer()).body).offset, 1);
  assertEquals(JSON.parse((await conn.answer()).body).end_offset, 2);
});

Deno.test("HTTP keeps a connection whose requests were refused before their bodies were read", async () => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a" });
  using conn = await RawConnection.open(http);
  const body = JSON.stringify({ value: { type: "STRING", data: "x".repeat(20_000) } });
  const refused: [string, number][] = [
    [request("POST", `${http.cluster}/topics/nix/records`, body), 404],
    [request("POST", "/nothing", body), 404],
    [request("POST", "/topics/a/stream", body), 405],
    [request("POST", `${http.cluster}/topics`, "{bad"), 400],
  ];
  for (const [text, status] of refused) {
    await conn.write(text);
    const answer = await conn.answer();
    assertEquals(answer.status, status, text.slice(0, 60));
    assertEquals(Object.keys(JSON.parse(answer.body)), ["error_code", "message"]);
    await conn.write(request("GET", "/topics"));
    assertEquals((await conn.answer()).status, 200);
  }
});

Deno.test("HTTP answers HEAD like GET without a body, where reading takes nothing", async () => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a" });
  await http.client.producer().send({ topic: "a", value: "1" });
  const create = await http.send("POST", "/consumers/g", { "auto.offset.reset": "earliest" });
  const instance = new URL(create.json.base_uri).pathname;
  await http.send("POST", `${instance}/assignments`, {
    partitions: [{ topic: "a", partition: 0 }],
  });
  using conn = await RawConnection.open(http);
  const head = async (path: string) => {
    await conn.write(request("HEAD", path));
    return await conn.answer({ isHead: true });
  };
  for (const path of ["/topics", "/v3/clusters", `${http.cluster}/topics/a`, "/livez", "/ui/"]) {
    assertEquals((await head(path)).status, 200, path);
  }
  assertEquals((await head("/topics/nix")).status, 404);
  assertEquals((await head(`${http.cluster}/topics/a/records`)).status, 405);
  for (const path of ["/topics/a/stream", `${instance}/records`]) {
    const { status, headers } = await head(path);
    assertEquals(status, 405, path);
    assertEquals(headers.get("allow"), "GET, OPTIONS");
  }
  const left = await http.get(`${instance}/records`);
  assertEquals(left.json.length, 1, "HEAD has taken no record");
});

Deno.test("HTTP names the methods of a path in OPTIONS and 405", async () => {
  await using http = await HttpBroker.start();
  using conn = await RawConnection.open(http);
  const cases: [method: string, path: string, status: number, allow: string][] = [
    ["OPTIONS", "/topics/a", 204, "GET, POST, HEAD, OPTIONS"],
    ["OPTIONS", `${http.cluster}/topics/a`, 204, "GET, PATCH, DELETE, HEAD, OPTIONS"],
    ["OPTIONS", `${http.cluster}/topics/a/records`, 204, "POST, OPTIONS"],
    ["PUT", `${http.cluster}/topics/a`, 405, "GET, PATCH, DELETE, HEAD, OPTIONS"],
    ["DELETE", "/topics", 405, "GET, HEAD, OPTIONS"],
    ["PATCH", "/v3/clusters", 405, "GET, HEAD, OPTIONS"],
  ];
  for (const [method, path, status, allow] of cases) {
    await conn.write(request(method, path));
    const answer = await conn.answer();
    assertEquals(
      [answer.status, answer.headers.get("allow")],
      [status, allow],
      `${method} ${path}`,
    );
    if (status === 405) assertEquals(JSON.parse(answer.body).error_code, 405);
  }
});

Deno.test("HTTP takes names in percent encoding, and paths with a slash at their end", async () => {
  await using http = await HttpBroker.start();
  const name = `a.b_${"c".repeat(245)}`;
  await http.client.admin().createTopic({ name });
  await http.client.admin().alterGroupOffsets("g/ü 1", [{ topic: name, partition: 0, offset: 0 }]);
  const encoded = name.replace(".", "%2E").replace("c", "%63");
  using conn = await RawConnection.open(http);
  const get = async (path: string) => {
    await conn.write(request("GET", path));
    return await conn.answer();
  };
  const found = [
    `/topics/${encoded}`,
    `/topics/${name}/`,
    "/topics/",
    "/v3/clusters/",
    `${http.cluster}/topics/${encoded}/partitions/0/`,
    `${http.cluster}/consumer-groups/g%2F%C3%BC%201/lags`,
    `/topics/${encoded}/partitions/0/records/?offset=0&timeout=0`,
  ];
  for (const path of found) {
    const { status, body } = await get(path);
    assertEquals(status, 200, `${path}: ${body}`);
  }
  const missing = [
    "/topics/a%2Fb",
    "/topics/%00",
    "/topics/%ZZ",
    "/topics/%C3%28",
    `/topics/${"x".repeat(2000)}`,
    "/topics/..%2F..%2Fetc",
    `${http.cluster}/consumer-groups/%E2%80%8F`,
  ];
  for (const path of missing) {
    const { status, body } = await get(path);
    assert(status === 404 || status === 400, `${path}: ${status} ${body}`);
  }
  // Twice the same name is not decoded twice.
  assertEquals((await get(`/topics/${name.replace(".", "%252E")}`)).status >= 400, true);
});

Deno.test("REST v2 lists the committed offsets that a GET with a body asks for, as kafka-rest", async () => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a", partitions: 3 });
  await http.client.admin().alterGroupOffsets(
    "g",
    [0, 1, 2].map((partition) => ({ topic: "a", partition, offset: 0 })),
  );
  const created = await http.send("POST", "/consumers/g", {});
  const path = `${new URL(created.json.base_uri).pathname}/offsets`;
  using conn = await RawConnection.open(http);
  const body = JSON.stringify({ partitions: [{ topic: "a", partition: 2 }] });
  await conn.write(request("GET", path, body));
  const answer = await conn.answer();
  // The body is not seen, so that there may be others.
  assertEquals(
    JSON.parse(answer.body).offsets.filter((one: { partition: number }) => one.partition === 2),
    [{ topic: "a", partition: 2, offset: 0, metadata: "" }],
  );
  await conn.write(request("GET", `${path}?partitions=a:1`));
  assertEquals(JSON.parse((await conn.answer()).body).offsets[0].partition, 1);
});

Deno.test("REST refuses fields that a body has not with 422, and changes nothing", async (t) => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a" });
  const created = await http.send("POST", "/consumers/g", {});
  const instance = new URL(created.json.base_uri).pathname;
  const cases: [method: string, path: string, body: unknown, field: string][] = [
    ["POST", `${http.cluster}/topics`, { topic_name: "b", partition_count: 3 }, "partition_count"],
    [
      "POST",
      `${http.cluster}/topics`,
      { topic_name: "b", configs: [{ key: "retention.ms", value: "1" }] },
      "configs.key",
    ],
    ["PATCH", `${http.cluster}/topics/a`, { partitions: 3 }, "partitions"],
    ["PUT", `${http.cluster}/topics/a/configs/retention.ms`, { val: "1" }, "val"],
    ["POST", "/topics/a", { records: [{ val: 1 }] }, "records.val"],
    ["POST", "/consumers/g", { "auto.offset": "earliest" }, "auto.offset"],
    ["POST", `${instance}/subscription`, { topic: "a" }, "topic"],
    ["POST", `${instance}/offsets`, { offsets: [{ topic: "a", part: 0 }] }, "offsets.part"],
  ];
  for (const [method, path, body, name] of cases) {
    await t.step(`${method} ${JSON.stringify(body)}`, async () => {
      const { status, json } = await http.send(method, path, body);
      assertEquals([status, json], [422, {
        error_code: 422,
        message: `Unrecognized field: ${name}`,
      }]);
    });
  }
  assertEquals((await http.get("/topics")).json, ["a"]);
  assertEquals((await http.get("/topics/a/partitions/0/offsets")).json.end_offset, 0);
});

Deno.test("REST refuses bodies that are too large, are not UTF-8, or say a wrong length", async () => {
  await using http = await HttpBroker.start();
  const path = `${http.cluster}/topics`;
  const large = JSON.stringify({ topic_name: "x".repeat(2_000_000) });
  const answer = await http.send("POST", path, large);
  assertEquals([answer.status, answer.json.error_code], [413, 413]);
  const bytes = await fetch(`${http.url}${path}`, {
    method: "POST",
    body: new Uint8Array([0x7b, 0xff, 0x7d]),
    headers: { "content-type": "application/json" },
  });
  assertEquals(bytes.status, 400);
  assertStringIncludes((await bytes.json()).message, "UTF-8");
  for (const length of ["abc", "-1", "1e3"]) {
    using conn = await RawConnection.open(http);
    await conn.write(
      `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${length}\r\n\r\n{}`,
    );
    assertMatch(String((await conn.answer().catch(() => ({ status: 400 }))).status), /^4/);
  }
  // In chunks there is no length.
  using conn = await RawConnection.open(http);
  const chunk = "x".repeat(65_536);
  await conn.write(
    `POST ${path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n`,
  );
  let status: number | undefined;
  const answered = conn.answer().then((answer) => status = answer.status, () => status = 0);
  for (let i = 0; i < 200 && status === undefined; i++) {
    await conn.write(`10000\r\n${chunk}\r\n`).catch(() => {});
  }
  await answered;
  assert(status === 413 || status === 0, String(status));
  assertEquals((await http.get("/topics")).json, []);
});

Deno.test("REST v3 deletes records before a place, after it was shown how many", async () => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a", partitions: 2 });
  const producer = http.client.producer();
  for (let i = 0; i < 5; i++) {
    await producer.send({
      topic: "a",
      partition: 0,
      value: `${i}`,
      timestamp: 1_700_000_000_000 + i,
    });
  }
  const send = (body: unknown) =>
    http.send("POST", `${http.cluster}/topics/a/records:delete`, body);
  const row = (partition: number, from: number, to: number) => ({
    partition_id: partition,
    earliest_offset: from,
    new_earliest_offset: to,
    records_count: to - from,
  });
  const planned = await send({ before: "end", dry_run: true });
  assertEquals(planned.json, {
    topic_name: "a",
    dry_run: true,
    data: [row(0, 0, 5), row(1, 0, 0)],
  });
  const at = await send({ before: "@1700000000002", partition_ids: [0] });
  assertEquals([at.status, at.json.data], [200, [row(0, 0, 2)]]);
  const by = await send({ before: "3", partition_ids: [0] });
  assertEquals(by.json.data, [row(0, 2, 3)]);
  const { messages } = await http.client.consumer().fetchFrom("a", 0, 3);
  assertEquals(messages.map((message) => message.text()), ["3", "4"]);
  const refused: [unknown, number][] = [
    [{}, 400],
    [{ before: "soon" }, 400],
    [{ before: "1:2" }, 400],
    [{ before: "99", partition_ids: [0] }, 400],
    [{ before: "end", partition_ids: [7] }, 404],
    [{ before: "end", partition_ids: ["x"] }, 400],
    [{ befor: "end" }, 422],
  ];
  for (const [body, status] of refused) {
    assertEquals((await send(body)).status, status, JSON.stringify(body));
  }
  const none = await http.send("POST", `${http.cluster}/topics/nix/records:delete`, {
    before: "end",
  });
  assertEquals([none.status, none.json.error_code], [404, 40403]);
  assertEquals((await http.get("/topics/a/partitions/0/offsets")).json.beginning_offset, 3);
});
