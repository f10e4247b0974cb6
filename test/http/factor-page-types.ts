/**
 * The compiler checks this file, and nothing runs it: a line under `@ts-expect-error` that compiles is an error.
 * A factor must describe the values that its type declares, and its pages receive these values.
 */
import type { Factor, PageModels, VerifyModel } from '../../src/index.ts'

const FORM = { csrf: 'c', action: '/a', cancelAction: '/c' }

interface Described {
  readonly enrolment: Record<never, never>
  readonly verification: { readonly colour: string }
}
type Pigeon = Factor<null, null, null, null, null, Described>

export const right: Pick<Pigeon, 'describeVerification'> = {
  describeVerification: () => ({ colour: 'grey' }),
}
export const misspelt: Pick<Pigeon, 'describeVerification'> = {
  // @ts-expect-error: the member is named `colour`
  describeVerification: () => ({ color: 'grey' }),
}
export const model: VerifyModel<Described['verification']> = {
  ...FORM,
  // @ts-expect-error: a colour is a string
  verification: { colour: 7 },
}
export const ours: PageModels['totp-verify'] = {
  ...FORM,
  // @ts-expect-error: totp() describes the number of digits
  verification: {},
}
