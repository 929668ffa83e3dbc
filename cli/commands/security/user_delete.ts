/**
 * `dqueue security user delete`.
 *
 * @module
 */

import { CommandError } from "../../errors.ts";
import { command } from "../../program/command.ts";
import { ensureConfirmed } from "../../terminal/confirm.ts";
import { connect, connectionFlags } from "../connection.ts";
import { type Outcome, printOutcomes } from "../outcomes.ts";
import { outputFlag } from "../output_flag.ts";
import { yesFlag } from "../yes_flag.ts";
import { administratorsIn, securityIn } from "./users.ts";

/** `security user delete`. */
export const securityUserDelete = command({
  name: "security user delete",
  summary: "Delete a user, and close its connections",
  description:
    'Rules that concern the user stay, and apply to a later user of that name; "dqueue security acl ' +
    'delete --principal USER" deletes them.',
  args: { user: { value: "USER", doc: "Name of the user" } },
  flags: { ...yesFlag, ...outputFlag, ...connectionFlags },
  examples: [{ doc: "Without a question", command: "dqueue security user delete alice --yes" }],
  async run(context, { args: { user }, flags }) {
    const { signal } = context;
    await using client = await connect(context, flags);
    const admin = client.admin();
    const security = await securityIn(admin, signal);
    const credentials = security.users.find((each) => each.user === user)?.credentials;
    if (credentials === undefined || credentials.length === 0) {
      throw new CommandError(`Cannot delete user "${user}": there is no such user`);
    }
    const administrators = administratorsIn(security);
    const isLast = administrators.length === 1 && administrators[0] === user;
    const consequence = isLast
      ? " It is the last user that may alter the cluster: then only super users can."
      : "";
    await ensureConfirmed(context, `Delete user "${user}"?${consequence}`, flags.yes);
    let error: unknown;
    for (const { mechanism } of credentials) {
      if (mechanism === "unknown") continue;
      const [result] = await admin.alterUserScramCredentials(
        [{ user, mechanism, password: null }],
        { signal },
      );
      error ??= result?.error;
    }
    const status = error === undefined ? "deleted" : "failed";
    const outcome: Outcome = { name: user, status, error };
    printOutcomes(context, flags.output, [outcome], { heading: "USER" });
  },
});
