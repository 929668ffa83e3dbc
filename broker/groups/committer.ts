/** The client that commits offsets, and the generation or epoch it believes to be in. */
export interface Committer {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  /**
   * The generation of a classic member, or the epoch of a KIP-848 member; negative for other
   * clients.
   */
  readonly generationIdOrMemberEpoch: number;
}

/** Whether a client outside the group commits, or an old version of the request. */
export function isAnonymous({ memberId, groupInstanceId }: Committer): boolean {
  return memberId === "" && groupInstanceId === null;
}
