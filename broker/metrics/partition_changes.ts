/**
 * Counts elections and changes of ISRs, each on one broker: the leader after it.
 *
 * @module
 */

/** What is counted by in the state of a partition. */
interface State {
  readonly leaderId: number;
  readonly leaderEpoch: number;
  readonly isr: readonly number[];
  readonly uncleanEpoch: number;
}

/** A topic with the states of its partitions. */
interface TopicStates {
  readonly partitions: readonly State[];
}

/** A change of a topic. */
interface Change {
  readonly before: TopicStates | undefined;
  readonly after: TopicStates | undefined;
  /** The only partition that has changed. Default: any may have. */
  readonly partition?: number;
}

/** Elections and changes of ISRs that this broker has seen as the leader after them. */
export class PartitionChanges {
  /** Replicas left the ISR. */
  isrShrinks = 0;
  /** Replicas joined the ISR. */
  isrExpands = 0;
  /** This broker was elected, unclean elections included. */
  elections = 0;
  /** This broker was elected though it may lack committed records. */
  uncleanElections = 0;

  /** Notes a change of a topic. A partition that is created or deleted does not count. */
  note({ before, after, partition }: Change, nodeId: number): void {
    if (before === undefined || after === undefined) return;
    if (partition !== undefined) {
      this.#note(before.partitions[partition], after.partitions[partition], nodeId);
      return;
    }
    for (const [index, state] of after.partitions.entries()) {
      this.#note(before.partitions[index], state, nodeId);
    }
  }

  #note(before: State | undefined, after: State | undefined, nodeId: number): void {
    if (before === undefined || after === undefined || before === after) return;
    if (after.leaderId !== nodeId) return;
    if (after.leaderEpoch !== before.leaderEpoch) {
      this.elections++;
      if (after.uncleanEpoch === after.leaderEpoch) this.uncleanElections++;
      return;
    }
    if (before.isr === after.isr) return;
    if (before.isr.some((id) => !after.isr.includes(id))) this.isrShrinks++;
    if (after.isr.some((id) => !before.isr.includes(id))) this.isrExpands++;
  }
}
