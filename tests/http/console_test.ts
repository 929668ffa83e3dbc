/**
 * The console in Chromium: its pages do their jobs, at the size of a desktop and of a phone.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { launchChromium, type Page, Pages } from "../support/chromium.ts";
import { HttpBroker } from "../support/http.ts";
import { testWith } from "../support/outside.ts";

/** Messages to search in; set to a million for what users may have. */
const MANY = Number(Deno.env.get("DQUEUE_TEST_CONSOLE_MESSAGES") ?? 20_000);
const SCREENS = {
  desktop: { width: 1280, height: 800 },
  phone: { width: 375, height: 812, isPhone: true },
};

const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
const field = (page: Page, label: string) => page.getByLabel(label, { exact: true });
const choice = (page: Page, label: string) =>
  page.getByRole("combobox", { name: label, exact: true });
const status = (page: Page) => page.locator("main").getByRole("status").first();
/** Rows of messages that are drawn. */
const rows = (page: Page) => page.locator("tr.record");

/** Waits until a text is in what the page says about its work. */
async function says(page: Page, text: string): Promise<void> {
  await status(page).filter({ hasText: text }).waitFor();
}

/** Waits for a number of messages in the list, drawn or not. */
async function lists(page: Page, count: number): Promise<void> {
  await page.locator(`table.records[aria-rowcount="${count + 1}"]`).waitFor();
}

