/**
 * What is done to the data of brokers that do not run: their metadata is moved to etcd, an administrator
 * gets a new password, and all logs are verified.
 *
 * @module
 */

export { importMetadata } from "./import_metadata.ts";
export { resetAdministratorOf } from "./reset_administrator.ts";
export { type VerifiedFolder, verifyAllData, verifyData } from "./verify_data.ts";
