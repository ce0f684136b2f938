let last = 0

/** Resident memory of this process, bytes. Node opens a file for it: where no descriptor is left, it is what it was the last time. */
export function rssBytes(): number {
  try {
    last = process.memoryUsage.rss()
  } catch {
    // Out of descriptors (EMFILE): a figure is no reason to end.
  }
  return last
}