/** Waits until a dialog was closed. */
async function isDone(page: Page): Promise<void> {
  await page.getByRole("dialog").waitFor({ state: "detached" });
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

for (const [name, screen] of Object.entries(SCREENS)) {
  testWith("chromium", `Console does its jobs in Chromium: ${name}`, async (path, t) => {
    await using http = await HttpBroker.start();
    await using browser = await launchChromium(path);
    await using pages = await Pages.of(browser, http.url, screen);
    /** A job on a page of its own. */
    const step = (what: string, where: string, run: (page: Page) => Promise<void>) =>
      t.step(what, async () => {
        await using page = await pages.open(`/ui/${where}`);
        await run(page);
      });
    /** What has nothing to do with the size of the screen. */
    const stepOnDesktop: typeof step = (what, where, run) =>
      name === "desktop" ? step(what, where, run) : Promise.resolve(true);

    await step("creates a topic", "topics", async (page) => {
      await pages.check(page, "topics");
      await button(page, "New topic").click();
      await field(page, "Name").fill("orders");
      await pages.check(page, "new topic");
      await button(page, "Create").click();
      await page.waitForURL("**/ui/topics/orders/messages?*");
      const { partitions } = await http.client.admin().describeTopic("orders");
      assertEquals(partitions.length, 1);
    });

    await step("produces a message", "topics/orders/produce", async (page) => {
      const value = `{"id":73314510714175488,"name":"<script>alert(1)</script>"}`;
      await field(page, "Value").fill(value);
      await button(page, "Send").click();
      await says(page, "offset 0");
      await pages.check(page, "produce");
    });

    const filter = encodeURIComponent("value.id == 73314510714175488");
    await t.step("has many messages", async () => {
      const values = Array.from({ length: 3000 }, (_, i) => `{"id":${i}}`);
      await http.client.producer().sendBatch(values.map((value) => ({ topic: "orders", value })));
    });
    await step(
      "searches by a field, and shows the message with all digits, as text",
      `topics/orders/messages?offset=start&filter=${filter}`,
      async (page) => {
        await says(page, "1 found among 3,001");
        await rows(page).click();
        const detail = await page.locator("section.detail").innerText();
        assert(detail.includes(`"id": 73314510714175488`), detail);
        assert(detail.includes("<script>alert(1)</script>"), detail);
        await pages.check(page, "messages");
      },
    );

    await step("follows new messages", "topics/orders/messages", async (page) => {
      await lists(page, 100);
      const drawn = await rows(page).count();
      assert(drawn > 5 && drawn < 100, `only what is in sight is drawn: ${drawn}`);
      await page.evaluate(`document.querySelector("[aria-label=Messages]").scrollTop = 1e6`);
      await page.locator("[aria-rowindex='101']").waitFor();
      await button(page, "Live").click();
      await lists(page, 0);
      let isSending = true;
      const sending = (async () => {
        for (let sent = 0; isSending; sent++) {
          await http.client.producer().send({ topic: "orders", value: `live ${sent}` });
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      })();
      await rows(page).first().filter({ hasText: "live " }).waitFor().finally(() =>
        isSending = false
      );
      await sending;
      await button(page, "Stop").click();
    });

    await step("edits and resets a config", "topics/orders/configs", async (page) => {
      await pages.check(page, "configs");
      await button(page, "Edit retention.ms").click();
      await field(page, "Value").fill("1000");
      await button(page, "Save").click();
      await button(page, "Reset retention.ms").waitFor();
      const configs = await http.client.admin().describeConfigs({ type: "topic", name: "orders" });
      assertEquals(configs.find((config) => config.name === "retention.ms")!.value, "1000");
      await button(page, "Reset retention.ms").click();
      await button(page, "Reset retention.ms").waitFor({ state: "detached" });
    });

    await t.step("has a group", async () => {
      await http.client.admin().alterGroupOffsets("g/1", [
        { topic: "orders", partition: 0, offset: 2000 },
      ]);
    });
    await step("resets a group, after it has shown the plan", "groups", async (page) => {
      const committed = async () => (await http.client.admin().listGroupOffsets("g/1"))[0]!.offset;
      await pages.check(page, "groups");
      await page.getByRole("link", { name: "g/1" }).click();
      await button(page, "Reset offsets…").waitFor();
      await pages.check(page, "group");
      await button(page, "Reset offsets…").click();
      await choice(page, "To").selectOption("Offset, or ±N…");
      await field(page, "Position").fill("10");
      await button(page, "Apply").click();
      await page.getByRole("alert").filter({ hasText: "Show the plan first" }).waitFor();
      assertEquals(await committed(), 2000);
      await button(page, "Show the plan").click();
      await page.getByRole("dialog").getByRole("cell").first().waitFor();
      await pages.check(page, "reset");
      await button(page, "Apply").click();
      await isDone(page);
      assertEquals(await committed(), 10);
      await button(page, "Undo").waitFor();
      await pages.check(page, "undo");
      await button(page, "Undo").click();
      await button(page, "Undo").waitFor({ state: "detached" });
      assertEquals(await committed(), 2000);
    });

    await t.step("has a dead letter queue", async () => {
      await http.client.admin().createTopics([{ name: "dlq" }, { name: "again" }]);
      const from = (topic: string) => ({ "x-original-topic": topic });
      await http.client.producer().sendBatch([
        ...["1", "2", "3"].map((value) => ({
          topic: "dlq",
          value,
          key: "k",
          headers: from("again"),
        })),
        { topic: "dlq", value: "4", headers: from("nowhere") },
      ]);
    });
    await step(
      "sends many messages again, each to the topic that its header names",
      "topics/dlq/messages",
      async (page) => {
        await lists(page, 4);
        await page.getByLabel("Select all messages").check();
        await pages.check(page, "selected");
        await button(page, "Resend 4…").click();
        const dialog = page.getByRole("dialog");
        await button(page, "Send").click();
        await dialog.getByRole("alert").filter({ hasText: "Show what will be sent first" })
          .waitFor();
        await button(page, "Show what will be sent").click();
        const plan = await dialog.getByRole("table").innerText();
        assert(/again\s+3/.test(plan) && /There is no topic nowhere\s+1/.test(plan), plan);
        await pages.check(page, "resend many");
        await button(page, "Send").click();
        await isDone(page);
        await button(page, "Resend 1…").waitFor();
        const { messages } = await http.client.consumer().fetchFrom("again", 0, 0);
        assertEquals(
          messages.map((one) => [one.keyText(), one.text()]),
          ["1", "2", "3"].map((value) => ["k", value]),
        );
        assertEquals(messages[0]!.headers.text("x-original-topic"), "again");
      },
    );

    await t.step("has an open transaction", async () => {
      const transaction = await http.client.producer({ transactionalId: "t/1" }).begin();
      await transaction.send({ topic: "again", value: "x" });
    });
    await step("shows an open transaction, and aborts it", "transactions", async (page) => {
      await pages.check(page, "open transaction");
      await page.getByRole("link", { name: "t/1" }).click();
      await page.getByRole("heading", { name: "t/1", level: 1 }).waitFor();
      await pages.check(page, "transaction");
      await button(page, "Abort the transaction of t/1").click();
      await pages.check(page, "abort");
      await page.getByRole("dialog").getByRole("button", { name: "Abort", exact: true }).click();
      await isDone(page);
      await button(page, "Abort the transaction of t/1").waitFor({ state: "detached" });
      const [ended] = await http.client.admin().describeTransactions(["t/1"]);
      assertEquals(ended!.state, "Empty", "the producer is fenced by another with its id");
    });
    await step(
      "hides what was aborted, if only committed messages are to be shown",
      "topics/again/messages",
      async (page) => {
        await says(page, "4 found among 4");
        await choice(page, "Show").selectOption("committed");
        await button(page, "Search").click();
        await says(page, "3 found among 3");
        assertEquals(new URL(page.url()).searchParams.get("isolation"), "read_committed");
        await page.reload();
        await says(page, "3 found among 3");
      },
    );

    await stepOnDesktop("goes to a topic by its name", "", async (page) => {
      await page.keyboard.press("Control+k");
      await page.getByRole("option").nth(6).waitFor();
      await page.getByRole("combobox", { name: "Go to" }).fill("dlq topic");
      await pages.check(page, "palette");
      await page.keyboard.press("Enter");
      await page.waitForURL("**/ui/topics/dlq/messages?*");
    });

    if (name === "desktop") await t.step("has even more", () => produceMany(http, "many", MANY));
    await stepOnDesktop(
      "finds one of many messages by a path into JSON, with progress",
      "topics/many/messages?offset=end",
      async (page) => {
        const wanted = MANY - 7;
        await page.evaluate(`
          globalThis.progress = new Set();
          new MutationObserver(() => {
            const { textContent } = document.querySelector("main [role=status]");
            if (textContent.includes(" left")) progress.add(textContent);
          }).observe(document.querySelector("main"), { subtree: true, childList: true });
        `);
        await choice(page, "From").selectOption("start");
        await field(page, "Find").fill(`$.order.id = ${wanted}`);
        await button(page, "Search").click();
        await status(page).filter({ hasText: /^1 found/ }).waitFor({ timeout: 120_000 });
        const said = await status(page).innerText();
        assert(said.startsWith(`1 found among ${MANY.toLocaleString("en-US")} in `), said);
        const progress = await page.evaluate("[...progress]") as string[];
        if (MANY >= 1_000_000) {
          assert(progress.length > 0, "progress");
          console.log(said, progress);
        }
        await rows(page).filter({ hasText: `"id":${wanted}` }).waitFor();
        await pages.check(page, "one of many");
      },
    );

    await stepOnDesktop(
      "stops a search, and says how much was found",
      "topics/many/messages?offset=end",
      async (page) => {
        await choice(page, "From").selectOption("start");
        await field(page, "CEL").fill("value.order.id % 2 == 1");
        // Both in one turn: the search must not be over before.
        await page.evaluate(`{
          const named = (text) => [...document.querySelectorAll("button")]
            .find((one) => one.textContent === text);
          named("Search").click();
          named("Stop").click();
        }`);
        await says(page, "Stopped: ");
        assert(await button(page, "Stop").isDisabled());
      },
    );

    const value = new Uint8Array([0, 0, 0, 0, 7, 200]);
    await t.step("has bytes", async () => {
      await http.client.admin().createTopic({ name: "binary" });
      const headers: [string, Uint8Array | string | null][] = [
        ["h", "text"],
        ["h", new Uint8Array([255, 0])],
        ["none", null],
      ];
      const key = new Uint8Array([0, 255, 1]);
      await http.client.producer().send({ topic: "binary", key, value, headers });
    });
    await step(
      "sends a message of any bytes again, edited",
      "topics/binary/messages",
      async (page) => {
        await rows(page).click();
        const detail = await page.locator("section.detail").innerText();
        assert(detail.includes("perhaps of schema 7"), detail);
        await pages.check(page, "binary message");
        await page.getByRole("link", { name: "Edit and resend" }).click();
        await button(page, "Send").waitFor();
        await pages.check(page, "resend");
        await button(page, "Send").click();
        await says(page, "offset 1");
        await page.getByLabel("Value as").first().selectOption("Text");
        await page.locator("textarea").fill("edited");
        await button(page, "Send").click();
        await says(page, "offset 2");
        const { messages } = await http.client.consumer().fetchFrom("binary", 0, 0);
        const [first, copy, edited] = messages;
        for (const sent of [copy!, edited!]) {
          assertEquals([sent.key, [...sent.headers]], [first!.key, [...first!.headers]]);
        }
        assertEquals([copy!.value, edited!.text()], [value, "edited"]);
      },
    );

    await stepOnDesktop(
      "shows when a message is gone that was to be sent again",
      "topics/binary/produce?from=0:99",
      async (page) => {
        await page.getByText("The message at 0:99 is gone").waitFor();
        await pages.check(page, "gone");
      },
    );

    await stepOnDesktop("exports what is shown", "topics/binary/messages", async (page) => {
      await lists(page, 3);
      const save = async (option: string) => {
        const download = page.waitForEvent("download");
        await page.getByLabel("Export").selectOption(option);
        return await Deno.readTextFile(await (await download).path());
      };
      const csv = await save("Shown messages, CSV");
      assertEquals(csv.trimEnd().split("\n").length, 4);
      const jsonl = await save("All that the search finds, JSON lines");
      const offsets = jsonl.trimEnd().split("\n").map((line) => JSON.parse(line).offset);
      assertEquals(offsets, [0, 1, 2]);
    });

    await stepOnDesktop(
      "moves between pages and messages by keys",
      "topics/binary/messages",
      async (page) => {
        await lists(page, 3);
        await page.keyboard.press("j");
        await page.keyboard.press("j");
        await page.getByRole("heading", { name: "Partition 0, offset 1" }).waitFor();
        await page.keyboard.press("Escape");
        await page.locator("section.detail").waitFor({ state: "hidden" });
        await page.keyboard.press("]");
        await page.waitForURL("**/partitions");
        await page.getByRole("heading", { name: "binary" }).waitFor();
        await page.keyboard.press("?");
        await pages.check(page, "keys");
        await page.getByRole("dialog").press("Escape");
        await isDone(page);
        for (const [key, where] of [["e", "events"], ["g", "groups"], ["o", ""]]) {
          await page.keyboard.press("g");
          await page.keyboard.press(key!);
          await page.waitForURL((url) => url.pathname === `/ui/${where}`);
        }
      },
    );

    await stepOnDesktop(
      "keeps what has the focus when a list is drawn again",
      "events",
      async (page) => {
        const focused = await page.evaluate(`(async () => {
          const { h, redraw } = await import("/ui/assets/dom.js");
          const box = h("div");
          document.body.append(box);
          const draw = (names) => redraw(box, ...names.map((name) => h("a", { href: "#" + name }, name)));
          const now = () => document.activeElement.getAttribute("href");
          draw(["a", "b", "c"]);
          box.querySelectorAll("a")[1].focus();
          draw(["x", "a", "b"]);
          const again = now();
          draw(["x", "a"]);
          return [again, now()];
        })()`);
        assertEquals(focused, ["#b", null]);
      },
    );

    await t.step("shows all other pages, in light and dark", async () => {
      await using dark = await Pages.of(browser, http.url, { ...screen, isDark: true });
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
        for (const all of name === "desktop" ? [pages, dark] : [pages]) {
          await using page = await all.open(`/ui/${where}`);
          await all.check(page, where);
        }
      }
    });
  });
}

testWith(
  "chromium",
  "Console says that nothing can be changed with --http-writes off",
  async (path) => {
    await using http = await HttpBroker.start({ allowsWrites: false });
    await http.client.admin().createTopic({ name: "orders" });
    await using browser = await launchChromium(path);
    await using pages = await Pages.of(browser, http.url, SCREENS.phone);
    await using page = await pages.open("/ui/topics/orders/produce");
    await page.locator("#user").filter({ hasText: "read only" }).waitFor();
    await pages.check(page, "read only");
    await field(page, "Value").fill("x");
    await button(page, "Send").click();
    await page.getByText("Changes over HTTP are switched off with --http-writes off").waitFor();
  },
);
