/**
 * A headless Chromium, driven by Playwright.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
// deno-lint-ignore no-import-prefix -- for tests only
import axe from "npm:axe-core@4.11.0";
// deno-lint-ignore no-import-prefix -- for tests only
import type { Browser, BrowserContext, Page } from "npm:playwright-core@1.65.1";
import fs from "node:fs";

export type { Browser, Page };

/** Time for what a page should show. */
const TIMEOUT_MS = 30_000;
/** What axe must find nothing serious against. */
const STANDARDS = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"];

/**
 * Playwright asks for files below /proc that Deno only shows to programs with all permissions. In Node
 * `existsSync` never throws.
 */
async function loadPlaywright() {
  const { existsSync } = fs;
  fs.existsSync = (path) => {
    try {
      return existsSync(path);
    } catch {
      return false;
    }
  };
  try {
    // deno-lint-ignore no-import-prefix -- for tests only
    return await import("npm:playwright-core@1.65.1");
  } finally {
    fs.existsSync = existsSync;
  }
}

/** Starts the Chromium at `path`. */
export async function launchChromium(path: string): Promise<Browser> {
  const { chromium } = await loadPlaywright();
  // The sandbox does not start as root, as tests in containers run.
  return await chromium.launch({ executablePath: path, chromiumSandbox: false });
}

/** How pages are shown. */
export interface Screen {
  readonly width: number;
  readonly height: number;
  readonly isPhone?: boolean;
  readonly isDark?: boolean;
}

/** Pages of one origin on one screen. They must do without errors, and without other hosts. */
export class Pages implements AsyncDisposable {
  readonly #context: BrowserContext;
  readonly #problems: string[] = [];

  private constructor(context: BrowserContext, origin: string) {
    this.#context = context;
    context.setDefaultTimeout(TIMEOUT_MS);
    // Of scripts, and of what the content security policy refuses.
    context.on("weberror", (error) => this.#problems.push(String(error.error())));
    context.on("console", (message) => {
      if (message.type() === "error") this.#problems.push(message.text());
    });
    context.on("request", (request) => {
      const { protocol, origin: other } = new URL(request.url());
      const isNone = protocol === "data:" || protocol === "blob:";
      if (!isNone && other !== origin) this.#problems.push(`Request to ${request.url()}`);
    });
  }

  /** Pages of `origin`. */
  static async of(browser: Browser, origin: string, screen: Screen): Promise<Pages> {
    const { width, height, isPhone = false, isDark = false } = screen;
    const context = await browser.newContext({
      baseURL: origin,
      viewport: { width, height },
      isMobile: isPhone,
      hasTouch: isPhone,
      colorScheme: isDark ? "dark" : "light",
      reducedMotion: "reduce",
    });
    return new Pages(context, origin);
  }

  /** Opens a page, and waits for its heading, or for what else is asked first. */
  async open(path: string, first = "h1"): Promise<Page> {
    const page = await this.#context.newPage();
    await page.goto(path);
    await page.locator(first).waitFor();
    return page;
  }

  /** Forgets errors that were meant to happen. */
  forget(): void {
    this.#problems.length = 0;
  }

  /** What a user with a screen reader or a small screen would stumble over, and errors of any page. */
  async check(page: Page, where: string): Promise<void> {
    // A page keeps it until another document is loaded.
    if (!await page.evaluate("'axe' in globalThis")) await page.evaluate(axe.source);
    const serious = await page.evaluate(`
      axe.run({ runOnly: ${JSON.stringify(STANDARDS)} }).then(({ violations }) => violations
        .filter(({ impact }) => impact === "serious" || impact === "critical")
        .map(({ id, nodes }) => id + ": " + nodes.map(({ html }) => html.slice(0, 100)).join(" ; ")))
    `);
    assertEquals(serious, [], where);
    const isTooWide = await page.evaluate(
      "document.documentElement.scrollWidth > document.documentElement.clientWidth",
    );
    assertEquals(isTooWide, false, `${where} fits its width`);
    assertEquals(this.#problems, [], where);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#context.close();
  }
}
