import { suggestion } from '../nearest-name.ts'

/** Takes one fault, without the name of the thing that has it. */
export type Say = (fault: string) => void

/** The members of an object by their names in camelCase. */
export type Fields = ReadonlyMap<string, unknown>

/**
 * The members of an object. Each can be written in camelCase or, as in a JSON file, in snake_case. A member whose value
 * is undefined counts as absent. An unknown one is a fault: a misspelt condition would have no effect. Undefined: the
 * value is no object.
 */
export function fieldsOf(value: unknown, known: readonly string[], say: Say): Fields | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const fields = new Map<string, unknown>()
  for (const [key, member] of Object.entries(value)) {
    if (member === undefined) continue
    const name = known.includes(key) ? key : camelCase(key)
    if (!known.includes(name)) say(`unknown key "${key}"${suggestion(name, known)}`)
    else if (fields.has(name)) say(`${name} is given twice, as ${name} and as ${snakeCase(name)}`)
    else fields.set(name, member)
  }
  return fields
}

function camelCase(key: string): string {
  return /^[a-z_]+$/.test(key)
    ? key.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
    : key
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

/** A member that must be a whole number. Undefined: it is absent or unfit. */
export function wholeNumber(
  fields: Fields,
  name: string,
  { least, most = Number.MAX_SAFE_INTEGER, say }: { least: number; most?: number; say: Say },
): number | undefined {
  const value = fields.get(name)
  if (value === undefined) return undefined
  if (Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most)
    return Number(value)
  const range =
    most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`
  say(`${name} must be a whole number ${range}`)
  return undefined
}

/** A member that must be true or false. Undefined: it is absent or unfit. */
export function truth(fields: Fields, name: string, say: Say): boolean | undefined {
  const value = fields.get(name)
  if (value === undefined || typeof value === 'boolean') return value
  say(`${name} must be true or false`)
  return undefined
}

/** A member that must be text, or a list of texts with at least one entry. Undefined: it is absent or unfit. */
export function texts(fields: Fields, name: string, say: Say): readonly string[] | undefined {
  const value = fields.get(name)
  if (value === undefined) return undefined
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (list.length === 0) say(`${name} is an empty list, which never matches`)
  else if (!list.every((one) => typeof one === 'string' && one !== '' && one !== '!'))
    say(`${name} must be text that is not empty, or a list of such texts`)
  else return [...new Set(list as readonly string[])]
  return undefined
}

/** The members that are there. */
export function present<T extends object>(
  members: T,
): { readonly [K in keyof T]?: Exclude<T[K], undefined> } {
  const given = Object.entries(members).filter(([, value]) => value !== undefined)
  return Object.fromEntries(given) as { [K in keyof T]?: Exclude<T[K], undefined> }
}
