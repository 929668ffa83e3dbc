/** Who commits offsets, and for which generation or epoch it believes to own them. */
export interface Committer {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  /** The generation of a classic member, the epoch of a KIP-848 member; negative for anybody else. */
  readonly generationIdOrMemberEpoch: number;
}
