/**
 * Places for what takes memory as long as it lasts, such as streams: there are only so many for all users,
 * and one user cannot have all of them.
 *
 * @module
 */

/** How many places there are. */
export interface MaxPlaces {
  readonly all: number;
  /** For one user, as soon as users are known. */
  readonly ofUser: number;
}

/** Places that users share. */
export class Places {
  readonly max: MaxPlaces;
  readonly #byUser: Map<string, number> = new Map();
  #taken = 0;

  constructor(max: MaxPlaces) {
    this.max = max;
  }

  /** Places that are taken. */
  get taken(): number {
    return this.#taken;
  }

  /**
   * Takes a place until the result is disposed of; undefined if there is none left.
   *
   * @param user Who takes it; undefined while nobody is known, and the places are everyone's.
   */
  take(user: string | undefined): Disposable | undefined {
    const ofUser = user === undefined ? 0 : this.#byUser.get(user) ?? 0;
    const max = user === undefined ? this.max.all : this.max.ofUser;
    if (this.#taken >= this.max.all || ofUser >= max) return undefined;
    this.#taken++;
    if (user !== undefined) this.#byUser.set(user, ofUser + 1);
    let isTaken = true;
    return {
      [Symbol.dispose]: () => {
        if (!isTaken) return;
        isTaken = false;
        this.#leave(user);
      },
    };
  }

  #leave(user: string | undefined): void {
    this.#taken--;
    if (user === undefined) return;
    const left = this.#byUser.get(user)! - 1;
    if (left === 0) this.#byUser.delete(user);
    else this.#byUser.set(user, left);
  }
}
