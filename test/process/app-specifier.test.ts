import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { defaultApp, locateApp } from '../../src/loading/app-specifier.ts'
import { temporaryDirectory } from './served.ts'

/** A directory with these files; a value that is not '' is the file's text. */
function directoryWith(files: Readonly<Record<string, string>>): string {
  const directory = temporaryDirectory()
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true })
    writeFileSync(join(directory, name), text)
  }
  return directory
}

function refusal(app: string, directory: string): string {
  try {
    locateApp(app, directory)
  } catch (error) {
    expect(error).toMatchObject({ code: 'TSGI_ERR_APP_NOT_FOUND' })
    return String(error)
  }
  throw new Error(`${app} was found`)
}

describe('the path of an application', () => {
  it('is a file, with or without an export', () => {
    const directory = directoryWith({ 'wsgi.ts': '', 'src/app.js': '', 'odd:name.js': '' })
    expect(locateApp('wsgi.ts', directory)).toEqual({ file: join(directory, 'wsgi.ts') })
    expect(locateApp('./src/app.js:main', directory)).toEqual({ file: join(directory, 'src/app.js'), exportName: 'main' })
    expect(locateApp(join(directory, 'wsgi.ts:größe'), '/')).toEqual({ file: join(directory, 'wsgi.ts'), exportName: 'größe' })
    expect(locateApp('odd:name.js', directory)).toEqual({ file: join(directory, 'odd:name.js') })
  })

  it('is a package, whose manifest says where it begins', () => {
    const directory = directoryWith({
      'exports/package.json':
        '{"exports":{".":{"types":"./x.d.ts","require":"./no.cjs","import":"./lib/in.mjs"}},"main":"no.js"}',
      'exports/lib/in.mjs': '',
      'main/package.json': '{"main":"lib/main"}',
      'main/lib/main.js': '',
      'index/index.ts': '',
    })
    expect(locateApp('exports', directory).file).toBe(join(directory, 'exports/lib/in.mjs'))
    expect(locateApp('main:app', directory)).toEqual({ file: join(directory, 'main/lib/main.js'), exportName: 'app' })
    expect(locateApp('index/', directory).file).toBe(join(directory, 'index/index.ts'))
  })

  it('has a default', () => {
    expect(defaultApp(directoryWith({ 'wsgi.js': '', 'wsgi.ts': '' }))).toBe('wsgi.ts')
    expect(defaultApp(directoryWith({ 'wsgi.js': '' }))).toBe('wsgi.js')
    expect(() => defaultApp(temporaryDirectory())).toThrow(expect.objectContaining({ code: 'TSGI_ERR_APP_NOT_FOUND' }))
  })

  it('that is wrong brings up close names', () => {
    const directory = directoryWith({ 'wsgi.js': '', 'src/server.ts': '', 'types.d.ts': '', 'README.md': '' })
    expect(refusal('wsgi.ts', directory)).toContain('Did you mean "wsgi.js"?')
    expect(refusal('wsgi', directory)).toContain('Did you mean "wsgi.js"?')
    expect(refusal('wsig.js', directory)).toContain('Did you mean "wsgi.js"?')
    expect(refusal('src/sever.ts:app', directory)).toContain('Did you mean "src/server.ts"?')
    expect(refusal('type.ts', directory)).not.toContain('Did you mean')
    expect(refusal('lib/app.ts', directory)).toContain('there is no directory')
    expect(refusal('README.md', directory)).toContain('is no JavaScript or TypeScript')
  })

  it('that is a directory without a beginning says what is in it', () => {
    const directory = directoryWith({
      'src/server.ts': '',
      'empty/.keep': '',
      'unbuilt/package.json': '{"main":"dist/a.js"}',
      'broken/package.json': '{',
    })
    expect(refusal('src', directory)).toContain('Name a file, such as "src/server.ts"')
    expect(refusal('empty', directory)).toContain('Name a file')
    expect(refusal('unbuilt', directory)).toContain('names "dist/a.js", which is not there; has it been built?')
    expect(refusal('broken', directory)).toContain('is not JSON')
  })
})
