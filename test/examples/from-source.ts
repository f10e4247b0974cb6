import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'

const ROOT = new URL('../../', import.meta.url)
const NAME = 'oidc-provider-mfa'

/**
 * Lets a program of `examples` import the package by its name without a build. Each entry of package.json is resolved
 * to the source from which it is built. test/packaging tests the published package.
 */
const { exports } = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8')) as {
  exports: Record<string, string | { default: string }>
}
const sources = new Map(
  Object.entries(exports).flatMap(([entry, target]) => {
    if (typeof target === 'string') return []
    const source = target.default.replace(/^\.\/dist\//, '').replace(/\.js$/, '.ts')
    return [[entry.replace(/^\./, NAME), new URL(source, ROOT).href] as const]
  }),
)

registerHooks({
  resolve(specifier, context, next) {
    const url = sources.get(specifier)
    return url === undefined ? next(specifier, context) : { url, shortCircuit: true }
  },
})
