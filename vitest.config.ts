import { defineConfig } from 'vitest/config'

const isFullRun = process.env.TSGI_TEST_FULL === '1'
const resultsFile = process.env.TSGI_TEST_RESULTS

/** Folders whose tests start the built commands. */
const processes = ['process', 'launcher', 'cli', 'nodes', 'large', 'frameworks', 'development', 'examples'].map(
  (folder) => `test/${folder}/**/*.test.ts`,
)

/** Measures, and wants the machine for itself. */
const chaos = ['test/chaos/**/*.test.ts']

/** Wants a Docker engine, and starts several servers at a time in it. */
const containers = ['test/containers/**/*.test.ts']

export default defineConfig({
  test: {
    // Tests that start processes share two cores with the processes they start: two files at a time, and patience.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: isFullRun ? 60_000 : 20_000,
    hookTimeout: isFullRun ? 60_000 : 20_000,
    teardownTimeout: 10_000,
    // An empty selection is a mistake, never a success; nor is a test that somebody left alone.
    passWithNoTests: false,
    allowOnly: false,
    reporters: [
      'default',
      './test/support/skipped-reporter.ts',
      ...(resultsFile === undefined ? [] : [['json', { outputFile: resultsFile }] satisfies [string, object]]),
    ],
    projects: [
      {
        extends: true,
        test: {
          name: 'library',
          include: ['test/**/*.test.ts'],
          exclude: [...processes, ...chaos, ...containers, 'test/apps/**'],
        },
      },
      { extends: true, test: { name: 'processes', include: processes, globalSetup: './test/setup/build.ts' } },
      {
        extends: true,
        test: {
          name: 'chaos',
          include: chaos,
          globalSetup: './test/setup/build.ts',
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'containers',
          include: containers,
          globalSetup: './test/setup/build.ts',
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
