/**
 * `dqueue security user create`.
 *
 * @module
 */

import type { Admin } from "../../../client/mod.ts";
import { CommandError } from "../../errors.ts";
import { command } from "../../program/command.ts";
import { ensureConfirmed } from "../../terminal/confirm.ts";
import type { Context } from "../../terminal/context.ts";
import { connect, connectionFlags } from "../connection.ts";
import { type Outcome, printOutcomes } from "../outcomes.ts";
import { outputFlag } from "../output_flag.ts";
import { yesFlag } from "../yes_flag.ts";
import { newPasswordFlags, newPasswordOf, securityIn } from "./users.ts";

const MECHANISMS = ["SCRAM-SHA-256", "SCRAM-SHA-512"] as const;

/** `security user create`. */
export const securityUserCreate = command({
  name: "security user create",
  summary: "Create a user, or give it a new password",
  description:
    "The user can authenticate with the mechanism, and with PLAIN where a broker offers it. Brokers " +
    "keep what proves the password, and not the password itself. A new user may do nothing until " +
    '"dqueue security acl create" allows it.',
  args: { user: { value: "USER", doc: "Name of the user" } },
  flags: {
    mechanism: {
      choices: MECHANISMS,
      parse: parseScram,
      default: "SCRAM-SHA-256",
      env: false,
      doc: "Mechanism that the password is for: SCRAM-SHA-256 or SCRAM-SHA-512",
    },
    ...newPasswordFlags,
    iterations: {
      type: "integer",
      min: 4096,
      max: 16384,
      default: 8192,
      env: false,
      isRare: true,
      doc: "Rounds of PBKDF2",
    },
    replace: { type: "boolean", env: false, doc: "Replace the password of a user that exists" },
    ...yesFlag,
    ...outputFlag,
    ...connectionFlags,
  },
  examples: [
    { doc: "The password is asked for", command: "dqueue security user create alice" },
    {
      doc: "With a password from a program",
      command: "pass show kafka/alice | dqueue security user create alice --new-password-file -",
    },
  ],
  async run(context, { args: { user }, flags }) {
    const { mechanism, iterations } = flags;
    await using client = await connect(context, flags);
    const admin = client.admin();
    await ensureMeant(context, admin, user, flags);
    const password = await newPasswordOf(context, user, flags.newPasswordFile);
    const [result] = await admin.alterUserScramCredentials(
      [{ user, mechanism, password, iterations }],
      { signal: context.signal },
    );
    const outcome: Outcome = {
      name: user,
      status: result?.error === undefined ? "created" : "failed",
      error: result?.error,
      details: { mechanism },
    };
    printOutcomes(context, flags.output, [outcome], { heading: "USER", details: ["mechanism"] });
  },
});

/** The first user closes an open cluster, and so may lock everyone out. */
async function ensureMeant(
  context: Context,
  admin: Admin,
  user: string,
  { mechanism, replace, yes }: {
    readonly mechanism: typeof MECHANISMS[number];
    readonly replace: boolean;
    readonly yes: boolean;
  },
): Promise<void> {
  const security = await securityIn(admin, context.signal);
  const existing = security.users.find((each) => each.user === user);
  if (existing?.credentials.some((each) => each.mechanism === mechanism) && !replace) {
    throw new CommandError(
      `Cannot create user "${user}": it has a password for ${mechanism}, --replace overwrites it`,
    );
  }
  if (security.users.length > 0 || security.acls.length > 0) return;
  await ensureConfirmed(
    context,
    "This is the first user, and there are no rules: from now on nobody but super users may do " +
      "anything. A broker started with --bootstrap-user creates an administrator instead. Go on?",
    yes,
  );
}

function parseScram(text: string): typeof MECHANISMS[number] {
  const mechanism = MECHANISMS.find((each) => each === text.toUpperCase());
  if (mechanism !== undefined) return mechanism;
  throw new SyntaxError(`Cannot use "${text}": expected one of ${MECHANISMS.join(", ")}`);
}
