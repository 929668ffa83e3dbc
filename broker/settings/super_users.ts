/**
 * The setting `super.users`.
 *
 * @module
 */

import { SettingValueError } from "./setting.ts";

/** A type, a colon and a name. */
const PRINCIPAL = /^[^:]+:./s;

/**
 * Parses principals separated by semicolons: names from certificates contain commas.
 *
 * @throws {SettingValueError} If one is not of the form `Type:name`.
 */
export function parseSuperUsers(text: string): ReadonlySet<string> {
  const users = text.split(";").map((user) => user.trim()).filter((user) => user !== "");
  for (const user of users) {
    if (PRINCIPAL.test(user)) continue;
    throw new SettingValueError(
      `"${user}" is not of the form User:NAME; several are separated by semicolons`,
    );
  }
  return new Set(users);
}
