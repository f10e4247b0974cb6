/** The name of the instrumentation scope of all instruments and spans. */
export const SCOPE = 'oidc-provider-mfa'
