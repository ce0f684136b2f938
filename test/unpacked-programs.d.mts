/** Absolute path of the folder for programs that are unpacked and not installed. */
export const UNPACKED_FOLDER: string

export function isUnpacked(program: string): boolean

/** How to get it, or undefined for one that is installed. */
export function unpackedHint(program: string): string | undefined

/** Throws where the package cannot be had. */
export function unpackProgram(program: string, packageName: string): void
