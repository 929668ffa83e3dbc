/**
 * The console in Chromium: its pages do their jobs, at the size of a desktop and of a phone.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
// deno-lint-ignore no-import-prefix -- for tests only
import axe from "npm:axe-core@4.11.0";
import { Chromium, type Page } from "../support/chromium.ts";
import { HttpBroker } from "../support/http.ts";
import { testWith } from "../support/outside.ts";
import { within } from "../support/within.ts";

/** Messages to search in; set to a million for what users may have. */
const MANY = Number(Deno.env.get("DQUEUE_TEST_CONSOLE_MESSAGES") ?? 20_000);
const SIZES = { desktop: [1280, 800], phone: [375, 812] } as const;

/** Functions for the page: find what people see, and use it. */
const HELPERS = `
  globalThis.problems ??= [];
  addEventListener("error", ({ message }) => problems.push(message));
  addEventListener("unhandledrejection", ({ reason }) => problems.push(String(reason)));
  document.addEventListener("securitypolicyviolation", ({ blockedURI }) => problems.push(blockedURI));
  globalThis.button = (text, within = document) =>
    [...within.querySelectorAll("button")].find((one) => one.textContent.trim() === text);
  globalThis.input = (label, within = document) =>
    [...within.querySelectorAll("label")].find((one) => one.firstChild.textContent === label)
      ?.querySelector("input, select, textarea");
  globalThis.rowCount = () =>
    Number(document.querySelector("table.records").getAttribute("aria-rowcount")) - 1;
  globalThis.fill = (label, value, within = document) => {
    const one = input(label, within);
    one.value = value;
    one.dispatchEvent(new Event("input", { bubbles: true }));
    one.dispatchEvent(new Event("change", { bubbles: true }));
  };
  true
`;

async function until(page: Page, expression: string): Promise<void> {
  await within(
    (async () => {
      while (!await page.evaluate(`Boolean(${expression})`)) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })(),
    expression,
  );
}

async function open(
  browser: Chromium,
  http: HttpBroker,
  path: string,
  size: readonly [number, number],
) {
  const page = await browser.open(`${http.url}/ui/${path}`);
  const [width, height] = size;
  await page.call("Emulation.setDeviceMetricsOverride", {
    width,
    height,
    deviceScaleFactor: 1,
    mobile: width < 500,
  });
  await page.evaluate(HELPERS);
  await until(page, `document.querySelector("h1")`);
  return page;
}

/** Writes messages `{"order":{"id":0}}` and so on. */
async function produceMany(http: HttpBroker, topic: string, count: number): Promise<void> {
  await http.client.admin().createTopic({ name: topic });
  const producer = http.client.producer({ acks: 1 });
  for (let at = 0; at < count; at += 10_000) {
    await producer.sendBatch(
      Array.from({ length: Math.min(10_000, count - at) }, (_, i) => ({
        topic,
        value: `{"order":{"id":${at + i}},"text":"some more of a message"}`,
      })),
    );
  }
}

/** What a user with a screen reader or a small screen would stumble over. */
async function check(page: Page, where: string): Promise<void> {
  await page.evaluate(`${axe.source}; true`);
  const serious = JSON.parse(String(
    await page.evaluate(`
      axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"] }).then(({ violations }) =>
        JSON.stringify(violations.filter(({ impact }) => impact === "serious" || impact === "critical")
          .map(({ id, nodes }) => id + ": " + nodes.map(({ html }) => html.slice(0, 100)).join(" ; "))))
    `),
  ));
  assertEquals(serious, [], where);
  assertEquals(await page.evaluate("problems.length"), 0, where);
  const isTooWide = await page.evaluate(
    "document.documentElement.scrollWidth > document.documentElement.clientWidth",
  );
  assertEquals(isTooWide, false, `${where} fits its width`);
}

