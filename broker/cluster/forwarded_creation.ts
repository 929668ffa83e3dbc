/**
 * Topic creations that this broker forwards to the controller.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { findCoordinator } from "../../protocol/messages/groups/find_coordinator.ts";
import { createTopics } from "../../protocol/messages/topics/create_topics.ts";
import { ApiError } from "../api_error.ts";
import type { ForwardedRequest, ForwardingManager } from "./forwarding_manager.ts";

/** The client that a topic is created for. */
export type Requester = Pick<ForwardedRequest, "clientId" | "session" | "signal">;

/** Time limit of the controller for creating a topic. */
const CREATION_TIMEOUT_MS = 10_000;

/**
 * Lets the controller create a topic with default settings, if it does not exist.
 *
 * @returns Whether the controller did; false if this broker is the controller.
 * @throws {ApiError} Errors of the controller and of forwarding.
 */
export async function forwardCreation(
  forwarding: ForwardingManager,
  name: string,
  { clientId, session, signal }: Requester,
): Promise<boolean> {
  const request = {
    topics: [{ name, numPartitions: -1, replicationFactor: -1, assignments: [], configs: [] }],
    timeoutMs: CREATION_TIMEOUT_MS,
    validateOnly: false,
  };
  const from: ForwardedRequest = {
    apiVersion: createTopics.versions.max,
    clientId,
    ...(session === undefined ? {} : { session }),
    signal,
  };
  const answer = await forwarding.forward(createTopics, request, from);
  if (answer === undefined) return false;
  const { errorCode, errorMessage } = answer.topics[0]!;
  if (errorCode !== ErrorCode.TOPIC_ALREADY_EXISTS) check(errorCode, errorMessage);
  return true;
}

/**
 * Lets the controller create the topic of a coordinator, which clients cannot create: the controller
 * does so when it is asked for one.
 *
 * @param keyType What is coordinated, one of `CoordinatorType`.
 *
 * @returns Whether the controller did; false if this broker is the controller.
 * @throws {ApiError} Errors of the controller and of forwarding.
 */
export async function forwardCoordinatorTopicCreation(
  forwarding: ForwardingManager,
  keyType: number,
  signal: AbortSignal,
): Promise<boolean> {
  const request = { key: "", keyType, coordinatorKeys: [""] };
  const from = { apiVersion: findCoordinator.versions.max, clientId: "", signal };
  const answer = await forwarding.forward(findCoordinator, request, from);
  if (answer === undefined) return false;
  const { errorCode, errorMessage } = answer.coordinators![0]!;
  check(errorCode, errorMessage);
  return true;
}

function check(errorCode: number, errorMessage: string | null | undefined): void {
  if (errorCode !== ErrorCode.NONE) throw new ApiError(errorCode, errorMessage ?? undefined);
}
