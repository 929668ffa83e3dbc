/**
 * Authentication, authorization and delegation tokens.
 *
 * @module
 */

import { type FixedSetting, fixedSettings } from "../fixed_setting.ts";

/** The settings. */
export const SECURITY_SETTINGS: Readonly<Record<string, FixedSetting>> = {
  ...fixedSettings("clients are not authenticated", {
    "authorizer.class.name": ["string", "", "Decides who may do what"],
    "connection.failed.authentication.delay.ms": [
      "int",
      "100",
      "Milliseconds before a connection is closed that failed to authenticate",
    ],
    "connections.max.reauth.ms": [
      "long",
      "0",
      "Milliseconds after which a connection has to authenticate again",
    ],
    "delegation.token.expiry.check.interval.ms": [
      "long",
      "3600000",
      "Milliseconds between two checks for expired delegation tokens",
    ],
    "delegation.token.expiry.time.ms": [
      "long",
      "86400000",
      "Milliseconds that a delegation token is valid unless it is renewed",
    ],
    "delegation.token.max.lifetime.ms": [
      "long",
      "604800000",
      "Most milliseconds that a delegation token can be renewed for",
    ],
    "delegation.token.secret.key": ["password", null, "Key that delegation tokens are signed with"],
    "principal.builder.class": [
      "class",
      "org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder",
      "Works out the user of a connection",
      "cluster-wide",
    ],
    "security.providers": ["string", null, "Providers of security algorithms"],
    "sasl.client.callback.handler.class": ["class", null, "Gives a client of SASL its credentials"],
    "sasl.enabled.mechanisms": [
      "list",
      "GSSAPI",
      "Mechanisms of SASL that clients may use",
      "cluster-wide",
    ],
    "sasl.jaas.config": ["password", null, "Login of SASL connections", "cluster-wide"],
    "sasl.kerberos.kinit.cmd": [
      "string",
      "/usr/bin/kinit",
      "Command that gets a Kerberos ticket",
      "cluster-wide",
    ],
    "sasl.kerberos.min.time.before.relogin": [
      "long",
      "60000",
      "Milliseconds between two Kerberos logins",
      "cluster-wide",
    ],
    "sasl.kerberos.principal.to.local.rules": [
      "list",
      "DEFAULT",
      "Rules from Kerberos principals to users",
      "cluster-wide",
    ],
    "sasl.kerberos.service.name": ["string", null, "Kerberos name of the service", "cluster-wide"],
    "sasl.kerberos.ticket.renew.jitter": [
      "double",
      "0.05",
      "Random part of the time after which a Kerberos ticket is renewed",
      "cluster-wide",
    ],
    "sasl.kerberos.ticket.renew.window.factor": [
      "double",
      "0.8",
      "Part of a Kerberos ticket's life after which it is renewed",
      "cluster-wide",
    ],
    "sasl.login.callback.handler.class": ["class", null, "Gives a login its credentials"],
    "sasl.login.class": ["class", null, "Does the login"],
    "sasl.login.connect.timeout.ms": [
      "int",
      null,
      "Milliseconds that a connection to the login's provider may take",
    ],
    "sasl.login.read.timeout.ms": [
      "int",
      null,
      "Milliseconds that an answer of the login's provider may take",
    ],
    "sasl.login.refresh.buffer.seconds": [
      "short",
      "300",
      "Seconds before its end at which a login is renewed at the latest",
      "cluster-wide",
    ],
    "sasl.login.refresh.min.period.seconds": [
      "short",
      "60",
      "Least seconds between two renewals of a login",
      "cluster-wide",
    ],
    "sasl.login.refresh.window.factor": [
      "double",
      "0.8",
      "Part of a login's life after which it is renewed",
      "cluster-wide",
    ],
    "sasl.login.refresh.window.jitter": [
      "double",
      "0.05",
      "Random part of the time after which a login is renewed",
      "cluster-wide",
    ],
    "sasl.login.retry.backoff.max.ms": [
      "long",
      "10000",
      "Most milliseconds between two attempts of a login",
    ],
    "sasl.login.retry.backoff.ms": [
      "long",
      "100",
      "First milliseconds between two attempts of a login",
    ],
    "sasl.mechanism.controller.protocol": ["string", "GSSAPI", "Mechanism of SASL to controllers"],
    "sasl.mechanism.inter.broker.protocol": [
      "string",
      "GSSAPI",
      "Mechanism of SASL between brokers",
      "cluster-wide",
    ],
    "sasl.server.callback.handler.class": ["class", null, "Checks the credentials of clients"],
    "sasl.server.max.receive.size": [
      "int",
      "524288",
      "Largest message in bytes while a client authenticates",
    ],
  }),
};
