import type { Json } from '../domain/json.ts'
import { distinctName, hashHandle, nameOf } from '../application/authenticator.ts'
import type { Dependencies } from '../application/dependencies.ts'
import type { AnyFactor, Imports } from '../factors/factor.ts'
import { isEmpty, listOf, type FieldsToImport, type ImportFault } from './fields.ts'

/** An authenticator of another application, as its factor keeps it. */
export interface ReadAuthenticator {
  readonly factor: AnyFactor
  readonly state: Json
  readonly name: string
  /** The field and the place in its list: `passkeys[0]`. */
  readonly place: string
}

export interface ReadAuthenticators {
  readonly authenticators: readonly ReadAuthenticator[]
  readonly faults: readonly ImportFault[]
}

/** Reads the fields of all factors that read their own authenticators. Stores nothing. */
export async function readAuthenticators(
  { factors }: Pick<Dependencies, 'factors'>,
  fields: FieldsToImport,
): Promise<ReadAuthenticators> {
  const read: ReadAuthenticators[] = []
  for (const factor of factors.values()) {
    const imports = factor.imports as Imports<Json> | undefined
    if (imports === undefined || !Object.hasOwn(fields, imports.field)) continue
    const value = fields[imports.field]
    if (!isEmpty(value)) read.push(await readList(factor, imports, value))
  }
  return {
    authenticators: read.flatMap(({ authenticators }) => authenticators),
    faults: read.flatMap(({ faults }) => faults),
  }
}

async function readList(
  factor: AnyFactor,
  { field, read, isSame }: Imports<Json>,
  value: unknown,
): Promise<ReadAuthenticators> {
  const list = listOf(value)
  const refused = (code: ImportFault['code']) => ({ authenticators: [], faults: [{ field, code }] })
  if (list === undefined) return refused('authenticators-unreadable')
  if (list.length > (factor.most ?? Infinity)) return refused('too-many')
  const authenticators: ReadAuthenticator[] = []
  const faults: ImportFault[] = []
  for (const [at, given] of list.entries()) {
    const place = `${field}[${at}]`
    const one = await read(given)
    if ('fault' in one) {
      const member = one.fault === '' ? place : `${place}.${one.fault}`
      faults.push({ field: member, code: 'authenticator-unfit' })
      continue
    }
    if (authenticators.some(({ state }) => isSame(state, one.state)))
      faults.push({ field: place, code: 'authenticator-repeated' })
    const names = authenticators.map(({ name }) => name)
    const typed = nameOf(one.name)
    const name = typed === '' ? '' : distinctName(typed, names)
    authenticators.push({ factor, state: one.state, name, place })
  }
  return { authenticators, faults }
}

/** The faults of authenticators that another account can be found by. */
export async function takenOf(
  { storage }: Pick<Dependencies, 'storage'>,
  authenticators: readonly ReadAuthenticator[],
): Promise<readonly ImportFault[]> {
  const faults: ImportFault[] = []
  for (const { factor, state, place } of authenticators)
    for (const handle of factor.handlesOf?.(state) ?? [])
      if ((await storage.records.findByHandle(hashHandle(factor, handle))) !== undefined) {
        faults.push({ field: place, code: 'authenticator-taken' })
        break
      }
  return faults
}
