/**
 * A headless Chromium, driven over its DevTools protocol.
 *
 * @module
 */

import { TextLineStream } from "@std/streams";
import { TemporaryFolder } from "./temporary_folder.ts";
import { within } from "./within.ts";

type Json = Readonly<Record<string, unknown>>;

/** The browser. */
export class Chromium implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #folder: TemporaryFolder;
  readonly #socket: WebSocket;
  readonly #calls: Map<number, PromiseWithResolvers<Json>> = new Map();
  readonly #closed = Promise.withResolvers<void>();
  readonly #read: Promise<void>;
  #id = 0;

  private constructor(
    child: Deno.ChildProcess,
    folder: TemporaryFolder,
    socket: WebSocket,
    read: Promise<void>,
  ) {
    this.#child = child;
    this.#folder = folder;
    this.#socket = socket;
    this.#read = read;
    socket.onmessage = ({ data }) => {
      const { id, result, error } = JSON.parse(data);
      const call = this.#calls.get(id);
      this.#calls.delete(id);
      if (error === undefined) call?.resolve(result);
      else call?.reject(new Error(error.message));
    };
    socket.onclose = () => this.#closed.resolve();
  }

  /** Starts it. */
  static async start(path: string): Promise<Chromium> {
    const folder = await TemporaryFolder.create();
    const child = new Deno.Command(path, {
      args: [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-dev-shm-usage",
        `--user-data-dir=${folder.join("profile")}`,
        "--remote-debugging-port=0",
        "about:blank",
      ],
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const found = Promise.withResolvers<string>();
    const read = (async () => {
      const lines = child.stderr.pipeThrough(new TextDecoderStream())
        .pipeThrough(new TextLineStream());
      for await (const line of lines) {
        const [, url] = /^DevTools listening on (\S+)/.exec(line) ?? [];
        if (url !== undefined) found.resolve(url);
      }
      found.reject(new Error("Chromium did not start"));
    })();
    const socket = new WebSocket(await within(found.promise, "Chromium to start"));
    await within(
      new Promise((resolve, reject) => {
        socket.onopen = resolve;
        socket.onerror = reject;
      }),
      "Chromium's socket to open",
    );
    return new Chromium(child, folder, socket, read);
  }

  /** Opens a page, and waits until it is loaded. */
  async open(url: string): Promise<Page> {
    const { targetId } = await this.call("Target.createTarget", { url });
    const { sessionId } = await this.call("Target.attachToTarget", { targetId, flatten: true });
    const page = new Page(this, String(sessionId));
    await within(
      (async () => {
        const isLoaded = `document.readyState === "complete" && location.href !== "about:blank"`;
        while (await page.evaluate(isLoaded) !== true) {
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      })(),
      `${url} to load`,
    );
    return page;
  }

  /** Calls a method of the protocol. */
  call(method: string, params: Json, sessionId?: string): Promise<Json> {
    const id = ++this.#id;
    const call = Promise.withResolvers<Json>();
    this.#calls.set(id, call);
    this.#socket.send(JSON.stringify({ id, method, params, ...(sessionId && { sessionId }) }));
    return within(call.promise, method);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.call("Browser.close", {});
    await within(this.#child.status, "Chromium to end");
    await this.#read;
    await this.#closed.promise;
    await this.#folder[Symbol.asyncDispose]();
  }
}

/** A page. */
export class Page {
  readonly #browser: Chromium;
  readonly #sessionId: string;

  constructor(browser: Chromium, sessionId: string) {
    this.#browser = browser;
    this.#sessionId = sessionId;
  }

  /** Calls a method of the protocol for this page. */
  call(method: string, params: Json): Promise<Json> {
    return this.#browser.call(method, params, this.#sessionId);
  }

  /** Evaluates JavaScript in the page. */
  async evaluate(expression: string): Promise<unknown> {
    const { result, exceptionDetails } = await this.#browser.call(
      "Runtime.evaluate",
      { expression, returnByValue: true, awaitPromise: true },
      this.#sessionId,
    ) as { result: { value?: unknown }; exceptionDetails?: { text: string } };
    if (exceptionDetails !== undefined) throw new Error(exceptionDetails.text);
    return result.value;
  }
}