for (const [name, size] of Object.entries(SIZES)) {
  testWith("chromium", `Console does its jobs in Chromium: ${name}`, async (path, t) => {
    await using http = await HttpBroker.start();
    await using browser = await Chromium.start(path);
    const step = (what: string, run: () => Promise<void>) => t.step(what, run);
    /** What has nothing to do with the size of the screen. */
    const stepOnDesktop = async (what: string, run: () => Promise<void>) => {
      if (name === "desktop") await step(what, run);
    };

    await step("creates a topic", async () => {
      const page = await open(browser, http, "topics", size);
      await check(page, "topics");
      await page.evaluate(`button("New topic").click()`);
      await page.evaluate(`fill("Name", "orders", document.querySelector("dialog"))`);
      await check(page, "new topic");
      await page.evaluate(`button("Create").click()`);
      await until(page, `location.pathname === "/ui/topics/orders/messages"`);
      const { partitions } = await http.client.admin().describeTopic("orders");
      assertEquals(partitions.length, 1);
    });

    await step("produces a message", async () => {
      const page = await open(browser, http, "topics/orders/produce", size);
      await page.evaluate(
        `fill("Value", '{"id":73314510714175488,"name":"<script>alert(1)</script>"}')`,
      );
      await page.evaluate(`button("Send").click()`);
      await until(
        page,
        `document.querySelector("main [role=status]").textContent.includes("offset 0")`,
      );
      await check(page, "produce");
    });

    await step("searches by a field, and shows the message with all digits, as text", async () => {
      const values = Array.from({ length: 3000 }, (_, i) => `{"id":${i}}`);
      await http.client.producer().sendBatch(values.map((value) => ({ topic: "orders", value })));
      const filter = encodeURIComponent("value.id == 73314510714175488");
      const page = await open(
        browser,
        http,
        `topics/orders/messages?offset=start&filter=${filter}`,
        size,
      );
      await until(
        page,
        `document.querySelector("main").textContent.includes("1 found among 3,001")`,
      );
      await until(page, `document.querySelector("tr.record")`);
      await page.evaluate(`document.querySelector("tr.record").click()`);
      await until(page, `!document.querySelector("section.detail").hidden`);
      const detail = String(
        await page.evaluate(`document.querySelector("section.detail").innerText`),
      );
      assert(detail.includes('"id": 73314510714175488'), detail);
      assert(detail.includes("<script>alert(1)</script>"), detail);
      await check(page, "messages");
    });

    await step("follows new messages", async () => {
      const page = await open(browser, http, "topics/orders/messages", size);
      await until(page, `rowCount() === 100`);
      const drawn = Number(await page.evaluate(`document.querySelectorAll("tr.record").length`));
      assert(drawn > 5 && drawn < 100, `only what is in sight is drawn: ${drawn}`);
      await page.evaluate(`document.querySelector(".list").scrollTop = 1e6`);
      await until(page, `document.querySelector("[aria-rowindex='101']")`);
      await page.evaluate(`button("Live").click()`);
      await until(page, `rowCount() === 0`);
      let sent = 0;
      await within(
        (async () => {
          while (await page.evaluate(`rowCount()`) === 0) {
            await http.client.producer().send({ topic: "orders", value: `live ${sent++}` });
            await new Promise((resolve) => setTimeout(resolve, 50));
          }
        })(),
        "a live message",
      );
      await page.evaluate(`button("Stop").click()`);
    });

    await step("edits and resets a config", async () => {
      const page = await open(browser, http, "topics/orders/configs", size);
      await check(page, "configs");
      await page.evaluate(`document.querySelector('[aria-label="Edit retention.ms"]').click()`);
      await page.evaluate(`fill("Value", "1000", document.querySelector("dialog"))`);
      await page.evaluate(`button("Save").click()`);
      await until(page, `document.querySelector('[aria-label="Reset retention.ms"]')`);
      const configs = await http.client.admin().describeConfigs({ type: "topic", name: "orders" });
      assertEquals(configs.find((config) => config.name === "retention.ms")!.value, "1000");
      await page.evaluate(`document.querySelector('[aria-label="Reset retention.ms"]').click()`);
      await until(page, `!document.querySelector('[aria-label="Reset retention.ms"]')`);
    });

    await step("resets a group, after it has shown the plan", async () => {
      await http.client.admin().alterGroupOffsets("g/1", [
        { topic: "orders", partition: 0, offset: 2000 },
      ]);
      const page = await open(browser, http, "groups", size);
      await check(page, "groups");
      await page.evaluate(
        `[...document.querySelectorAll("main a")].find((a) => a.textContent === "g/1").click()`,
      );
      await until(page, `button("Reset offsets…")`);
      await check(page, "group");
      await page.evaluate(`button("Reset offsets…").click()`);
      await page.evaluate(
        `fill("To", "other", document.querySelector("dialog"));
         fill("Position", "10", document.querySelector("dialog"));
         button("Apply").click()`,
      );
      await until(
        page,
        `document.querySelector("dialog").textContent.includes("Show the plan first")`,
      );
      await page.evaluate(`button("Show the plan").click()`);
      await until(page, `document.querySelector("dialog td")`);
      await check(page, "reset");
      await page.evaluate(`button("Apply").click()`);
      await until(page, `!document.querySelector("dialog")`);
      const committed = async () => (await http.client.admin().listGroupOffsets("g/1"))[0]!.offset;
      assertEquals(await committed(), 10);
      await until(page, `button("Undo")`);
      await check(page, "undo");
      await page.evaluate(`button("Undo").click()`);
      await until(page, `!button("Undo")`);
      assertEquals(await committed(), 2000);
    });

    await step("sends many messages again, each to the topic that its header names", async () => {
      await http.client.admin().createTopics([{ name: "dlq" }, { name: "again" }]);
      const from = (topic: string) => ({ "x-original-topic": topic });
      const values = ["1", "2", "3"];
      await http.client.producer().sendBatch([
        ...values.map((value) => ({ topic: "dlq", value, key: "k", headers: from("again") })),
        { topic: "dlq", value: "4", headers: from("nowhere") },
      ]);
      const page = await open(browser, http, "topics/dlq/messages", size);
      await until(page, `rowCount() === 4`);
      await page.evaluate(`document.querySelector("[aria-label='Select all messages']").click()`);
      await check(page, "selected");
      await page.evaluate(`button("Resend 4…").click()`);
      await until(page, `document.querySelector("dialog")`);
      await page.evaluate(`button("Send").click()`);
      await until(
        page,
        `document.querySelector("dialog").textContent.includes("Show what will be sent first")`,
      );
      await page.evaluate(`button("Show what will be sent").click()`);
      const plan = String(await page.evaluate(`document.querySelector("dialog table").innerText`));
      assert(/again\s+3/.test(plan) && /There is no topic nowhere\s+1/.test(plan), plan);
      await check(page, "resend many");
      await page.evaluate(`button("Send").click()`);
      await until(page, `!document.querySelector("dialog")`);
      await until(page, `button("Resend 1…")`);
      const { messages } = await http.client.consumer().fetchFrom("again", 0, 0);
      assertEquals(messages.map((one) => [one.keyText(), one.text()]), values.map((v) => ["k", v]));
      assertEquals(messages[0]!.headers.text("x-original-topic"), "again");
    });

    await step("shows an open transaction, and aborts it", async () => {
      const transaction = await http.client.producer({ transactionalId: "t/1" }).begin();
      await transaction.send({ topic: "again", value: "x" });
      const page = await open(browser, http, "transactions", size);
      await check(page, "open transaction");
      await page.evaluate(
        `[...document.querySelectorAll("main a")].find((a) => a.textContent === "t/1").click()`,
      );
      await until(page, `document.querySelector("h1").textContent === "t/1"`);
      await check(page, "transaction");
      await page.evaluate(`button("Abort…").click()`);
      await check(page, "abort");
      await page.evaluate(`button("Abort", document.querySelector("dialog")).click()`);
      await until(page, `!document.querySelector("dialog") && !button("Abort…")`);
      const [ended] = await http.client.admin().describeTransactions(["t/1"]);
      assertEquals(ended!.state, "Empty", "the producer is fenced by another with its id");
    });

    await stepOnDesktop("goes to a topic by its name", async () => {
      const page = await open(browser, http, "", size);
      await page.evaluate(`document.body.dispatchEvent(
        new KeyboardEvent("keydown", { key: "k", ctrlKey: true, bubbles: true }))`);
      await until(page, `document.querySelectorAll("[role=option]").length > 6`);
      await page.evaluate(`
        globalThis.combobox = document.querySelector("[role=combobox]");
        combobox.value = "dlq topic";
        combobox.dispatchEvent(new Event("input"));
      `);
      await check(page, "palette");
      await page.evaluate(
        `combobox.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }))`,
      );
      await until(page, `location.pathname === "/ui/topics/dlq/messages"`);
    });

    await stepOnDesktop(
      "finds one of many messages by a path into JSON, with progress",
      async () => {
        await produceMany(http, "many", MANY);
        const wanted = MANY - 7;
        const find = encodeURIComponent(`$.order.id = ${wanted}`);
        const page = await open(browser, http, "topics/many/messages?offset=end", size);
        await page.evaluate(`
        globalThis.progress = new Set();
        new MutationObserver(() => {
          const { textContent } = document.querySelector("main [role=status]");
          if (textContent.includes(" left")) progress.add(textContent);
        }).observe(document.querySelector("main"), { subtree: true, childList: true });
        true
      `);
        await page.evaluate(
          `fill("From", "start"); fill("Find", decodeURIComponent("${find}")); button("Search").click()`,
        );
        await until(
          page,
          `document.querySelector("main [role=status]").textContent.startsWith("1 found")`,
        );
        const text = String(
          await page.evaluate(`document.querySelector("main [role=status]").textContent`),
        );
        assert(text.startsWith(`1 found among ${MANY.toLocaleString("en-US")} in `), text);
        if (MANY >= 1_000_000) assert(Number(await page.evaluate("progress.size")) > 0, "progress");
        await until(
          page,
          `document.querySelector("tr.record")?.textContent.includes('"id":${wanted}')`,
        );
        await check(page, "one of many");
      },
    );

    await stepOnDesktop("stops a search, and says how much was found", async () => {
      const page = await open(browser, http, "topics/many/messages?offset=end", size);
      await page.evaluate(`fill("From", "start"); fill("CEL", "value.order.id % 2 == 1")`);
      await page.evaluate(`button("Search").click(); button("Stop").click()`);
      await until(
        page,
        `document.querySelector("main [role=status]").textContent.startsWith("Stopped: ")`,
      );
      assertEquals(await page.evaluate(`button("Stop").disabled`), true);
    });

    await step("sends a message of any bytes again, edited", async () => {
      const topic = "binary";
      await http.client.admin().createTopic({ name: topic });
      const key = new Uint8Array([0, 255, 1]);
      const value = new Uint8Array([0, 0, 0, 0, 7, 200]);
      const headers: [string, Uint8Array | string | null][] = [
        ["h", "text"],
        ["h", new Uint8Array([255, 0])],
        ["none", null],
      ];
      await http.client.producer().send({ topic, key, value, headers });
      const page = await open(browser, http, `topics/${topic}/messages`, size);
      await until(page, `document.querySelector("tr.record")`);
      await page.evaluate(`document.querySelector("tr.record").click()`);
      await until(page, `!document.querySelector("section.detail").hidden`);
      const detail = String(await page.evaluate(`document.querySelector(".detail").innerText`));
      assert(detail.includes("perhaps of schema 7"), detail);
      await check(page, "binary message");
      await page.evaluate(
        `[...document.querySelectorAll(".detail a")].find((a) => a.textContent === "Edit and resend").click()`,
      );
      await until(page, `button("Send")`);
      await check(page, "resend");
      await page.evaluate(`button("Send").click()`);
      const isWritten = (offset: number) =>
        `document.querySelector("main [role=status]").textContent.includes("offset ${offset}")`;
      await until(page, isWritten(1));
      await page.evaluate(
        `fill("Value as", "text"); fill("Value", "edited"); button("Send").click()`,
      );
      await until(page, isWritten(2));
      const { messages } = await http.client.consumer().fetchFrom(topic, 0, 0);
      const [first, copy, edited] = messages;
      for (const sent of [copy!, edited!]) {
        assertEquals([sent.key, [...sent.headers]], [first!.key, [...first!.headers]]);
      }
      assertEquals([copy!.value, edited!.text()], [value, "edited"]);
    });

    await stepOnDesktop("shows when a message is gone that was to be sent again", async () => {
      const page = await open(browser, http, "topics/binary/produce?from=0:99", size);
      await until(page, `document.querySelector("form .bad")`);
      await check(page, "gone");
    });

    await stepOnDesktop("exports what is shown", async () => {
      const page = await open(browser, http, "topics/binary/messages", size);
      await until(page, `rowCount() === 3`);
      await page.evaluate(`
        globalThis.saved = [];
        URL.createObjectURL = (blob) => (saved.push(blob.text()), "data:,");
        HTMLAnchorElement.prototype.click = () => {};
        const select = document.querySelector("[aria-label=Export]");
        for (const value of ["shown csv", "all jsonl"]) {
          select.value = value;
          select.dispatchEvent(new Event("change"));
        }
      `);
      await until(page, `saved.length === 2`);
      const [csv, jsonl] = JSON.parse(
        String(await page.evaluate(`Promise.all(saved).then(JSON.stringify)`)),
      ) as string[];
      assertEquals(csv!.trimEnd().split("\n").length, 4);
      const offsets = jsonl!.trimEnd().split("\n").map((line) => JSON.parse(line).offset);
      assertEquals(offsets, [0, 1, 2]);
    });

    await stepOnDesktop("moves between pages and messages by keys", async () => {
      const page = await open(browser, http, "topics/binary/messages", size);
      await until(page, `rowCount() === 3`);
      const press = (key: string) =>
        page.evaluate(`document.body.dispatchEvent(
          new KeyboardEvent("keydown", { key: "${key}", bubbles: true }))`);
      await press("j");
      await press("j");
      await until(page, `document.querySelector(".detail h2")?.textContent.endsWith("offset 1")`);
      await press("Escape");
      await until(page, `document.querySelector(".detail").hidden`);
      await press("]");
      await until(page, `location.pathname.endsWith("/partitions")`);
      await press("?");
      await until(page, `document.querySelector("dialog")`);
      await check(page, "keys");
      await page.evaluate(`document.querySelector("dialog").close()`);
      for (const [key, path] of [["e", "events"], ["g", "groups"], ["o", ""]]) {
        await press("g");
        await press(key!);
        await until(page, `location.pathname === "/ui/${path}"`);
      }
    });

    await step("shows all other pages, in light and dark", async () => {
      for (
        const where of [
          "",
          "brokers",
          "brokers/1",
          "events",
          "transactions",
          "topics/orders/partitions",
          "topics/orders/groups",
          "nowhere",
        ]
      ) {
        const page = await open(browser, http, where, size);
        await check(page, where);
        if (name !== "desktop") continue;
        await page.call("Emulation.setEmulatedMedia", {
          features: [{ name: "prefers-color-scheme", value: "dark" }],
        });
        await check(page, `${where}, dark`);
      }
    });
  });
}
