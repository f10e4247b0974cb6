/**
 * This module is imported before the host. The host warns on standard error about every Node without the mark of a
 * long-term release, and the build of Node from npm may lack that mark. A newcomer would first read a warning about the
 * Node that this repository brings, and it would stand beside the output of `--json`. The host still warns about a Node
 * that never becomes a long-term release.
 */
const OLDEST_MAJOR = 22
const WARNING = 'Unsupported runtime. Use Node.js v22.x LTS, or a later LTS release.'

const major = Number(process.versions.node.split('.')[0])
if (major >= OLDEST_MAJOR && major % 2 === 0) {
  const { warn } = console
  console.warn = (...given: unknown[]) => {
    if (!String(given[0]).includes(WARNING)) warn.apply(console, given)
  }
}
