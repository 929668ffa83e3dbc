/**
 * Tests of streams in Chromium.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { Client } from "../../client/mod.ts";
import { BrokerProcess } from "../support/broker/broker_process.ts";
import { launchChromium, Pages } from "../support/chromium.ts";
import { freePort } from "../support/free_port.ts";
import { testWith } from "../support/outside.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import { within } from "../support/within.ts";

async function until(what: string, isDone: () => Promise<boolean>): Promise<void> {
  await within(
    (async () => {
      while (!await isDone()) await new Promise((resolve) => setTimeout(resolve, 50));
    })(),
    what,
  );
}

testWith(
  "chromium",
  "EventSource in Chromium loses and doubles nothing when the broker is killed",
  async (path) => {
    await using folder = await TemporaryFolder.create();
    const data = folder.join("data");
    const http = `127.0.0.1:${freePort()}`;
    const start = () => BrokerProcess.start({ data, flags: ["--http", http] });
    const send = async (address: string, from: number, to: number) => {
      await using client = new Client({ brokers: address });
      const producer = client.producer();
      for (let i = from; i < to; i++) await producer.send({ topic: "a", value: `${i}` });
    };
    await using browser = await launchChromium(path);
    let broker = await start();
    try {
      await using client = new Client({ brokers: broker.address });
      await client.admin().createTopic({ name: "a" });
      await until("HTTP", async () => {
        return await fetch(`http://${http}/livez`).then(async (response) => {
          await response.body?.cancel();
          return response.ok;
        }, () => false);
      });
      const page = await browser.newPage();
      await page.goto(`http://${http}/openapi.json`);
      await page.evaluate(`
      globalThis.seen = [];
      globalThis.source = new EventSource("/topics/a/stream?offset=start");
      source.onmessage = ({ data }) => seen.push(JSON.parse(data).value);
    `);
      const seen = async () => await page.evaluate("seen") as string[];
      let sent = 0;
      for (let round = 0; round < 3; round++) {
        await send(broker.address, sent, sent + 20);
        sent += 20;
        // The kill comes while some of it may be on its way.
        await until("records", async () => (await seen()).length > sent - 20);
        await broker.kill();
        broker = await start();
      }
      await send(broker.address, sent, sent + 5);
      sent += 5;
      await until("all records", async () => (await seen()).length >= sent);
      assertEquals(await seen(), Array.from({ length: sent }, (_, i) => `${i}`));
      assertEquals(await page.evaluate("source.readyState"), 1);
    } finally {
      await broker[Symbol.asyncDispose]();
    }
  },
);

testWith(
  "chromium",
  "Console follows new messages across a kill of the broker, and shows each once",
  async (path) => {
    await using folder = await TemporaryFolder.create();
    const data = folder.join("data");
    const http = `127.0.0.1:${freePort()}`;
    const start = () => BrokerProcess.start({ data, flags: ["--http", http] });
    const send = async (address: string, from: number, to: number) => {
      await using client = new Client({ brokers: address });
      const producer = client.producer();
      for (let i = from; i < to; i++) {
        await producer.send({ topic: "a", value: `value ${i} ${"x".repeat(6000)}` });
      }
    };
    await using browser = await launchChromium(path);
    let broker = await start();
    try {
      await using client = new Client({ brokers: broker.address });
      await client.admin().createTopic({ name: "a" });
      await until("HTTP", async () => {
        return await fetch(`http://${http}/livez`).then(async (response) => {
          await response.body?.cancel();
          return response.ok;
        }, () => false);
      });
      await using pages = await Pages.of(browser, `http://${http}`, { width: 1280, height: 800 });
      await using page = await pages.open("/ui/topics/a/messages");
      await page.getByRole("button", { name: "Live", exact: true }).click();
      await page.getByText("Live: waiting").waitFor();
      const lists = (count: number) =>
        page.locator(`table.records[aria-rowcount="${count + 1}"]`).waitFor();
      await send(broker.address, 0, 5);
      await lists(5);
      await broker.kill();
      await page.getByText("Live: not connected since").waitFor();
      await page.locator("#connection").filter({ hasText: "not connected since" }).waitFor();
      broker = await start();
      await send(broker.address, 5, 10);
      await lists(10);
      await page.locator("#connection").filter({ hasText: "● connected" }).waitFor();
      const offsets = await page.locator("tr.record td:nth-child(4)").allInnerTexts();
      assertEquals(offsets, Array.from({ length: 10 }, (_, i) => `${9 - i}`));
      // The whole value, of which the list has the beginning.
      await page.locator("tr.record").first().click();
      await page.locator("section.detail pre").filter({ hasText: `value 9 ${"x".repeat(6000)}` })
        .waitFor();
      assertEquals(await page.locator("section.detail h3 small").first().innerText(), "5.9 KiB");
    } finally {
      await broker[Symbol.asyncDispose]();
    }
  },
);
