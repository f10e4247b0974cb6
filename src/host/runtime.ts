/**
 * Imported before the host. It warns on standard error of every Node without the mark of a long-term release, and the
 * build of one that npm has may lack it: the first thing that a newcomer reads would be a warning about the Node that
 * this repository brings, and `--json` would not be JSON. Of a Node that never becomes one it still warns.
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
