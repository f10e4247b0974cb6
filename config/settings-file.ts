import { z } from 'zod'
import { faultsOfGroup, type PasskeyGroup } from './passkeys.ts'
import { fileOptions, singleOptions, type FileValues, type Groups } from './schema.ts'

/** R6: the longest time for which TOTP codes may be valid (RFC 6238 5.2). */
const LONGEST_TOTP_REACH_SECONDS = 150

const groups: Groups = fileOptions

/** The groups that may be written in snake_case, as client metadata is. */
const EITHER_CASE: ReadonlySet<string> = new Set(['policy', 'passkeys'])

/** Reads CONFIG_FILE's object. An unknown name is a fault: a misspelt limit would have no effect. */
export const fileSchema = z
  .strictObject({
    ...mapValues(groups, groupSchema),
    ...mapValues(singleOptions, (option) => option.schema),
  })
  // Zod cannot follow the types through the two loops; each value was parsed by its option's own schema.
  .transform((value) => value as unknown as FileValues)
  .superRefine(({ totp, sessions }, context) => {
    if ((2 * totp.window + 1) * totp.periodSeconds > LONGEST_TOTP_REACH_SECONDS)
      context.addIssue({
        code: 'custom',
        path: ['totp', 'window'],
        message: `(2 x window + 1) x periodSeconds must be at most ${LONGEST_TOTP_REACH_SECONDS}`,
      })
    if (sessions.idleSeconds > sessions.longestSeconds)
      context.addIssue({
        code: 'custom',
        path: ['sessions', 'idleSeconds'],
        message: 'must be at most sessions.longestSeconds',
      })
  })

function mapValues<T, U>(
  object: Readonly<Record<string, T>>,
  change: (value: T, key: string) => U,
): Record<string, U> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value, key)]))
}

function groupSchema(options: Groups[string], group: string): z.ZodType {
  const members = z.strictObject(mapValues(options, (option) => option.schema)).prefault({})
  const checked = group === 'passkeys' ? members.superRefine(checkPasskeys) : members
  return EITHER_CASE.has(group) ? z.preprocess(inCamelCase, checked) : checked
}

/**
 * The group `passkeys` of CONFIG_FILE's object, whatever faults the other groups have. Undefined: it has faults itself.
 */
export function passkeysIn(content: unknown): PasskeyGroup | undefined {
  const { passkeys } = Object(content) as { readonly passkeys?: unknown }
  const parsed = groupSchema(fileOptions.passkeys, 'passkeys').safeParse(passkeys)
  return parsed.success ? (parsed.data as PasskeyGroup) : undefined
}

function checkPasskeys(settings: unknown, context: z.RefinementCtx): void {
  for (const { option, problem } of faultsOfGroup(settings as PasskeyGroup))
    context.addIssue({ code: 'custom', path: [option], message: problem })
}

/** A name that is there in both spellings stays a fault. */
function inCamelCase(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const names = Object.keys(value)
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      const camel = name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
      return [names.includes(camel) ? name : camel, member as unknown]
    }),
  )
}
