/** Whether a text is an ES module for sure: it has a line that begins with an import or an export. */
export function hasModuleSyntax(text: string): boolean {
  return /^\s*(?:import\b\s*[^(\s]|export\b)/m.test(text)
}
