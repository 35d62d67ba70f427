/** One user's appointments, in the order in which they came: a list through the table, which alone changes it. */
export interface Shelf {
  /** The first and the last of them, plus one; 0 if there is none. */
  first: number;
  last: number;
  /** How many there are, and how many of the list are gone already. */
  held: number;
  gone: number;
}

export const emptyShelf = (): Shelf => ({ first: 0, last: 0, held: 0, gone: 0 });
