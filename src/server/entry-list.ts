/** What an `EntryList` strings together. An entry is in one list at a time. */
export interface Entry {
  earlier: this | undefined
  later: this | undefined
  /** When it was put there, in the time of the clock that looks at it; a list is in this order. */
  since: number
}

/** Entries in the order of their arrival. Putting one in and taking it out of the middle costs a few assignments: every request does both. */
export class EntryList<E extends Entry> {
  first: E | undefined
  last: E | undefined
  size = 0

  add(entry: E, since: number): void {
    entry.since = since
    entry.earlier = this.last
    if (this.last === undefined) this.first = entry
    else this.last.later = entry
    this.last = entry
    this.size++
  }

  remove(entry: E): void {
    const { earlier, later } = entry
    if (earlier === undefined) this.first = later
    else earlier.later = later
    if (later === undefined) this.last = earlier
    else later.earlier = earlier
    entry.earlier = undefined
    entry.later = undefined
    this.size--
  }

  /** Entries that are said to have come at `before` have come at some moment until `now`: they get the benefit of the doubt. */
  postpone(before: number, now: number): void {
    for (let entry = this.last; entry !== undefined && entry.since === before; entry = entry.earlier) entry.since = now
  }

  /** Calls `visit` for those that came at `until` or before, the first one first. It may take entries out. */
  visitUntil(until: number, visit: (entry: E) => void): void {
    let entry = this.first
    while (entry !== undefined && entry.since <= until) {
      const next: E | undefined = entry.later
      visit(entry)
      entry = next
    }
  }
}
