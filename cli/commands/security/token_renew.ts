/**
 * `dqueue security token renew`.
 *
 * @module
 */

import { command } from "../../program/command.ts";
import { writeJsonDocument } from "../../records/json.ts";
import { connect, connectionFlags } from "../connection.ts";
import { outputFlag } from "../output_flag.ts";
import { timeOf, tokenById } from "./tokens.ts";

/** `security token renew`. */
export const securityTokenRenew = command({
  name: "security token renew",
  summary: "Renew a delegation token",
  args: { token: { value: "TOKEN_ID", doc: "Id of the token" } },
  flags: {
    period: {
      otherNames: ["renew-time-period"],
      type: "duration",
      min: 1,
      env: false,
      fallback: "the broker's delegation.token.expiry.time.ms",
      doc: "For how long from now",
    },
    ...outputFlag,
    ...connectionFlags,
  },
  examples: [{ doc: "For a day", command: "dqueue security token renew TOKEN_ID --period 1d" }],
  async run(context, { args, flags }) {
    const { signal } = context;
    await using client = await connect(context, flags);
    const admin = client.admin();
    const { hmac } = await tokenById(admin, args.token, signal);
    const expiresAt = await admin.renewDelegationToken(hmac, {
      ...(flags.period === undefined ? {} : { periodMs: flags.period }),
      signal,
    });
    if (flags.output === "json") {
      return writeJsonDocument(context.stdout, { token_id: args.token, expires: expiresAt });
    }
    context.stdout.line(`Renewed until ${timeOf(expiresAt)}`);
  },
});
