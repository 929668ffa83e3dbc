/**
 * The console's pages for ACLs, users and quotas in Chromium, and what users see who may not do everything.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { launchChromium, type Page, Pages } from "../support/chromium.ts";
import { HttpBroker } from "../support/http.ts";
import { testWith } from "../support/outside.ts";

const SCREENS = {
  desktop: { width: 1280, height: 800 },
  phone: { width: 375, height: 812, isPhone: true },
};

const button = (page: Page, name: string | RegExp) =>
  page.getByRole("button", { name, exact: true });
const field = (page: Page, label: string) => page.getByLabel(label, { exact: true });

/** Waits until a dialog was closed. */
async function isDone(page: Page): Promise<void> {
  await page.getByRole("dialog").waitFor({ state: "detached" });
}

/** Signs in where the page asks for it. */
async function signIn(page: Page, pages: Pages, user: string): Promise<void> {
  await field(page, "User").fill(user);
  await field(page, "Password").fill(`${user}-secret`);
  await button(page, "Sign in").click();
  await page.locator("h1").waitFor();
  // What the browser writes about the answer with 401.
  pages.forget();
}

const as = (user: string) => ({
  "content-type": "application/json",
  authorization: `Basic ${btoa(`${user}:${user}-secret`)}`,
});

for (const [name, screen] of Object.entries(SCREENS)) {
  testWith("chromium", `Console manages who may do what: ${name}`, async (path, t) => {
    await using http = await HttpBroker.start({
      config: { "connection.failed.authentication.delay.ms": 1 },
    });
    await using browser = await launchChromium(path);
    const step = (
      what: string,
      user: string | undefined,
      where: string,
      run: (page: Page, pages: Pages) => Promise<void>,
    ) =>
      t.step(what, async () => {
        await using pages = await Pages.of(browser, http.url, screen);
        await using page = await pages.open(`/ui/${where}`, user === undefined ? "h1" : "dialog");
        if (user !== undefined) await signIn(page, pages, user);
        await run(page, pages);
      });
    /** What has nothing to do with the size of the screen. */
    const stepOnDesktop: typeof step = (...args) =>
      name === "desktop" ? step(...args) : Promise.resolve(true);
    const send = (method: string, below: string, body?: unknown, user = "admin") =>
      http.send(method, `${http.cluster}${below}`, body, as(user));

    await step(
      "creates the first administrator",
      undefined,
      "access/users",
      async (page, pages) => {
        await page.getByText("This cluster is open").waitFor();
        await pages.check(page, "open cluster");
        await button(page, "New user").click();
        await field(page, "Name").fill("admin");
        await field(page, "Password").fill("admin-secret");
        await field(page, "Password again").fill("admin");
        await pages.check(page, "new user");
        await button(page, "Create").click();
        await page.getByRole("alert").filter({ hasText: "not the same" }).waitFor();
        await field(page, "Password again").fill("admin-secret");
        await button(page, "Create").click();
        // The cluster is closed now.
        await page.getByRole("dialog", { name: "Sign in" }).waitFor();
        await signIn(page, pages, "admin");
        await page.getByText("You are User:admin").waitFor();
        const { json } = await send("GET", "/session");
        assertEquals([json.principal, json.is_open], ["User:admin", false]);
      },
    );

    await step(
      "creates, changes and deletes users",
      "admin",
      "access/users",
      async (page, pages) => {
        await page.getByText("You are User:admin").waitFor();
        await page.locator("#user").filter({ hasText: "admin" }).waitFor();
        for (const user of ["alice", "bob"]) {
          await button(page, "New user").click();
          await field(page, "Name").fill(user);
          await field(page, "Password").fill(`${user}-secret`);
          await field(page, "Password again").fill(`${user}-secret`);
          await button(page, "Create").click();
          await isDone(page);
        }
        await page.getByRole("cell", { name: "bob", exact: true }).waitFor();
        await pages.check(page, "users");
        await button(page, "New password of bob").click();
        await field(page, "Password").fill("other");
        await field(page, "Password again").fill("other");
        await button(page, "Change").click();
        await isDone(page);
        assertEquals((await send("GET", "/session", undefined, "bob")).status, 401);
        await button(page, "Delete bob").click();
        await pages.check(page, "delete a user");
        await button(page, "Delete").click();
        await isDone(page);
        await page.getByRole("cell", { name: "bob", exact: true }).waitFor({ state: "detached" });
        const { json } = await send("GET", "/users");
        assertEquals(
          json.data.map(({ user_name: user }: { user_name: string }) => user),
          ["admin", "alice"],
        );
      },
    );

    await t.step("has topics", async () => {
      for (const topic of ["orders", "secrets"]) {
        await send("POST", "/topics", { topic_name: topic });
        await send("POST", `/topics/${topic}/records`, {
          value: { type: "STRING", data: `of ${topic}` },
        });
      }
    });
    await step(
      "creates ACLs for a purpose, and says why",
      "admin",
      "access/acls",
      async (page, pages) => {
        const explain = async (operation: string, topic: string) => {
          await field(page, "Who").fill("alice");
          await page.getByRole("combobox", { name: "May", exact: true }).selectOption(operation);
          await field(page, "Named").fill(topic);
          await button(page, "Explain").click();
        };
        const result = page.locator("form [role=status]");
        await explain("read", "orders");
        await result.filter({ hasText: "Denied: no ACL is about it" }).or(
          result.filter({ hasText: "Denied: none of the ACLs" }),
        ).waitFor();
        await button(page, "New ACL").click();
        await field(page, "Principal").fill("alice");
        await field(page, "Topics").fill("orders, order-");
        await field(page, "Groups").fill("billing");
        await field(page, "And all whose names begin like these").check();
        await pages.check(page, "new ACL");
        const preview = await page.getByLabel("ACLs to create").innerText();
        assertStringIncludes(preview, "allow User:alice to read topic orders…");
        assertEquals(preview.trim().split("\n").length, 6);
        await button(page, "Create").click();
        await isDone(page);
        await page.getByRole("cell", { name: "User:alice" }).first().waitFor();
        await pages.check(page, "ACLs");
        await explain("read", "orders-7");
        await result.filter({
          hasText: "Allowed: an ACL says: allow User:alice to read topic orders…",
        })
          .waitFor();
        await explain("write", "orders-7");
        await result.filter({ hasText: "Denied: none of the ACLs about it allows it" }).waitFor();
        await page.getByLabel("Search").fill("group billing");
        await button(page, "Delete: allow User:alice to describe group billing…").click();
        await pages.check(page, "delete an ACL");
        await button(page, "Delete").click();
        await isDone(page);
        await button(page, "Delete: allow User:alice to describe group billing…")
          .waitFor({ state: "detached" });
        const { json } = await send("GET", "/acls?principal=User:alice");
        assertEquals(json.data.length, 5);
        // Sorted by another column, whose heading keeps the focus.
        await page.getByLabel("Search").fill("");
        const head = button(page, "Operation");
        await head.click();
        assertEquals(await page.locator("th[aria-sort=ascending]").innerText(), "Operation ▲");
        assertEquals(await page.evaluate("document.activeElement.dataset.name"), "operation");
        await page.keyboard.press("Enter");
        assertEquals(await page.locator("th[aria-sort=descending]").innerText(), "Operation ▼");
        assert(page.url().endsWith("?sort=-operation"), page.url());
      },
    );

    await stepOnDesktop(
      "sets, changes and removes quotas",
      "admin",
      "access/quotas",
      async (page, pages) => {
        await button(page, "New quota").click();
        await field(page, "Name").fill("alice");
        await field(page, "Bytes written a second").fill("many");
        await button(page, "Save").click();
        await page.getByRole("alert").filter({ hasText: "is not a number" }).waitFor();
        await field(page, "Bytes written a second").fill("1 MiB");
        await pages.check(page, "new quota");
        await button(page, "Save").click();
        await isDone(page);
        await page.getByText("producer byte rate 1.0 MiB/s").waitFor();
        await pages.check(page, "quotas");
        await button(page, "Edit the quotas of user alice").click();
        await field(page, "Bytes written a second").fill("");
        await field(page, "Percent of a processor core").fill("50");
        await button(page, "Save").click();
        await isDone(page);
        await page.getByText("request percentage 50 %").waitFor();
        const { json } = await send("GET", "/quotas");
        assertEquals(json.data.map(({ values }: { values: unknown }) => values), [
          { request_percentage: 50 },
        ]);
        await button(page, "Delete the quotas of user alice").click();
        await button(page, "Delete").click();
        await isDone(page);
        await page.getByText("There are no quotas").waitFor();
      },
    );

    await stepOnDesktop(
      "signs in, stays so after a reload, and signs out",
      "admin",
      "topics",
      async (page, pages) => {
        await page.reload();
        await page.getByRole("heading", { name: "Topics" }).waitFor();
        await pages.check(page, "signed in");
        await button(page, "Sign out").click();
        await page.getByRole("dialog").waitFor();
        pages.forget();
        await pages.check(page, "sign in");
        await field(page, "User").fill("admin");
        await field(page, "Password").fill("wrong");
        await button(page, "Sign in").click();
        await page.getByRole("alert").filter({ hasText: "not accepted" }).waitFor();
        await button(page, "Cancel").click();
        await page.getByRole("alert").filter({ hasText: "Sign in to see this" }).waitFor();
        await button(page, "Try again").click();
        await signIn(page, pages, "alice");
        await page.locator("#user").filter({ hasText: "alice" }).waitFor();
      },
    );

    await step("shows a user what it may see", "alice", "", async (page, pages) => {
      await page.getByText("You may not describe the cluster").waitFor();
      // What the browser writes about answers with 403.
      pages.forget();
      await pages.check(page, "overview of a user");
      await page.getByRole("link", { name: "topics", exact: true }).click();
      await page.getByRole("link", { name: "orders", exact: true }).waitFor();
      assertEquals(await page.getByRole("link", { name: "secrets" }).count(), 0);
      await page.getByRole("link", { name: "orders", exact: true }).click();
      await page.locator("tr.record").filter({ hasText: "of orders" }).waitFor();
    });

    await stepOnDesktop(
      "says what a user may not do",
      "alice",
      "topics/orders/produce",
      async (page) => {
        await field(page, "Value").fill("x");
        await button(page, "Send").click();
        await page.locator("form [role=status].bad").filter({ hasText: /AUTHORIZATION|may not/i })
          .waitFor();
        await page.goto("/ui/access/users");
        await page.getByRole("alert").filter({ hasText: /AUTHORIZATION|may not/i }).waitFor();
        await page.goto("/ui/topics/secrets/messages");
        await page.getByRole("alert").filter({ hasText: /AUTHORIZATION|may not/i }).waitFor();
        await page.goto("/ui/topics/orders/partitions");
        await page.getByRole("cell", { name: "● all" }).waitFor();
      },
    );
  });
}
