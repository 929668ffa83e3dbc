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
  globalThis.fill = (label, value, within = document) => {
    const one = input(label, within);
    one.value = value;
    one.dispatchEvent(new Event("input", { bubbles: true }));
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
      await until(page, `document.querySelector("tbody tr")`);
      await page.evaluate(`document.querySelector("tbody tr").click()`);
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
      await until(page, `document.querySelectorAll("tbody tr").length === 100`);
      await page.evaluate(`button("Live").click()`);
      await until(page, `document.querySelectorAll("tbody tr").length === 0`);
      let sent = 0;
      await within(
        (async () => {
          while (await page.evaluate(`document.querySelectorAll("tbody tr").length`) === 0) {
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
        `fill("To", "10", document.querySelector("dialog")); button("Apply").click()`,
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
      const [committed] = await http.client.admin().listGroupOffsets("g/1");
      assertEquals(committed!.offset, 10);
    });

    await step("shows overview, brokers and partitions", async () => {
      for (const where of ["", "brokers", "topics/orders/partitions", "nowhere"]) {
        const page = await open(browser, http, where, size);
        await check(page, where);
      }
    });
  });
}
