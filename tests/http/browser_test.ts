/**
 * Tests of streams in Chromium.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { Client } from "../../client/mod.ts";
import { BrokerProcess } from "../support/broker/broker_process.ts";
import { launchChromium } from "../support/chromium.ts";
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
