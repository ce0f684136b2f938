/** True where `version` is at least `least`, both as `1.19.5`. */
export function isAtLeast(version: string, least: string): boolean {
  const have = version.split('.').map(Number)
  for (const [index, wanted] of least.split('.').map(Number).entries()) {
    const difference = (have[index] ?? 0) - wanted
    if (difference !== 0) return difference > 0
  }
  return true
}
