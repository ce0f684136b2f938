import { mkdirSync } from 'node:fs'
import { appendFile, open } from 'node:fs/promises'
import { join } from 'node:path'

export interface Entry {
  readonly name: string
  readonly message: string
  /** The name of its file among the pictures. */
  readonly picture: string | null
  /** Milliseconds since 1970. */
  readonly at: number
}

export interface Store {
  add(entry: Entry): void | Promise<void>
  /** The newest first. */
  latest(count: number): Entry[] | Promise<Entry[]>
  close(): void
}

/** A database where Node has one (22.13 and later), else a file. Any number of workers may use it at a time. */
export function openStore(directory: string): Store {
  mkdirSync(directory, { recursive: true })
  // Not an import: Node 20 would not start.
  const sqlite = process.getBuiltinModule('node:sqlite') as typeof SQLite | undefined // its types are younger than those of Node 20
  return sqlite === undefined ? fileStore(join(directory, 'entries.jsonl')) : databaseStore(sqlite, join(directory, 'entries.db'))
}

/** What is used of node:sqlite. */
declare const SQLite: {
  readonly DatabaseSync: new (path: string) => {
    exec(sql: string): void
    prepare(sql: string): {
      run(...values: readonly (string | number | null)[]): unknown
      all(...values: readonly number[]): unknown[]
    }
    close(): void
  }
}

function databaseStore({ DatabaseSync }: typeof SQLite, path: string): Store {
  const database = new DatabaseSync(path)
  // Who writes waits for the other workers instead of failing.
  database.exec('PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL')
  database.exec('CREATE TABLE IF NOT EXISTS entries (id INTEGER PRIMARY KEY, name TEXT, message TEXT, picture TEXT, at INTEGER)')
  const insert = database.prepare('INSERT INTO entries (name, message, picture, at) VALUES (?, ?, ?, ?)')
  const select = database.prepare('SELECT name, message, picture, at FROM entries ORDER BY id DESC LIMIT ?')
  return {
    add: ({ name, message, picture, at }) => void insert.run(name, message, picture, at),
    latest: (count) => select.all(count) as Entry[], // as the columns are
    close: () => database.close(),
  }
}

/** Bytes of the file that are looked at: more than the entries of one page take. */
const TAIL_BYTES = 1024 * 1024

/** A line of JSON for each entry: the system appends one line at a time, whoever writes. */
function fileStore(path: string): Store {
  return {
    add: (entry) => appendFile(path, `${JSON.stringify(entry)}\n`),
    async latest(count) {
      const file = await open(path, 'a+')
      try {
        const { size } = await file.stat()
        const length = Math.min(size, TAIL_BYTES)
        const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length)
        const lines = buffer.toString().split('\n').slice(0, -1)
        // The first one may be a half.
        const whole = length < size ? lines.slice(1) : lines
        return whole
          .slice(-count)
          .reverse()
          .map((line) => JSON.parse(line) as Entry) // as it was written
      } finally {
        await file.close()
      }
    },
    close() {},
  }
}
