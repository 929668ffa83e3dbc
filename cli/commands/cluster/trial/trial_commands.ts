/**
 * What can be typed while a trial cluster runs.
 *
 * @module
 */

import { didYouMean } from "../../../../protocol/suggest.ts";
import { CommandError } from "../../../errors.ts";

/** The name of etcd. */
export const ETCD = "etcd";

/** A process: a broker by its id, or etcd. */
export type TrialTarget = number | typeof ETCD;

/** What was typed. */
export type TrialCommand =
  | { readonly verb: "status" | "help" | "quit" }
  | { readonly verb: "kill" | "stop" | "start" | "pause" | "resume"; readonly target: TrialTarget }
  | { readonly verb: "cut"; readonly target: number }
  | { readonly verb: "heal"; readonly target: TrialTarget | undefined };

/** Verbs with what they are for, in the order of the help. */
const VERBS = {
  kill: ["N", "Kill broker N, as kill -9 does"],
  stop: ["N", "Shut broker N down"],
  start: ["N", "Start broker N again, with its data"],
  pause: [
    "N",
    "Stop the process of broker N where it is (SIGSTOP): it is silent, and its port open",
  ],
  resume: ["N", "Let it continue"],
  cut: ["N", "Cut broker N off from the other brokers and etcd; clients still reach it"],
  heal: ["[N]", "Undo kill, stop, pause and cut, of broker N or of all"],
  status: ["", "Show the processes"],
  help: ["", "Show this"],
  quit: ["", "End all processes; so do Ctrl-C and the end of the input"],
} as const satisfies Record<TrialCommand["verb"], readonly [argument: string, doc: string]>;

/** The help. */
export const TRIAL_HELP: string = Object.entries(VERBS)
  .map(([verb, [argument, doc]]) => `  ${`${verb} ${argument}`.padEnd(10)} ${doc}\n`)
  .join("") + `N may also be "${ETCD}", except in cut.\n`;

/**
 * Parses a line; undefined if it is blank.
 *
 * @throws {CommandError} If it is not a command.
 */
export function parseTrialCommand(line: string): TrialCommand | undefined {
  const [verb = "", ...args] = line.trim().split(/\s+/);
  if (verb === "") return undefined;
  if (!isVerb(verb)) {
    const hint = didYouMean(verb, Object.keys(VERBS));
    throw new CommandError(`Unknown command "${verb}"${hint}; "help" lists them`);
  }
  const [argument] = VERBS[verb];
  if (args.length > (argument === "" ? 0 : 1)) {
    throw new CommandError(`Cannot use "${args.at(-1)}": the command is "${usage(verb)}"`);
  }
  switch (verb) {
    case "status":
    case "help":
    case "quit":
      return { verb };
    case "heal":
      return { verb, target: args[0] === undefined ? undefined : parseTarget(verb, args[0]) };
    case "cut": {
      const target = parseTarget(verb, args[0]);
      if (target !== ETCD) return { verb, target };
      throw new CommandError(`Cannot cut etcd off; "pause etcd" makes it silent for all brokers`);
    }
    default:
      return { verb, target: parseTarget(verb, args[0]) };
  }
}

function parseTarget(verb: keyof typeof VERBS, text: string | undefined): TrialTarget {
  if (text === undefined) {
    throw new CommandError(`Which broker: "${usage(verb)}", as in "${verb} 2"`);
  }
  if (text === ETCD) return ETCD;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new CommandError(`"${text}" is not the id of a broker: the command is "${usage(verb)}"`);
}

function usage(verb: keyof typeof VERBS): string {
  return `${verb} ${VERBS[verb][0]}`.trim();
}

function isVerb(text: string): text is keyof typeof VERBS {
  return Object.hasOwn(VERBS, text);
}
