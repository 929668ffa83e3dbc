/**
 * Measures the live memory of a Deno process, without garbage. An idle process does not collect its garbage,
 * so its resident memory mostly says how much data passed through it.
 *
 * The process must have been started with `--inspect`. It is queried by the debugger's protocol, over a
 * connection that is open only meanwhile.
 *
 * @module
 */

/** Memory in use, in bytes. */
export interface HeapUsage {
  /** Objects. */
  readonly usedSize: number;
  /** Buffers, which are outside the heap. */
  readonly backingStorageSize: number;
}

/** The debugger's answer to a request, or an event, which has no id. */
type Message =
  | { readonly id: number; readonly result: unknown; readonly error?: { readonly message: string } }
  | { readonly id?: undefined };

/** Adds a debugger on an address to the command `deno run …`. */
export function withInspector(command: readonly string[], address: string): string[] {
  const [program, run, ...rest] = command;
  return [program!, run!, `--inspect=${address}`, ...rest];
}

/**
 * Collects the garbage of a process, and returns its live memory.
 *
 * @throws {Error} If the process has no debugger on that address.
 */
export async function collectGarbage(address: string): Promise<HeapUsage> {
  const response = await fetch(`http://${address}/json`);
  const [target] = await response.json() as { readonly webSocketDebuggerUrl: string }[];
  const socket = new WebSocket(target!.webSocketDebuggerUrl);
  try {
    await opened(socket);
    // What the first collection finds, such as finalizers, may free more.
    for (let i = 0; i < 2; i++) await ask(socket, "HeapProfiler.collectGarbage");
    return await ask(socket, "Runtime.getHeapUsage") as HeapUsage;
  } finally {
    await closed(socket);
  }
}

let lastId = 0;

function ask(socket: WebSocket, method: string): Promise<unknown> {
  const id = ++lastId;
  return new Promise((resolve, reject) => {
    const receive = ({ data }: MessageEvent<string>) => {
      const message = JSON.parse(data) as Message;
      if (message.id !== id) return;
      socket.removeEventListener("message", receive);
      if (message.error === undefined) resolve(message.result);
      else reject(new Error(`Cannot use the debugger: ${message.error.message}`));
    };
    socket.addEventListener("message", receive);
    socket.addEventListener(
      "close",
      () => reject(new Error("The debugger closed the connection")),
      {
        once: true,
      },
    );
    socket.send(JSON.stringify({ id, method }));
  });
}

function opened(socket: WebSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.addEventListener("open", () => resolve(), { once: true });
    socket.addEventListener("error", () => reject(new Error("Cannot reach the debugger")), {
      once: true,
    });
  });
}

function closed(socket: WebSocket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.readyState === WebSocket.CLOSED) return resolve();
    socket.addEventListener("close", () => resolve(), { once: true });
    socket.close();
  });
}
