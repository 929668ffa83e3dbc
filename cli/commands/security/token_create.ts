/**
 * `dqueue security token create`.
 *
 * @module
 */

import { command } from "../../program/command.ts";
import { writeJsonDocument } from "../../records/json.ts";
import { connect, connectionFlags } from "../connection.ts";
import { outputFlag } from "../output_flag.ts";
import { parsePrincipalFlag } from "./acl_flags.ts";
import { timeOf, tokenToJson } from "./tokens.ts";

/** `security token create`. */
export const securityTokenCreate = command({
  name: "security token create",
  summary: "Create a delegation token, with which a program can act for you",
  description:
    "Prints the token's id and HMAC: user name and password for SCRAM, with tokenauth=true. Anyone who " +
    "has them can do what you can, until the token expires.",
  flags: {
    owner: {
      otherNames: ["owner-principal"],
      value: "PRINCIPAL",
      parse: parsePrincipalFlag,
      env: false,
      fallback: "you",
      doc: "Whose token it is",
    },
    renewer: {
      otherNames: ["renewer-principal"],
      many: true,
      value: "PRINCIPAL",
      parse: parsePrincipalFlag,
      env: false,
      doc: "Who may renew it besides the owner",
    },
    maxLifetime: {
      otherNames: ["max-life-time-period"],
      type: "duration",
      min: 1,
      env: false,
      fallback: "the broker's delegation.token.max.lifetime.ms",
      doc: "How long it can be renewed",
    },
    ...outputFlag,
    ...connectionFlags,
  },
  examples: [{
    doc: "For a job of today, into a file that only you can read",
    command: "(umask 077; dqueue security token create --max-lifetime 1d --output json > token)",
  }],
  async run(context, { flags }) {
    const { owner, renewer: renewers, maxLifetime } = flags;
    await using client = await connect(context, flags);
    const token = await client.admin().createDelegationToken({
      renewers,
      ...(owner === undefined ? {} : { owner }),
      ...(maxLifetime === undefined ? {} : { maxLifetimeMs: maxLifetime }),
      signal: context.signal,
    });
    const { stdout } = context;
    if (flags.output === "json") {
      return writeJsonDocument(stdout, { ...tokenToJson(token), hmac: token.hmac });
    }
    stdout.line(`Token id:  ${token.tokenId}`);
    stdout.line(`HMAC:      ${token.hmac}`);
    stdout.line(`Owner:     ${token.owner}`);
    stdout.line(`Expires:   ${timeOf(token.expiresAt)}, unless renewed`);
    stdout.line(`At last:   ${timeOf(token.maxAt)}`);
  },
});
