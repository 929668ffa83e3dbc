/**
 * Measures logins by SASL, and a neighbour beside peers that do not authenticate: 2,000 connections that
 * claim large frames, and guesses of passwords.
 *
 *     deno run -A bench/broker/logins.ts [--seconds 5] [--connections 2000] [--json]
 *
 * @module
 */

import { metadata } from "../../protocol/messages/topics/metadata.ts";
import { plainClient, type SaslClient, scramClient } from "../../protocol/sasl/mod.ts";
import { RawConnection } from "../../tests/support/protocol/raw_connection.ts";
import { connectAs, login } from "../../tests/support/security/raw_login.ts";
import { ServedBroker } from "../support/brokers/served_broker.ts";
import { temporaryFolder } from "../support/brokers/temporary_folder.ts";
import { parseFlags } from "../support/flags.ts";
import { describeMachine } from "../support/report/machine.ts";
import { measured, median, printReport, progress, type Row } from "../support/report/report.ts";

const USER = "admin";
const PASSWORD = "admin-secret";
/** Clients that log in at the same time. */
const CLIENTS = 8;
/** Clients that guess passwords. */
const GUESSERS = 50;
/** Requests of the neighbour, one after the other. */
const NEIGHBOUR_PAUSE_MS = 5;
const CLAIMED_BYTES = 524_288;

const { flags } = parseFlags({ seconds: "5", connections: "2000", json: false });
const durationMs = Number(flags.seconds) * 1000;
let guesses = 0;

/** How clients log in; a wrong password is never remembered. */
const LOGINS: Readonly<Record<string, () => SaslClient>> = {
  "PLAIN": () => plainClient(USER, PASSWORD),
  "PLAIN, wrong password": () => plainClient(USER, `guess ${guesses++}`),
  "SCRAM-SHA-256": () =>
    scramClient({ mechanism: "SCRAM-SHA-256", user: USER, password: PASSWORD }),
  "SCRAM-SHA-512": () =>
    scramClient({ mechanism: "SCRAM-SHA-512", user: USER, password: PASSWORD }),
};

/** Logs in on new connections until a time, and returns how often. */
async function logIn(address: string, start: () => SaslClient, untilMs: number): Promise<number> {
  let count = 0;
  while (performance.now() < untilMs) {
    using connection = await RawConnection.connect(address);
    await login(connection, start());
    count++;
  }
  return count;
}

async function loginsPerSecond(address: string, start: () => SaslClient): Promise<number> {
  const untilMs = performance.now() + durationMs;
  const counts = await Promise.all(
    Array.from({ length: CLIENTS }, () => logIn(address, start, untilMs)),
  );
  return counts.reduce((sum, count) => sum + count) / (durationMs / 1000);
}

/** The times of a neighbour's requests, in milliseconds. */
async function neighbour(address: string): Promise<number[]> {
  using connection = await connectAs(address, USER, PASSWORD);
  const times: number[] = [];
  const untilMs = performance.now() + durationMs;
  while (performance.now() < untilMs) {
    const beganMs = performance.now();
    await connection.request(metadata, 9, { topics: [] });
    times.push(performance.now() - beganMs);
    await new Promise((resolve) => setTimeout(resolve, NEIGHBOUR_PAUSE_MS));
  }
  return times;
}

/** Opens connections that claim large frames and do not send them. */
async function claim(address: string): Promise<RawConnection[]> {
  const bytes = new Uint8Array(200);
  new DataView(bytes.buffer).setInt32(0, CLAIMED_BYTES);
  const connections: RawConnection[] = [];
  for (let i = 0; i < Number(flags.connections); i++) {
    const connection = await RawConnection.connect(address);
    await connection.sendBytes(bytes).catch(() => {});
    connections.push(connection);
  }
  return connections;
}

function p99(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)]!;
}

async function measure(): Promise<Row[]> {
  await using folder = await temporaryFolder();
  const passwordFile = folder.join("password");
  await Deno.writeTextFile(passwordFile, PASSWORD, { mode: 0o600 });
  await using server = ServedBroker.start({
    data: folder.join("data"),
    settings: {
      "listener.security.protocol.map": "PLAINTEXT:SASL_PLAINTEXT",
      "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
      "sasl.mechanism.inter.broker.protocol": "PLAIN",
      "connection.failed.authentication.delay.ms": "10",
      "bootstrap.user": USER,
      "bootstrap.password.file": passwordFile,
      "http": "off",
    },
  });
  (await server.connect()).close();
  const { address } = server;
  const rows: Row[] = [];
  for (const [name, start] of Object.entries(LOGINS)) {
    progress(name);
    const results = { dqueue: measured([await loginsPerSecond(address, start)]) };
    rows.push({ name: `logins, ${name}`, unit: "1/s", better: "higher", results });
  }
  const times: Record<string, number[]> = {};
  progress("neighbour alone");
  times.alone = await neighbour(address);
  progress("neighbour beside connections");
  const connections = await claim(address);
  times[`beside ${flags.connections} connections`] = await neighbour(address);
  for (const connection of connections) connection.close();
  progress("neighbour beside guesses");
  const untilMs = performance.now() + durationMs;
  const guessing = Array.from(
    { length: GUESSERS },
    () => logIn(address, LOGINS["PLAIN, wrong password"]!, untilMs),
  );
  times["beside guesses of passwords"] = await neighbour(address);
  await Promise.all(guessing);
  for (const [statistic, of] of [["median", median], ["p99", p99]] as const) {
    rows.push({
      name: `neighbour's Metadata, ${statistic}`,
      unit: "ms",
      better: "lower",
      results: Object.fromEntries(
        Object.entries(times).map(([name, each]) => [name, measured([of(each)])]),
      ),
    });
  }
  return rows;
}

printReport(
  {
    title: "Logins, and peers that do not log in",
    isSeries: true,
    settings: { ...describeMachine(), clients: String(CLIENTS), seconds: flags.seconds },
    rows: await measure(),
  },
  flags.json,
);
