/** `startupTimeout` → `startup-timeout`. */
export function flagName(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** `startup-timeout` → `TSGI_STARTUP_TIMEOUT`. */
export function variableName(flag: string): string {
  return `TSGI_${flag.replaceAll('-', '_').toUpperCase()}`
}

/** `startup-timeout` → `startupTimeout`. */
export function configurationKey(flag: string): string {
  return flag.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
