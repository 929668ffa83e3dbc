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
