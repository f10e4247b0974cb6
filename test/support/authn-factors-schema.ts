import { readFileSync } from 'node:fs'

interface Schema {
  readonly type?: string
  readonly items?: Schema
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
}

const schema = JSON.parse(
  readFileSync(new URL('../../schemas/authn-factors.schema.json', import.meta.url), 'utf8'),
) as Schema

/** The faults of a claim by the JSON Schema that the package ships: the words of the standard that it uses. */
export function schemaFaults(value: unknown, by: Schema = schema, at = '$'): readonly string[] {
  if (by.enum !== undefined && !by.enum.includes(value)) return [`${at}: not one of the values`]
  if (by.const !== undefined && by.const !== value) return [`${at}: not the value`]
  if (by.type === 'array') {
    if (!Array.isArray(value)) return [`${at}: no array`]
    return value.flatMap((item, index) => schemaFaults(item, by.items, `${at}[${index}]`))
  }
  if (by.type === 'object') {
    if (typeof value !== 'object' || value === null) return [`${at}: no object`]
    const members = Object.entries(value).filter(([, member]) => member !== undefined)
    const { properties = {}, required = [] } = by
    const missing = required.filter((name) => !members.some(([known]) => known === name))
    return [
      ...missing.map((name) => `${at}.${name}: missing`),
      ...members.flatMap(([name, member]) =>
        properties[name] === undefined
          ? [`${at}.${name}: unknown`]
          : schemaFaults(member, properties[name], `${at}.${name}`),
      ),
    ]
  }
  return by.type === undefined || typeof value === by.type ? [] : [`${at}: no ${by.type}`]
}
