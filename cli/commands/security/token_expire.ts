/**
 * `dqueue security token expire`.
 *
 * @module
 */

import { command } from "../../program/command.ts";
import { writeJsonDocument } from "../../records/json.ts";
import { ensureConfirmed } from "../../terminal/confirm.ts";
import { connect, connectionFlags } from "../connection.ts";
import { outputFlag } from "../output_flag.ts";
import { yesFlag } from "../yes_flag.ts";
import { timeOf, tokenById } from "./tokens.ts";

/** `security token expire`. */
export const securityTokenExpire = command({
  name: "security token expire",
  summary: "Let a delegation token expire",
  args: { token: { value: "TOKEN_ID", doc: "Id of the token" } },
  flags: {
    after: {
      otherNames: ["expiry-time-period"],
      type: "duration",
      env: false,
      fallback: "immediately",
      doc: "After how long",
    },
    ...yesFlag,
    ...outputFlag,
    ...connectionFlags,
  },
  examples: [{ doc: "Now", command: "dqueue security token expire TOKEN_ID --yes" }],
  async run(context, { args, flags }) {
    const { signal } = context;
    await using client = await connect(context, flags);
    const admin = client.admin();
    const { hmac, owner } = await tokenById(admin, args.token, signal);
    const question =
      `Let token "${args.token}" of ${owner} expire? Programs that use it lose access.`;
    await ensureConfirmed(context, question, flags.yes);
    const expiresAt = await admin.expireDelegationToken(hmac, {
      ...(flags.after === undefined ? {} : { afterMs: flags.after }),
      signal,
    });
    if (flags.output === "json") {
      return writeJsonDocument(context.stdout, { token_id: args.token, expires: expiresAt });
    }
    context.stdout.line(
      flags.after === undefined ? "The token is gone" : `It expires ${timeOf(expiresAt)}`,
    );
  },
});
