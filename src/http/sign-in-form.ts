import type nunjucks from 'nunjucks'
import type { JsonObject } from '../domain/json.ts'
import { brokenTemplates, refuse, signInFormOf, signInScriptOf } from './factor-views.ts'
import { translator, type Translator } from './messages.ts'
import type { Members } from './page-values.ts'
import type { RendererOptions } from './render.ts'

/** The values of the form by which a login page offers a factor (`sign-in-form.njk`). */
export interface SignInFormModel {
  readonly action: string
  readonly csrf: string
  /** The data of the factor: the answer of its `describeVerification`. */
  readonly verification: JsonObject
  /** A response was refused just now. */
  readonly refused: boolean
  /** The id of a credential that was shown just now and that no account has; empty: there is none. */
  readonly unknown: string
}

/** The values of the template: those of the model, and the ones that are added here. */
export const SIGN_IN_FORM_VALUES = {
  action: 'value',
  csrf: 'value',
  verification: 'any',
  refused: 'value',
  unknown: 'value',
  script: 'value',
  t: 'any',
} as const satisfies Members

/** Answers the HTML of the form of a factor. Throws where the factor has none. */
export type RenderSignInForm = (factor: string, model: SignInFormModel, locale: string) => string

/**
 * The forms are parts of pages of the application, so they come from templates also where the application renders our
 * pages itself. Throws MfaError `options-invalid` for a template that does not compile.
 */
export function signInForms(
  options: Pick<RendererOptions, 'catalogues' | 'locale' | 'asset' | 'factors'>,
  environment: nunjucks.Environment,
): RenderSignInForm {
  const factors = options.factors.filter(({ hasSignInForm }) => hasSignInForm)
  refuse(
    factors.flatMap((factor) => brokenTemplates(environment, factor, [signInFormOf(factor.id)])),
  )
  const words = (locale: string): Translator => {
    const known = options.catalogues.has(locale) ? locale : options.locale
    return translator(options.catalogues, known, options.locale)
  }
  return (id, model, locale) => {
    const factor = factors.find((each) => each.id === id)
    if (factor === undefined)
      throw new Error(`The factor "${id}" has no template ${signInFormOf(id)}`)
    const script = signInScriptOf(id)
    const added: Record<
      Exclude<keyof typeof SIGN_IN_FORM_VALUES, keyof SignInFormModel>,
      unknown
    > = {
      script: factor.files.has(script) ? options.asset(script) : '',
      t: words(locale).text,
    }
    return environment.render(signInFormOf(id), { ...model, ...added }).trim()
  }
}
