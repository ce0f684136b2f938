/** At the end of a run, names every suite and test that was skipped, with the reason its title carries. */
import type { Reporter, TestCase, TestModule, TestSuite } from 'vitest/node'

/** Counts the skipped tests below the outermost skipped suite, so that a suite is one line. */
function skippedBelow(parent: TestModule | TestSuite, prefix: string): { line: string; tests: number }[] {
  const found: { line: string; tests: number }[] = []
  for (const child of parent.children) {
    const title = `${prefix} > ${child.name}`
    if (child.type === 'test') {
      if (isSkipped(child)) found.push({ line: title, tests: 1 })
    } else if (child.options.mode === 'skip') {
      found.push({ line: title, tests: [...child.children.allTests()].length })
    } else {
      found.push(...skippedBelow(child, title))
    }
  }
  return found
}

function isSkipped(test: TestCase): boolean {
  return test.result().state === 'skipped'
}

export default class SkippedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const skipped = modules.flatMap((module) => skippedBelow(module, module.relativeModuleId))
    if (skipped.length === 0) return
    const tests = skipped.reduce((sum, { tests: count }) => sum + count, 0)
    console.log(`\n Skipped: ${tests} ${tests === 1 ? 'test' : 'tests'}. \`npm run test:full\` runs everything.`)
    for (const { line, tests: count } of skipped) console.log(`   ${line} [${count}]`)
  }
}
