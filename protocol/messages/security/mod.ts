/**
 * Authentication and authorization: SASL, SCRAM credentials, delegation tokens, ACLs and quotas.
 *
 * @module
 */

export * from "./acl_types.ts";
export * from "./alter_client_quotas.ts";
export * from "./alter_user_scram_credentials.ts";
export * from "./create_acls.ts";
export * from "./create_delegation_token.ts";
export * from "./delete_acls.ts";
export * from "./describe_acls.ts";
export * from "./describe_client_quotas.ts";
export * from "./describe_delegation_token.ts";
export * from "./describe_user_scram_credentials.ts";
export * from "./expire_delegation_token.ts";
export * from "./renew_delegation_token.ts";
export * from "./sasl_authenticate.ts";
export * from "./sasl_handshake.ts";
