/** A version of Node as its releases are named: `22.18`, `24`. */
const VERSION = /^\d+(\.\d+){0,2}$/

/**
 * The package that holds the program of Node for a platform, as a file: it has no install script. The package `node`
 * has one, and fetches this package by it.
 */
export function nodePackage(
  platform: NodeJS.Platform = process.platform,
  architecture: string = process.arch,
): string {
  const prefix = platform === 'darwin' && architecture === 'arm64' ? 'node-bin' : 'node'
  return [prefix, platform === 'win32' ? 'win' : platform, architecture].join('-')
}

/** The oldest Node that `engines.node` of a package.json accepts. Throws if it is not a plain lower bound. */
export function oldestNode(engines: string): string {
  const [, version] = /^>=(\d+(?:\.\d+){0,2})$/.exec(engines) ?? []
  if (version === undefined) throw new Error(`engines.node has no plain lower bound: ${engines}`)
  return version
}

/** The version that an argument of `npm run test:node` names; `oldest` is the oldest version that `engines` accepts. */
export function namedNode(argument: string | undefined, engines: string): string {
  if (argument === 'oldest') return oldestNode(engines)
  if (argument === undefined || !VERSION.test(argument))
    throw new Error('Name a version of Node: npm run test:node -- 22.18, or: -- oldest')
  return argument
}
