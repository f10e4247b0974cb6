import { suggestion } from '../nearest-name.ts'
import { fieldsOf, type Say } from './fields.ts'
import { rankOf, type Level, type Levels } from './levels.ts'
import type { UpstreamTrust, UpstreamWords } from './upstream.ts'

const KEYS = ['acr', 'amr'] as const
const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']

/**
 * Reads which words of which upstream providers reach which level: `{ [issuer]: { acr: { [value]: level }, amr: ... } }`. A
 * level is one that a configured factor can reach, by its name or `acr`. `faults` lists every fault.
 */
export function parseUpstream(
  value: unknown,
  levels: Levels,
): { readonly upstream: UpstreamTrust } | { readonly faults: readonly string[] } {
  const faults: string[] = []
  const providers = entriesOf(value)
  if (providers === undefined)
    return { faults: ['must be an object: { "https://issuer": { acr: { value: level } } }'] }
  const upstream = new Map<string, UpstreamWords>()
  for (const [issuer, said] of providers) {
    const say: Say = (fault) => faults.push(`"${issuer}": ${fault}`)
    if (!isIssuer(issuer)) say('is no issuer: an https address without a query and a fragment')
    const words = wordsOf(said, levels, say)
    if (words !== undefined) upstream.set(issuer, words)
  }
  return faults.length > 0 ? { faults } : { upstream }
}

function wordsOf(value: unknown, levels: Levels, say: Say): UpstreamWords | undefined {
  const fields = fieldsOf(value, KEYS, say)
  if (fields === undefined) {
    say('must be an object: { acr: { value: level }, amr: { value: level } }')
    return undefined
  }
  const [acr, amr] = KEYS.map((key) => mapOf(key, fields.get(key), levels, say))
  if (acr === undefined || amr === undefined) return undefined
  if (acr.size + amr.size === 0) say('names no value of acr or amr, so nothing of it counts')
  return { acr, amr }
}

/** The level of each value. Undefined: it is unfit. */
function mapOf(
  key: string,
  value: unknown,
  levels: Levels,
  say: Say,
): ReadonlyMap<string, Level> | undefined {
  const entries = value === undefined ? [] : entriesOf(value)
  if (entries === undefined) {
    say(`${key} must be an object: { value: level }`)
    return undefined
  }
  const found = new Map<string, Level>()
  for (const [word, name] of entries) {
    const rank = typeof name === 'string' ? rankOf(levels, name) : undefined
    const level = rank === undefined ? undefined : levels[rank]
    if (level === undefined) say(`${key} "${word}": ${noLevel(name, levels)}`)
    else found.set(word, level)
  }
  return found.size < entries.length ? undefined : found
}

function noLevel(name: unknown, levels: Levels): string {
  if (typeof name !== 'string') return 'must be the name or the acr of a level'
  const names = levels.map((level) => level.name)
  return `no configured factor reaches a level "${name}"${suggestion(name, names)}`
}

function entriesOf(value: unknown): readonly (readonly [string, unknown])[] | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.entries(value)
    : undefined
}

/** An issuer is compared character by character (OpenID Connect Core 2), so it stays as it is written. */
function isIssuer(text: string): boolean {
  const url = URL.parse(text)
  if (url === null || /[?#]/.test(text)) return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.includes(url.hostname))
}
