import { z } from 'zod'

/** One setting. Its name is its key in the table; the reference is generated from its other members. */
export interface Option<T> {
  /** Reads and checks a value; an absent one becomes the default. Its messages say how to correct a fault. */
  readonly schema: z.ZodType<T>
  /** The type, as the reference shows it. */
  readonly type: string
  readonly unit?: string
  /** The default, as the reference shows it; the schema holds the value itself. */
  readonly default: string
  readonly bounds?: string
  /** The description: one sentence. */
  readonly doc: string
  /** True: the value is never logged, and in the environment it can also come from the file that NAME_FILE names. */
  readonly secret: boolean
}

interface About {
  readonly doc: string
  readonly unit?: string
}

/** An integer. In the environment (`text`) every value is text; in the file a number is a number. */
export function integer(
  about: About & { min: number; max: number; default: number; text?: boolean },
): Option<number> {
  const { min, max } = about
  const message = `must be a whole number from ${min} to ${max}`
  const bounded = z.int({ error: message }).min(min, message).max(max, message)
  const fromText = z
    .string()
    .regex(/^\d{1,15}$/, message)
    .transform(Number)
    .pipe(bounded)
  return {
    schema: (about.text === true ? fromText : bounded).default(about.default),
    type: 'integer',
    default: String(about.default),
    bounds: `${min} to ${max}`,
    secret: false,
    ...described(about),
  }
}

export function choice<const T extends readonly string[]>(
  about: About & { of: T; default: NoInfer<T[number]> },
): Option<T[number]> {
  return {
    schema: z
      .enum([...about.of], { error: `must be one of ${about.of.join(', ')}` })
      .default(about.default),
    type: 'choice',
    default: about.default,
    bounds: about.of.join(', '),
    secret: false,
    ...described(about),
  }
}

export function flag(about: About & { default: boolean }): Option<boolean> {
  return {
    schema: z.boolean({ error: 'must be true or false' }).default(about.default),
    type: 'boolean',
    default: String(about.default),
    secret: false,
    ...described(about),
  }
}

/** An option that needs its own schema. */
export function custom<T>(
  about: About & {
    schema: z.ZodType<T>
    type: string
    default: string
    bounds?: string
    secret?: boolean
  },
): Option<T> {
  return {
    schema: about.schema,
    type: about.type,
    default: about.default,
    ...(about.bounds === undefined ? {} : { bounds: about.bounds }),
    secret: about.secret ?? false,
    ...described(about),
  }
}

export function optionalText(about: About & { max: number }): Option<string | undefined> {
  const message = `must be text of 1 to ${about.max} characters`
  return {
    schema: z.string({ error: message }).min(1, message).max(about.max, message).optional(),
    type: 'text',
    default: 'none',
    bounds: `1 to ${about.max} characters`,
    secret: false,
    ...described(about),
  }
}

/** An address to which browsers are sent; `javascript:` and similar schemes are refused. */
export function optionalLink(about: About): Option<string | undefined> {
  const message = 'must be an http or https address'
  return {
    schema: z
      .string({ error: message })
      .refine((value) => /^https?:$/.test(URL.parse(value)?.protocol ?? ''), message)
      .optional(),
    type: 'URL',
    default: 'none',
    secret: false,
    ...described(about),
  }
}

function described(about: About): { doc: string; unit?: string } {
  return about.unit === undefined ? { doc: about.doc } : { doc: about.doc, unit: about.unit }
}
