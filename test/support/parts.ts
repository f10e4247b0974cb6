/**
 * The usual run in parts, which the test command gives out to its lanes. Two parts can run at the same time: their suites
 * use free ports, temporary folders and databases of their own. Only the first part draws pictures, in one folder.
 */
const PARTS: readonly (readonly string[])[] = [
  ['test/{journeys,pages}/**/*.test.ts'],
  ['test/server/*.test.ts'],
  ['test/server/*/**/*.test.ts'],
  ['test/{examples,oidc,packaging}/**/*.test.ts'],
]

/** These suites have deadlines, which they miss beside other suites: they run alone at the end. */
export const WITH_DEADLINES = ['test/{faults,races}/**/*.test.ts', 'test/server/two-nodes.test.ts']
export const HAS_DEADLINES = /^test\/((faults|races)\/|server\/two-nodes\.)/

const EVERY_SUITE = 'test/**/*.test.ts'

/** The arguments of mocha for each part. The last part has every suite that no other part has, so that none is left out. */
export function usualParts(): string[][] {
  const parts = PARTS.map((globs) => [...globs, ...without(WITH_DEADLINES)])
  return [...parts, [EVERY_SUITE, ...without([...WITH_DEADLINES, ...PARTS.flat()])]]
}

function without(globs: readonly string[]): string[] {
  return globs.flatMap((glob) => ['--ignore', glob])
}
