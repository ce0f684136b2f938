export const PUBLIC: string
