const RETRY_AFTER_SECONDS = '5'

/**
 * An exception of this product: a stable `code` for programs, a message for the developer or operator
 * who reads the log, and a private `cause`. Expected refusals (a wrong code) are values, never these.
 *
 * `status` is the HTTP status the error would be answered with; `page` the page that explains it.
 * The message never holds a secret, a code or a token (R31). Every code has an entry in docs/reference/errors.md.
 */
export class MfaError extends Error {
  readonly code: ErrorCode
  readonly status: number
  /** The headers that Koa sends with an uncaught error: during an outage, `Retry-After` says when to try again. */
  readonly headers: Readonly<Record<string, string>>

  constructor(
    code: ErrorCode,
    message: string,
    options: { status?: number; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'MfaError'
    this.code = code
    this.status = options.status ?? 500
    this.headers = this.status === 503 ? { 'Retry-After': RETRY_AFTER_SECONDS } : {}
  }
}

export type ErrorCode =
  | 'options-invalid' // createMfa was given something it cannot work with; the message lists every fault
  | 'views-invalid' // a views folder, or the option `messages`, has a name that does not exist or a file that does not parse
  | 'configuration-not-composable' // configure() met a host configuration it cannot wrap
  | 'host-unfit' // the provider lacks what the plugin uses of it, or comes from another copy of oidc-provider
  | 'not-configured' // attach() with a provider that was not made from what configure() has answered
  | 'not-attached' // configure() without attach()
  | 'cookie-keys-differ' // the application around the provider signs cookies with other keys
  | 'login-not-sealed' // a `login` result that did not come from the plugin
  | 'wrong-prompt' // an answer to a prompt that is not the one being asked
  | 'interaction-expired' // the interaction, or the first factor in it, is no longer valid
  | 'form-forged' // CSRF token or origin does not fit
  | 'form-unreadable' // a body that is not what the form sends
  | 'body-already-read' // a body parser of the application has eaten the form and left none
  | 'form-too-large'
  | 'form-type' // not application/x-www-form-urlencoded
  | 'record-unreadable' // a stored document that does not parse, or is of a newer schema
  | 'record-contended' // compare-and-swap lost for 2 s
  | 'handle-taken' // a record was to be saved with a handle that another account's record holds
  | 'key-missing' // a sealed value names a key that is not configured
  | 'seal-broken' // a sealed value does not open for this account and purpose
  | 'storage-unavailable'
  | 'storage-refused' // the storage refuses this operation each time: a validator, a right, damage
  | 'schema-outdated' // the database is of an older version: run `oidc-provider-mfa migrate`
  | 'schema-too-old' // the database is of before the first release and is not migrated
  | 'schema-newer' // the database was made by a newer version
  | 'schema-foreign' // the database belongs to another application
  | 'too-many-attempts' // flood: more attempts in flight than are examined at once
  | 'hashing-overloaded' // the password hash queue is full
  | 'account-unknown'
  | 'fields-protected' // a write of the application's to what is ours in a user document
  | 'mail-failed'
