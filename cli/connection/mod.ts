/**
 * How a command connects to a cluster, if it is not just an address.
 *
 * `resolve_connection.ts` combines flags with a profile (`profile_store.ts`) or the properties of another
 * client (`client_properties.ts`), and `security_of.ts` makes options of a client of that: it reads
 * files and asks for passwords. Commands that need none of it do not load it.
 *
 * @module
 */

export {
  type ConnectionFlagValues,
  resolveConnection,
  type ResolvedConnection,
} from "./resolve_connection.ts";
export {
  type Profile,
  profileNamed,
  type Profiles,
  readProfiles,
  writeProfiles,
} from "./profile_store.ts";
export { profilesPath } from "./profiles_path.ts";
export { PASSWORD_VARIABLE, secretOf, securityOf } from "./security_of.ts";
