export const BUILDS: readonly { readonly app: string; readonly command: string; readonly env: Readonly<Record<string, string>> }[]
export function isInstalled(): boolean
export function isBuilt(): boolean
export function markInstalled(): void
export function markBuilt(): void
