/** A file has in it what only ES modules may have. */
export class OnlyInModules extends Error {
  readonly file: string

  constructor(what: string, file: string) {
    super(
      `${file} uses ${what}, which only ES modules may, and it is loaded as CommonJS: write "type": "module" in package.json, or name the file .mts`,
    )
    this.file = file
  }
}
