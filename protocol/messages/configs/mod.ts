/**
 * Settings of topics, brokers, groups and other resources.
 *
 * @module
 */

export * from "./alter_configs.ts";
export * from "./describe_configs.ts";
export * from "./incremental_alter_configs.ts";
export * from "./list_config_resources.ts";
