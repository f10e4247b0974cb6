import type { JsonObject } from '../domain/json.ts'

/**
 * The pages of a factor, and the files that they need. Files are read once, by `createMfa`, which refuses with
 * MfaError `options-invalid` a folder, template, script or style that is missing or cannot be read, a template that
 * does not compile, a page name that another page has, and a message key that is not the factor's.
 */
export interface FactorPages {
  /**
   * A folder, as a path or a `file:` URL. It holds
   *
   * - `enrol.njk`: the set-up page. Factors with `enrolment: 'confirmed'` only;
   * - `verify.njk`: the page of a sign-in;
   * - `sign-in-form.njk`: the form by which a login page offers a factor with `identify`; a part of a page. Optional;
   * - `offer.njk`: the page of the `offer`. Only where there is one;
   * - `icon.njk`: optional; the drawing beside the factor's name in lists;
   * - `mail/<id>.njk`, `mail/<id>-<more>.njk`: optional; the mails that a `Delivery` names by `template`;
   * - `messages/<locale>.json`: optional; `en.json` is needed where there is another. Keys begin with `<id>.` or
   *   `factor.<id>.`, those of a mail with `mail.<template>.`. A language that has no catalogue here is shown in
   *   English.
   *
   * Templates name these files `factors/<id>/...`. The application's own views folders are searched first.
   */
  readonly views: URL | string
  /**
   * The names of the pages in `body[data-page]`, for automation. Default: `<id>-enrol`, `<id>-verify` and `<id>-offer`.
   */
  readonly names?: {
    readonly enrol?: EnrolPageName
    readonly verify?: VerifyPageName
    readonly offer?: OfferPageName
  }
  /**
   * A classic script (a path or a `file:` URL) for the pages of this factor. It is loaded with `defer`, after the
   * script of every page. The content security policy lets it run; inline scripts never run.
   */
  readonly script?: URL | string
  /** The same for the pages that show `sign-in-form.njk`, which names it in the value `script`. */
  readonly signInScript?: URL | string
  /** A style sheet (a path or a `file:` URL) for the pages of this factor. It comes after the common one. */
  readonly style?: URL | string
  /**
   * A classic script (a path or a `file:` URL) for pages that are not this factor's. It finds in the attributes of its own
   * element (`document.currentScript`) why the page has it: `data-offer`, the factor may be offered after this page;
   * `data-page-data`, the JSON of the factor's `pageData` on the overview of the account.
   */
  readonly beside?: URL | string
  /**
   * True: a person who has none of this factor is offered it, after a sign-in with a password and a code. The offer is
   * shown where the script `beside` has found that the device can have the factor: it then puts a hidden field `offer`
   * with the id of the factor into the first form of the verify page. Needs `beside` and `offer.njk`, and `enrolment:
   * 'confirmed'`.
   */
  readonly offer?: boolean
  /**
   * True: a browser that can may make one on the page of the `offer`, without asking the person. The page then has
   * `silent`, the values that `describeEnrolment` gives for a challenge that is `silent`. The script posts `{ csrf, answer:
   * 'silent' }` with the response. Needs `offer` and the factor's `enrolmentChallenge`.
   */
  readonly silent?: boolean
}

export type EnrolPageName = `${string}-enrol`
export type VerifyPageName = `${string}-verify`
export type OfferPageName = `${string}-offer`

/** The values that a factor gives to its two pages: the results of `describeEnrolment` and `describeVerification`. */
export interface Descriptions {
  /** `enrolment` in the model of the set-up page. */
  readonly enrolment: JsonObject
  /** `verification` in the model of the verify page. */
  readonly verification: JsonObject
}
