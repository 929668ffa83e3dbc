/**
 * What the commands for users share.
 *
 * @module
 */

import type { AclBinding, Admin, UserScramCredentials } from "../../../client/mod.ts";
import { UsageError } from "../../errors.ts";
import type { Flags } from "../../program/flag.ts";
import type { Context } from "../../terminal/context.ts";
import { readSecret } from "../../terminal/secret_line.ts";

/** Not a literal where it is imported: most commands do not need it. */
const CONNECTION = "../../connection/mod.ts";

/** The file with a user's new password. */
export const newPasswordFlags = {
  newPasswordFile: {
    isFile: true,
    fallback: "asked for on a terminal",
    doc: "File with the new password; - for standard input",
  },
} as const satisfies Flags;

/**
 * The password that a user gets: from the file, or asked for twice.
 *
 * @throws {UsageError} If there is none, or the answers differ.
 */
export async function newPasswordOf(
  context: Context,
  user: string,
  file: string | undefined,
): Promise<string> {
  if (file !== undefined) {
    const { secretOf }: typeof import("../../connection/mod.ts") = await import(CONNECTION);
    return await secretOf(context, { file, of: "--new-password-file" });
  }
  if (!context.stdinIsTerminal) {
    throw new UsageError("Cannot ask for a password without a terminal: use --new-password-file");
  }
  const password = await readSecret(context, `New password of ${user}:`);
  if (password === "") throw new UsageError("Missing password: none was entered");
  if (password !== await readSecret(context, "Again:")) {
    throw new UsageError("The passwords are not the same, nothing was changed");
  }
  return password;
}

/** Users and rules of a cluster. */
export interface Security {
  readonly users: readonly UserScramCredentials[];
  readonly acls: readonly AclBinding[];
}

/** Reads both. */
export async function securityIn(admin: Admin, signal: AbortSignal): Promise<Security> {
  const [users, acls] = await Promise.all([
    admin.describeUserScramCredentials(undefined, { signal }),
    // Kafka without an authorizer has no rules, and says so.
    admin.describeAcls({}, { signal }).catch((error) => {
      if (error instanceof Error && "code" in error && error.code === "SECURITY_DISABLED") {
        return [];
      }
      throw error;
    }),
  ]);
  return { users, acls };
}

/** The users that a rule lets alter the cluster. */
export function administratorsIn({ users, acls }: Security): readonly string[] {
  const allowed = new Set(
    acls.filter(({ resourceType, operation, permission }) =>
      resourceType === "cluster" && permission === "allow" &&
      (operation === "all" || operation === "alter")
    ).map(({ principal }) => principal),
  );
  return users.map(({ user }) => user)
    .filter((user) => allowed.has(`User:${user}`) || allowed.has("User:*"));
}
