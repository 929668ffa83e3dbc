/**
 * Administration: topics, partitions, configs, groups, records, transactions and security.
 *
 * `Admin` is the class, on top of `ReplicaAdmin`, `TransactionAdmin` and `SecurityAdmin`; each other file holds the requests of one subject. Requests about a group
 * go to its coordinator, changes of topics to the controller, the rest to any broker.
 *
 * @module
 */

export * from "./admin_types.ts";
export type {
  DescribeProducersOptions,
  FencedProducer,
  HangingTransaction,
  ListTransactionsOptions,
  PartitionProducer,
  PartitionProducers,
  TransactionDescription,
  TransactionListing,
  TransactionStateName,
} from "./transaction_types.ts";
export type {
  AclBinding,
  AclFilter,
  AclOperationName,
  AclResourceTypeName,
  ClientQuota,
  ClientQuotaAlteration,
  ClientQuotaResult,
  CreateAclResult,
  CreateDelegationTokenOptions,
  DelegationToken,
  DeleteAclsResult,
  DescribeDelegationTokensOptions,
  ExpireDelegationTokenOptions,
  NewAcl,
  QuotaEntity,
  QuotaFilter,
  RenewDelegationTokenOptions,
  ScramMechanismName,
  UserResult,
  UserScramAlteration,
  UserScramCredentials,
} from "./security_types.ts";
export { Admin } from "./admin.ts";
export { ReplicaAdmin } from "./replica_admin.ts";
export { SecurityAdmin } from "./security_admin.ts";
export { TransactionAdmin } from "./transaction_admin.ts";
