/**
 * `dqueue security user reset`.
 *
 * @module
 */

import { CommandError, UsageError } from "../../errors.ts";
import { command } from "../../program/command.ts";
import type { Flags } from "../../program/flag.ts";
import { ensureConfirmed } from "../../terminal/confirm.ts";
import { brokerConfigInputs, brokerFlags } from "../serve/broker_flags.ts";
import { yesFlag } from "../yes_flag.ts";
import { newPasswordFlags, newPasswordOf } from "./users.ts";

/** Other commands start faster without them. */
const BROKER = "../../../broker/mod.ts";
const RESET = "../../../broker/offline/reset_administrator.ts";

/** Settings of where the metadata are. */
const NAMES = [
  "data",
  "log.dirs",
  "metadata",
  "metadata.credentials.file",
  "metadata.tls.ca.file",
  "metadata.tls.cert.file",
  "metadata.tls.key.file",
];

function flags(): Flags {
  const ofBroker = Object.entries(brokerFlags()).filter(([name]) => NAMES.includes(name));
  return { ...newPasswordFlags, ...yesFlag, ...Object.fromEntries(ofBroker) };
}

/** `security user reset`. */
export const securityUserReset = command({
  name: "security user reset",
  summary: "Make a user an administrator with a new password, without a broker",
  description:
    "For a cluster that nobody can administer any more: changes the metadata themselves, in the data " +
    "folder of a stopped broker, or in the store of --metadata. The user gets a new password and " +
    "rules that allow everything; it is created if it does not exist.",
  args: { user: { value: "USER", doc: "Name of the user" } },
  flags,
  examples: [
    { doc: "Of a single broker", command: "dqueue security user reset admin --data dqueue-data" },
    {
      doc: "Of a cluster",
      command: "dqueue security user reset admin --metadata etcd://127.0.0.1:2379/orders",
    },
  ],
  async run(context, { args: { user }, flags }) {
    const { newPasswordFile: file, yes, ...settings } = flags;
    const { parseBrokerConfig, silentLogger }: typeof import("../../../broker/mod.ts") =
      await import(
        BROKER
      );
    const { resetAdministratorOf }:
      typeof import("../../../broker/offline/reset_administrator.ts") = await import(RESET);
    const question = `Give "${user}" a new password, and allow it everything?`;
    // Entering the password twice is consent.
    await ensureConfirmed(context, question, Boolean(yes) || file === undefined);
    const password = await newPasswordOf(context, user, file);
    try {
      const config = parseBrokerConfig({ flags: brokerConfigInputs(settings) });
      await resetAdministratorOf(config, { name: user, password }, silentLogger);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      if (error.name === "ConfigError") throw new UsageError(error.message, { cause: error });
      if (EXPECTED.includes(error.name)) throw new CommandError(error.message, { cause: error });
      throw error;
    }
    context.stdout.line(`User "${user}" has a new password, and may do everything`);
  },
});

/** Errors whose messages say what to do. */
const EXPECTED: readonly string[] = [
  "AdministratorError",
  "CommitUnknownError",
  "DataFolderLockedError",
  "EtcdError",
  "EtcdSilenceError",
];
