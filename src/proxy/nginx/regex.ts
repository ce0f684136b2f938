/** A regular expression of nginx (PCRE) for the map or location that it is a key of: the URL itself, or anything below it, behind `prefix`. */
export function below(url: string, prefix = ''): string {
  const path = url.replace(/\/$/, '')
  return `~^${prefix}${escapeRegex(path)}(?:/|$)`
}

/** The text as a regular expression that matches nothing else. */
export function escapeRegex(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/#-]/g, '\\$&')
}
